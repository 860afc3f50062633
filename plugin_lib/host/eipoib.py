# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""EIPOIB interfaces: what eth_ipoib made over the IPoIB parents, its slaves and the (MAC, VLAN) that each serves."""
from __future__ import absolute_import, print_function, unicode_literals

import re

from plugin_lib._compat import quoted
from plugin_lib.host.ipoib import NET
from plugin_lib.host.state import Eipoib, Vif
from plugin_lib.host.tree import PAGE_SIZE
from plugin_lib.memo import remembering

DRIVER = 'eth_ipoib'

_LIST = NET + '/eth_ipoib_interfaces'
_LIST_LINE = re.compile(r'^(\S+) over IB port: (\S+)$')
_SLAVE_LINK = 'slave_'
_VIF = re.compile(r'^SLAVE=(\S+)\s+MAC=([0-9A-Fa-f:]{17}|N/A)\s+VLAN=([0-9]{1,4}|N/A)\s*$')


def read(reader, interfaces, parents, ports):
    # type: (object, dict, dict, tuple) -> dict
    """``{name: Eipoib}``.

    :param reader: a :class:`plugin_lib.host.sysfs.Reader`
    :param interfaces: ``{name: Interface}``
    :param parents: ``{name: Parent}``, the IPoIB parents
    :param ports: the HCA Ports
    """
    listed, found = _listed(reader), {}
    for name in sorted(name for name in interfaces if name in listed or interfaces[name].driver == DRIVER):
        names = reader.names('{0}/{1}'.format(NET, name))
        if names is None:  # gone since the interfaces were listed, or not to be understood
            continue
        parent = _parent(listed.get(name), interfaces[name].bus_info, parents)
        if parent not in parents:
            reader.problems.append('{0}: its IPoIB interface is not known'.format(name))
        hca, number = _hca_port(parents.get(parent), ports)
        slaves = tuple(entry[len(_SLAVE_LINK):] for entry in names if entry.startswith(_SLAVE_LINK))
        vifs, complete = _vifs(reader, '{0}/{1}/eth/vifs'.format(NET, name))
        found[name] = Eipoib(name, parent, hca, number, interfaces[name].mac, interfaces[name].up, slaves, vifs,
                             complete)
    return found


@remembering
def parse_vifs(page):
    # type: (str) -> tuple
    """``(Vifs, whether they are all, rows that make no sense)`` of the text of ``ethX/eth/vifs``.

    eth_ipoib prints into one page, of which a byte is the terminating zero, and overwrites the last byte that fits with
    a newline: the last row of a full page can be cut where it still looks valid (VLAN 123 as 12), and is left out.

    :param page: without its trailing newline
    """
    rows = page.split('\n') if page else []
    complete = len(page) + 1 < PAGE_SIZE - 1
    vifs, nonsense = [], []
    for row in rows if complete else rows[:-1]:
        match = _VIF.match(row)
        if not match:
            nonsense.append(row)
        else:
            slave, mac, vlan = match.groups()
            vifs.append(Vif(slave, None if mac == 'N/A' else mac.lower(), None if vlan == 'N/A' else int(vlan)))
    return tuple(vifs), complete and not nonsense, nonsense


def _vifs(reader, path):
    page = reader.read(path)
    if page is None:
        return (), False
    vifs, complete, nonsense = parse_vifs(page)
    reader.problems.extend('{0}: not a vif: {1}'.format(path, quoted(row)) for row in nonsense)
    return vifs, complete


def _listed(reader):
    """``{EIPOIB interface: IPoIB parent}`` as eth_ipoib lists them; empty without the module."""
    matches = [_LIST_LINE.match(line) for line in (reader.read(_LIST) or '').split('\n')]
    return dict(match.groups() for match in matches if match)


def _parent(listed, bus_info, parents):
    """The name of the IPoIB parent.

    bus_info names it too, or on some releases the HCA's PCI address, which tells nothing on an HCA with two ports.
    """
    if listed or bus_info in parents:
        return listed or bus_info
    of_hca = [parent.name for parent in parents.values() if parent.pci and parent.pci == bus_info]
    return of_hca[0] if len(of_hca) == 1 else None


def _hca_port(parent, ports):
    for port in ports:
        if parent and parent.pci and (port.pci, port.number) == (parent.pci, parent.port):
            return port.hca, port.number
    return None, None
