# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``fuel-infiniband discover``: the interfaces, EIPOIB interfaces, HCA ports and P_Keys of a machine."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib import tables

_NO_INFINIBAND = 'no InfiniBand on this machine: no HCA port has the link layer InfiniBand\n'
_NO_EIPOIB = 'InfiniBand, but no EIPOIB interface: eth_ipoib is not loaded, or the driver release has none\n'


def document(host):
    # type: (object) -> dict
    """A Host for machines: ``{"infiniband", "interfaces", "ports", "problems"}``.

    ``eipoib`` of an interface is null except on EIPOIB interfaces, ``child`` except on IPoIB children;
    ``pkeys`` of a port is null when its table could not be read.
    """
    return {
        'infiniband': has_infiniband(host),
        'interfaces': dict((name, _interface(host, name)) for name in host.interfaces),
        'ports': [_port(port) for port in host.ports],
        'problems': list(host.problems),
    }


def table(host):
    # type: (object) -> str
    """A Host for a person; runs of P_Keys and the IPoIB children are summed up, there can be 127 of each a port."""
    parts = []
    if not has_infiniband(host):
        parts.append(_NO_INFINIBAND)
    elif not host.eipoibs:
        parts.append(_NO_EIPOIB)
    parts.append(tables.render(
        ['interface', 'driver', 'bus info', 'mac', 'link type', 'state'],
        [[nic.name, nic.driver, nic.bus_info, nic.mac, nic.link_type, nic.state]
         for name, nic in sorted(host.interfaces.items()) if name not in host.children]))
    if host.eipoibs:
        parts.append(_eipoib_table(host))
    if host.children:
        parts.append(_children_table(host))
    if host.ports:
        parts.append(tables.render(
            ['hca', 'port', 'pci', 'link layer', 'state', 'lid', 'sm lid', 'rate'],
            [[port.hca, port.number, port.pci, port.link_layer, port.state, port.lid, port.sm_lid, port.rate]
             for port in host.ports]))
        parts.append(tables.render(['hca', 'port', 'p_key', 'membership', 'vlan'],
                                   [row for port in host.ports for row in _key_rows(port)]))
    parts.append(''.join('problem: {0}\n'.format(line) for line in host.problems))
    return '\n'.join(part for part in parts if part)


def has_infiniband(host):
    # type: (object) -> bool
    """Whether the machine has a port on an InfiniBand fabric, or an interface over one."""
    return bool(host.eipoibs) or any(port.link_layer == 'InfiniBand' for port in host.ports)


def _interface(host, name):
    nic, child = host.interfaces[name], host.children.get(name)
    return {
        'driver': nic.driver, 'bus_info': nic.bus_info, 'mac': nic.mac, 'link_type': nic.link_type, 'up': nic.up,
        'state': nic.state, 'mtu': nic.mtu, 'master': nic.master,
        'eipoib': _eipoib(host, host.eipoibs[name]) if name in host.eipoibs else None,
        'child': {'parent': child.parent, 'pkey': str(child.pkey) if child.pkey else None} if child else None,
    }


def _eipoib(host, eipoib):
    port = host.port_of(eipoib)
    return {
        'parent': eipoib.parent, 'hca': eipoib.hca, 'port': eipoib.port,
        'pci': port.pci if port else None, 'link_layer': port.link_layer if port else None,
        'port_state': port.state if port else None, 'sm_lid': port.sm_lid if port else None,
    }


def _port(port):
    pkeys = None if port.pkeys is None else [
        {'pkey': str(pkey), 'membership': pkey.membership, 'vlan': pkey.vlan} for pkey in port.pkeys]
    return {
        'hca': port.hca, 'port': port.number, 'pci': port.pci, 'link_layer': port.link_layer, 'state': port.state,
        'lid': port.lid, 'sm_lid': port.sm_lid, 'rate': port.rate, 'pkeys': pkeys, 'problem': port.problem,
    }


def _eipoib_table(host):
    facts = [(name, _eipoib(host, host.eipoibs[name])) for name in sorted(host.eipoibs)]
    return tables.render(
        ['eipoib', 'parent', 'hca', 'port', 'pci', 'link layer', 'port state', 'sm lid', 'slaves'],
        [[name, over['parent'], over['hca'], over['port'], over['pci'], over['link_layer'], over['port_state'],
          over['sm_lid'], len(host.eipoibs[name].slaves)] for name, over in facts])


def _children_table(host):
    rows = []
    for parent in sorted(set(child.parent for child in host.children.values())):
        children = [child for child in host.children.values() if child.parent == parent]
        pkeys = set(child.pkey for child in children if child.pkey)
        rows.append([parent, len(children), ' '.join(_run(first, last) for first, last in _runs(pkeys))])
    return tables.render(['parent', 'children', 'p_keys'], rows)


def _key_rows(port):
    if port.pkeys is None:
        return [[port.hca, port.number, 'unreadable', None, None]]
    return [[port.hca, port.number, _run(first, last), first.membership, _vlans(first, last)]
            for first, last in _runs(set(port.pkeys))]


def _runs(pkeys):
    """``[(first, last)]`` of consecutive keys of one membership and one sort: VLANs, the default key, others."""
    runs = []
    for pkey in sorted(pkeys, key=lambda pkey: (not pkey.full, pkey.key)):
        last = runs[-1][1] if runs else None
        if last and last.key + 1 == pkey.key and _sort_of(last) == _sort_of(pkey):
            runs[-1] = (runs[-1][0], pkey)
        else:
            runs.append((pkey, pkey))
    return runs


def _sort_of(pkey):
    return pkey.full, pkey.is_default, pkey.vlan is None


def _run(first, last):
    return str(first) if first == last else '{0}-{1}'.format(first, last)


def _vlans(first, last):
    if first.is_default:
        return 'untagged'
    if first.vlan is None:
        return 'none: above 4094'
    return first.vlan if first == last else '{0}-{1}'.format(first.vlan, last.vlan)
