# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""IPoIB interfaces: the parents (one for each HCA port) and their children (one for each P_Key, or more)."""
from __future__ import absolute_import, print_function, unicode_literals

from collections import namedtuple

from plugin_lib._compat import quoted
from plugin_lib.errors import InputError
from plugin_lib.host.links import IFF_UP
from plugin_lib.host.state import Child
from plugin_lib.pkey import PKey

NET = '/sys/class/net'
ARPHRD_INFINIBAND = 32


class Parent(namedtuple('Parent', 'name pci port')):
    """An IPoIB interface that ib_ipoib made for an HCA port.

    :param pci: the HCA's PCI address, None where sysfs does not tell
    :param port: the HCA's port number, from 1
    """

    __slots__ = ()


def read(reader, links, known):
    # type: (object, dict, dict) -> tuple
    """``({name: Parent}, {name: Child})``.

    :param reader: a :class:`plugin_lib.host.sysfs.Reader`
    :param links: ``{name: Link}`` with names that may enter a path
    :param known: ``{name: Child}`` of a look at the same links, which need not be asked again
    """
    parents, children = {}, dict(known)
    for name in sorted(name for name in links if links[name].type == ARPHRD_INFINIBAND and name not in known):
        link = links[name]
        # A child that sysfs made has the file, a parent has not; on older kernels only the file tells them apart.
        parent = link.parent or reader.read('{0}/{1}/parent'.format(NET, name))
        if parent:
            children[name] = Child(name, link.ifindex, parent, _pkey(reader, link), bool(link.flags & IFF_UP))
        else:
            parents[name] = Parent(name, reader.link_name('{0}/{1}/device'.format(NET, name)), _port(reader, name))
    return parents, children


def _pkey(reader, link):
    """The child's PKey: netlink has it since Linux 3.7, and of a child that rtnetlink made only netlink has it."""
    path = '{0}/{1}/pkey'.format(NET, link.name)
    try:
        if link.pkey is not None:
            return PKey.from_value(link.pkey)
        text = reader.read(path)
        return PKey.of_table_entry(text) if text is not None else None
    except InputError as error:
        reader.problems.append('{0}: {1}'.format(path, error.what))
        return None


def _port(reader, name):
    """The HCA port under a parent.

    Both files count from 0.  Newer ib_ipoib sets dev_port too, older ones dev_id only: from Linux 3.15 the kernel has
    a dev_port file, which then says 0 for every port.
    """
    for leaf in ('dev_port', 'dev_id'):
        path = '{0}/{1}/{2}'.format(NET, name, leaf)
        text = reader.read(path)
        try:
            if text is not None and int(text, 0):
                return int(text, 0) + 1
        except ValueError:
            reader.problems.append('{0}: not a number: {1}'.format(path, quoted(text)))
    return 1
