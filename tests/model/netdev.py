# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The things that the model's drivers work on: HCA ports and network interfaces, and their sysfs folders."""
from __future__ import absolute_import, print_function, unicode_literals

import errno

from tests.model.sysfs import Attribute, Folder, Link, refuse

TABLE_ENTRIES = 128  # of an mlx4 port
PAGE_SIZE = 4096
IFF_UP = 0x1
IFF_BROADCAST = 0x2
PORT_STATES = {'DOWN': 1, 'INIT': 2, 'ARMED': 3, 'ACTIVE': 4}
PHYSICAL_STATES = {'DOWN': '2: Polling'}
DATAGRAM_MTU = 2044
CONNECTED_MTU = 65520
ZERO_MAC = '00:00:00:00:00:00'


def page(text):
    # type: (str) -> str
    """What eth_ipoib's show functions leave of ``text`` in their one page.

    Its rows are printed with scnprintf into 4096 bytes, of which one is the
    terminating zero, and the last byte printed is then overwritten with a
    newline: ``VLAN=123`` cut behind the 3 reads ``VLAN=12`` (eth_ipoib_sysfs.c,
    ``_sprintf`` and ``_end_of_line``).
    """
    text = text[:PAGE_SIZE - 1]
    return text[:-1] + '\n' if text else text


def devices_path(pci):
    return '../../../devices/pci0000:00/{0}'.format(pci)


class Port(object):
    """A port of an HCA and its P_Key table.

    :param guid: 16 hexadecimal digits, or None while the port has no GID
    :param pkeys: the table as 16-bit values; 0 is an empty slot
    """

    def __init__(self, hca, number, guid=None, pkeys=(0xffff,), state='ACTIVE', link_layer='InfiniBand'):
        self.hca = hca
        self.number = number
        self.guid = guid
        self.state = state
        self.link_layer = link_layer
        self.lid = number
        self.sm_lid = 1
        self.rate = '56 Gb/sec (4X FDR)'
        self.table_errno = None  # set it and reading a table entry fails
        self.garbled = {}        # {index: text that is shown instead of the entry}
        self.pkeys = []
        self.set_pkeys(pkeys)

    def set_pkeys(self, values):
        # type: (list) -> None
        """Program the whole table, as a subnet manager does; missing entries are 0."""
        values = list(values)
        assert len(values) <= TABLE_ENTRIES, 'a port holds {0} keys'.format(TABLE_ENTRIES)
        self.pkeys = values + [0] * (TABLE_ENTRIES - len(values))

    @property
    def gid(self):
        # type: () -> str
        digits = 'fe80000000000000' + self.guid if self.guid else '0' * 32
        return ':'.join(digits[at:at + 4] for at in range(0, 32, 4))

    def folder(self):
        # type: () -> Folder
        """``/sys/class/infiniband/<hca>/ports/<number>``; texts as drivers/infiniband/core/sysfs.c prints them."""
        texts = {
            'state': '{0}: {1}'.format(PORT_STATES[self.state], self.state),
            'phys_state': PHYSICAL_STATES.get(self.state, '5: LinkUp'),
            'rate': self.rate,
            'lid': '0x{0:x}'.format(self.lid),
            'sm_lid': '0x{0:x}'.format(self.sm_lid),
            'link_layer': self.link_layer,
        }
        entries = dict((name, text_attribute(text)) for name, text in texts.items())
        entries['gids'] = Folder.of({'0': text_attribute(self.gid)})
        entries['pkeys'] = Folder(lambda: [str(index) for index in range(TABLE_ENTRIES)], self._table_entry)
        return Folder.of(entries)

    def _table_entry(self, name):
        if not name.isdigit() or int(name) >= TABLE_ENTRIES:
            return None

        def show():
            if self.table_errno:
                refuse(self.table_errno)
            return '{0}\n'.format(self.garbled.get(int(name), '0x{0:04x}'.format(self.pkeys[int(name)])))
        return Attribute(show)


class Hca(object):
    """An HCA: ``/sys/class/infiniband/<name>``."""

    def __init__(self, name, pci):
        self.name = name
        self.pci = pci
        self.ports = {}
        self.sriov = None  # what the PCI device shows of itself and its virtual functions, a model.sriov.Sriov

    def folder(self):
        # type: () -> Folder
        entries = {
            'device': Link(devices_path(self.pci)),
            'ports': Folder(lambda: [str(number) for number in self.ports], self._port),
        }
        if self.sriov:
            guid = self.ports[1].guid or '0' * 16
            entries['node_guid'] = text_attribute(':'.join(guid[at:at + 4] for at in range(0, 16, 4)))
            if self.sriov.driver == 'mlx4_core':
                entries['iov'] = self.sriov.iov()
        return Folder.of(entries)

    def _port(self, name):
        port = self.ports.get(int(name)) if name.isdigit() else None
        return port.folder() if port else None


def text_attribute(text):
    # type: (str) -> Attribute
    return Attribute(lambda: text + '\n')


class Netdev(object):
    """A network interface of any kind.

    :param kind: ``ethernet``, ``ipoib`` (``ib0``), ``child`` (of an IPoIB
        interface) or ``eipoib``
    :param port: the HCA Port under it, None for plain Ethernet
    :param parent: a child's IPoIB parent, an EIPOIB interface's IPoIB interface
    :param pkey: 16-bit P_Key of an IPoIB interface
    :param way: who made a child: ``sysfs`` or ``rtnetlink``
    """

    def __init__(self, name, ifindex, kind, port=None, parent=None, pkey=None, way=None, index=0):
        self.name = name
        self.ifindex = ifindex
        self.kind = kind
        self.port = port
        self.parent = parent
        self.pkey = pkey
        self.way = way
        self.index = index   # OFED's child index; 0: none
        self.mtu = 1500 if kind == 'ethernet' else DATAGRAM_MTU
        self.mode = 'datagram'  # of an IPoIB interface
        self.is_connectable = True  # False: enhanced IPoIB
        self.addresses = []
        self.mac = None      # None: made from the port's GID
        self.up = False
        self.master = None   # the EIPOIB interface that holds this one
        self.claimed = False  # eth_ipoib's IFF_EIPOIB_VIF: set early, and left set by an enslave that fails later
        self.vif = None      # (MAC, VLAN or None)
        self.slaves = []     # of an EIPOIB interface, in the order they came
        self.looks_left = None  # an asynchronous delete is under way

    @property
    def is_ipoib(self):
        # type: () -> bool
        return self.kind in ('ipoib', 'child')

    @property
    def address(self):
        # type: () -> str
        """20 bytes with the port GID on IPoIB.  An EIPOIB interface has six bytes of the port GUID
        (all but its fourth and fifth), all zero while there is no GID (eth_ipoib: PARENT_MAC_MASK 0xE7)."""
        if self.mac:
            return self.mac
        guid = self.port.guid if self.port else None
        if self.is_ipoib:
            digits = ('80' if self.is_connectable else '00') + '000208' + self.port.gid.replace(':', '')
        elif guid:
            digits = guid[:6] + guid[10:]
        else:
            return ZERO_MAC
        return ':'.join(digits[at:at + 2] for at in range(0, len(digits), 2))

    @property
    def operstate(self):
        # type: () -> str
        carrier = self.port is None or self.port.state == 'ACTIVE'
        if self.kind == 'eipoib':
            carrier = carrier and bool(self.slaves)
        return 'up' if self.up and carrier else 'down'

    def folder(self, look, own_entries):
        # type: (object, dict) -> Folder
        """``/sys/class/net/<name>``.

        :param look: called before an attribute that the world outside the model may have changed
        :param own_entries: what the interface's driver adds: {name: node}
        """
        def shown(text_of):
            def show():
                look(self)
                return '{0}\n'.format(text_of())
            return Attribute(show)

        entries = {
            'ifindex': shown(lambda: self.ifindex),
            'iflink': shown(lambda: self.ifindex),
            'flags': shown(lambda: '0x{0:x}'.format(0x1002 | (IFF_UP if self.up else 0))),
            'type': text_attribute('32' if self.is_ipoib else '1'),
            'address': shown(lambda: self.address),
            'mtu': shown(lambda: self.mtu),
            'operstate': shown(lambda: self.operstate),
        }
        if self.is_ipoib:
            entries['device'] = Link(devices_path(self.port.hca.pci))
            entries['dev_id'] = text_attribute('0x{0:x}'.format(self.port.number - 1))
            entries['dev_port'] = text_attribute(str(self.port.number - 1))
        entries.update(own_entries)
        return Folder.of(entries)


def netdev_or_refuse(netdevs, name, number=errno.ENODEV):
    # type: (dict, str, int) -> Netdev
    """``netdevs[name]``, or an OSError with errno ``number``."""
    netdev = netdevs.get(name)
    if netdev is None:
        refuse(number)
    return netdev
