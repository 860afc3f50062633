# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The state of a machine as plain values: what ``host`` reads and ``planning`` looks at."""
from __future__ import absolute_import, print_function, unicode_literals

from collections import namedtuple

# Link types of /sys/class/net/<if>/type, linux/if_arp.h.
LINK_TYPES = {1: 'ethernet', 32: 'infiniband', 772: 'loopback'}


class Interface(namedtuple('Interface',
                           'name ifindex mac link_type up state mtu driver bus_info master kind parent vlan')):
    """A network interface.

    :param mac: its address as text; 6 bytes on Ethernet, 20 on InfiniBand
    :param link_type: ``ethernet``, ``infiniband``, ``loopback`` or the number as text
    :param up: whether it is administratively up (IFF_UP)
    :param state: operstate: ``up``, ``down``, ``unknown``...
    :param mtu: bytes
    :param driver: GDRVINFO's driver, None where the interface has no such answer
    :param bus_info: GDRVINFO's bus_info, None likewise
    :param master: the bridge or bond that it is in (``ovs-system`` for a kernel Open vSwitch), None without one
    :param kind: rtnetlink's word for what it is: ``bridge``, ``bond``, ``vlan``, ``veth``; None for hardware
    :param parent: the interface under a VLAN interface, the other end of a veth pair; None without one here
    :param vlan: of a VLAN interface, else None
    """

    __slots__ = ()

    @property
    def port_guid(self):
        # type: () -> int
        """Of an IPoIB interface the GUID of its HCA port, else None: the end of its address (RFC 4391, 9.1.1)."""
        if self.link_type != 'infiniband' or not self.mac:
            return None
        octets = self.mac.split(':')
        return int(''.join(octets[-8:]), 16) or None if len(octets) == 20 else None


Interface.__new__.__defaults__ = (None, None, None, None)  # most interfaces are in no bridge, and made by hardware


class Port(namedtuple('Port', 'hca number pci state link_layer lid sm_lid rate pkeys places problem')):
    """A port of an HCA.

    :param pci: the HCA's PCI address, None where sysfs does not tell
    :param state: ``ACTIVE``, ``DOWN``, ``INIT``, ``ARMED``
    :param link_layer: ``InfiniBand`` or ``Ethernet``
    :param pkeys: PKeys in the order of the table without the empty slots, or
        None when the table could not be read: an error is not an empty table
    :param places: the index in the table of each of them, likewise
    :param problem: why ``pkeys`` is None or incomplete, else None
    """

    __slots__ = ()


class Child(namedtuple('Child', 'name ifindex parent pkey up')):
    """An IPoIB child interface (a P_Key of its parent).

    :param parent: the IPoIB parent's name, ``ib0``
    :param pkey: its PKey; None where neither netlink nor sysfs tells
    """

    __slots__ = ()


class Vif(namedtuple('Vif', 'slave mac vlan')):
    """A row of ``ethX/eth/vifs``: a slave serves this MAC in this VLAN (None: untagged).

    ``mac`` is None where it does not serve anything yet.
    """

    __slots__ = ()


class Eipoib(namedtuple('Eipoib', 'name parent hca port mac up slaves vifs vifs_complete')):
    """An EIPOIB interface.

    :param parent: the IPoIB parent's name, ``ib0``
    :param hca: the HCA under the parent (``mlx4_0``), None when it cannot be told
    :param port: that HCA's port number, from 1, None likewise
    :param mac: its own MAC; all zero until the HCA port has a GID
    :param slaves: names of the children it holds, sorted: from the links
        ``slave_<name>``, which are complete
    :param vifs: Vifs as far as the ``vifs`` page shows them.  The page is cut at
        4096 bytes and its last row can be cut where it still looks valid; such
        a row is left out
    :param vifs_complete: False when the page was cut: the vif of a slave without
        a row is then unknown, not missing
    """

    __slots__ = ()


class StorageLink(namedtuple('StorageLink', 'name parent pkey mode mtu was_mode was_mtu addresses')):
    """An interface that carries storage over RDMA, as the stage ``storage`` noted it.

    :param parent: the IPoIB interface of which it is a child that we made; None: it was there before us
    :param pkey: the PKey of a child, else None
    :param mode: IPoIB's ``connected`` or ``datagram``; None on Ethernet
    :param mtu: bytes; None: the driver's own
    :param was_mode: of what was there before us: the mode that it goes back to
    :param was_mtu: likewise
    :param addresses: tuple of addresses with prefix lengths that Fuel's netconfig puts there
    """

    __slots__ = ()


class Host(namedtuple('Host', 'interfaces ports eipoibs children problems storage')):
    """Everything that one look at a machine found.

    :param interfaces: {name: Interface}
    :param ports: tuple of Ports, by HCA and number
    :param eipoibs: {name: Eipoib}
    :param children: {name: Child}
    :param problems: tuple of lines about what could not be read
    :param storage: tuple of StorageLinks
    """

    __slots__ = ()

    def __new__(cls, interfaces, ports, eipoibs, children, problems, storage=()):
        return super(Host, cls).__new__(cls, interfaces, ports, eipoibs, children, problems, storage)

    def storage_names(self):
        """Names of the interfaces that storage over RDMA has."""
        return frozenset([link.name for link in self.storage])

    def port_of(self, eipoib):
        """The Port under an Eipoib, or None."""
        for port in self.ports:
            if (port.hca, port.number) == (eipoib.hca, eipoib.port):
                return port
        return None


# The modules that make a Mellanox port an EIPOIB interface, in the order in which they load.
EIPOIB_MODULES = ('mlx4_core', 'mlx4_ib', 'ib_ipoib', 'eth_ipoib')

# Those for iSER: the initiator, tgtd's target in user space, LIO's in the kernel.
RDMA_MODULES = ('ib_iser', 'rdma_ucm', 'ib_isert')


class Modules(namedtuple('Modules', 'release loaded available')):
    """Those of EIPOIB_MODULES that a kernel has.

    :param release: the kernel's release, ``uname -r``
    :param loaded: names that are loaded or built in
    :param available: names that modprobe could load, the loaded ones included
    """

    __slots__ = ()
