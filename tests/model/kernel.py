# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""A kernel in memory: what ib_core, ib_ipoib and eth_ipoib answer, without privilege or hardware.

:class:`Kernel` is a Source (``tree``, ``drvinfo``, ``links``) for everything in
``host``, takes the changes that ``effect`` makes, and has the knobs of the
world outside: a subnet manager's table, a cable, a rename, another tool.  The
file system of the lab shows the same model through FUSE, see :mod:`tests.model.listener`.

    kernel = Kernel()
    port = kernel.add_hca('mlx4_0').ports[1]
    kernel.add_ipoib('ib0', port)
    kernel.add_eipoib('eth4', 'ib0')
    port.set_pkeys([0xffff, 0x8064])
    kernel.write('/sys/class/net/ib0/create_child', '0x8064')
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno

from plugin_lib.host import links
from plugin_lib.host.state import EIPOIB_MODULES, Modules
from tests.model.eth_ipoib import EthIpoib
from tests.model.ib_ipoib import Ipoib
from tests.model.listener import Listener
from tests.model.netdev import CONNECTED_MTU, DATAGRAM_MTU, Hca, Netdev, Port, netdev_or_refuse
from tests.model.sriov import PciBus, Sriov
from tests.model.sysfs import Folder, Link, Tree, refuse


class Kernel(object):
    """The modelled machine.

    :param rtnetlink: ib_ipoib makes children through RTM_NEWLINK
    :param child_index: ib_ipoib takes OFED's child index (``0x8001.1``)
    :param sets_full_bit: ib_ipoib ORs bit 15 into what create_child gets
    :param delete_looks: 0, or after how many looks at the list of interfaces an asynchronous delete is done
    :param overwrites_vif: eth_ipoib replaces a slave's vif instead of refusing
    """

    def __init__(self, rtnetlink=True, child_index=False, sets_full_bit=False, delete_looks=0, overwrites_vif=False):
        self.netdevs = {}
        self.hcas = {}
        self.listener = Listener()
        self.ipoib = Ipoib(self, rtnetlink, child_index, sets_full_bit, delete_looks)
        self.eth_ipoib = EthIpoib(self, overwrites_vif)
        self._last_ifindex = 0
        self._offers_eipoib = False  # the module is loaded
        classes = {'net': Folder(self._net_names, self._net_entry),
                   'infiniband': Folder(lambda: list(self.hcas),
                                        lambda name: self.hcas[name].folder() if name in self.hcas else None)}
        folders = dict({'class': Folder.of(classes)}, **PciBus(self.hcas).folders())
        self.tree = Tree(Folder.of({'sys': Folder.of(folders)}))

    # The world outside.

    def add_hca(self, name='mlx4_0', pci='0000:03:00.0', ports=1, guid='0002c90300000{0:03x}'):
        # type: (str, str, int, str) -> Hca
        """Plug in an HCA; port ``n`` has the GUID ``guid.format(n)`` and the default P_Key."""
        hca = self.hcas[name] = Hca(name, pci)
        for number in range(1, ports + 1):
            hca.ports[number] = Port(hca, number, guid.format(number))
        return hca

    def add_sriov(self, hca, driver='mlx4_core', total=None):
        # type: (Hca, str, int) -> Sriov
        """Let the HCA's PCI device show itself, with a firmware that allows ``total`` virtual functions."""
        hca.sriov = Sriov(hca, driver, total)
        return hca.sriov

    def add_ethernet(self, name, mac):
        # type: (str, str) -> Netdev
        netdev = self.register(name, 'ethernet')
        netdev.mac = mac
        return netdev

    def add_ipoib(self, name, port):
        # type: (str, Port) -> Netdev
        """The IPoIB interface that ib_ipoib makes for an HCA port."""
        return self.register(name, 'ipoib', port=port, pkey=0xffff)

    def add_eipoib(self, name, parent):
        # type: (str, str) -> Netdev
        """The Ethernet interface that eth_ipoib makes for an IPoIB interface."""
        self._offers_eipoib = True
        return self.register(name, 'eipoib', port=self.netdevs[parent].port, parent=parent)

    def rename(self, name, new_name):
        # type: (str, str) -> None
        """``ip link set name``; an EIPOIB interface keeps its slaves, and its eth folder appears anew."""
        if new_name in self.netdevs:
            refuse(errno.EEXIST)
        netdev = self.netdevs[new_name] = self.netdevs.pop(name)
        netdev.name = new_name
        for other in self.netdevs.values():
            if other.master == name:
                other.master = new_name
            if other.parent == name:
                other.parent = new_name

    def unregister(self, name):
        # type: (str) -> None
        """An interface goes; children and the EIPOIB interface go with their IPoIB parent."""
        netdev = self.netdevs[name]
        for other in [each.name for each in self.netdevs.values() if each.parent == name]:
            if other in self.netdevs:
                self.unregister(other)
        if netdev.master:
            self.eth_ipoib.release(self.netdevs[netdev.master], name)
        for slave in list(netdev.slaves):
            self.eth_ipoib.release(netdev, slave)
        del self.netdevs[name]
        self.listener.deleted(netdev)

    def settle(self):
        # type: () -> None
        """Complete every asynchronous delete."""
        for name in [netdev.name for netdev in self.netdevs.values() if netdev.looks_left is not None]:
            self.unregister(name)

    # The changes that effect makes.

    def write(self, path, text):
        # type: (str, str) -> None
        """One write() to a sysfs attribute; OSError with the driver's errno."""
        self._change('write', path, text, lambda: self.tree.store(path, text))

    def add_link(self, parent, name, pkey):
        # type: (str, str, int) -> None
        """RTM_NEWLINK of kind ipoib with the 16-bit ``pkey``."""
        self._change('add_link', name, '{0} 0x{1:04x}'.format(parent, pkey),
                     lambda: self.ipoib.add_link(parent, name, pkey))

    def delete_link(self, name):
        # type: (str) -> None
        """RTM_DELLINK."""
        self._change('delete_link', name, '', lambda: self.ipoib.delete_link(name))

    def link_up(self, name):
        # type: (str) -> None
        """Set IFF_UP."""
        def change():
            self.set_up(netdev_or_refuse(self.netdevs, name), True)
        self._change('link_up', name, '', change)

    def set_mtu(self, name, mtu):
        # type: (str, int) -> None
        """RTM_NEWLINK with IFLA_MTU; ipoib_change_mtu refuses more than the mode bears."""
        def change():
            netdev = netdev_or_refuse(self.netdevs, name)
            if netdev.is_ipoib and mtu > (CONNECTED_MTU if netdev.mode == 'connected' else DATAGRAM_MTU):
                refuse(errno.EINVAL)
            netdev.mtu = mtu
        self._change('set_mtu', name, str(mtu), change)

    def add_address(self, name, address):
        # type: (str, str) -> None
        """RTM_NEWADDR, and no error where it has it."""
        def change():
            addresses = netdev_or_refuse(self.netdevs, name).addresses
            addresses += [] if address in addresses else [address]
        self._change('add_address', name, address, change)

    def remove_address(self, name, address):
        # type: (str, str) -> None
        """RTM_DELADDR, and no error where it has it not."""
        def change():
            if name in self.netdevs and address in self.netdevs[name].addresses:
                self.netdevs[name].addresses.remove(address)
        self._change('remove_address', name, address, change)

    def set_up(self, netdev, up):
        # type: (Netdev, bool) -> None
        """Set or clear IFF_UP; the children of an IPoIB interface follow it (ipoib_open, ipoib_stop)."""
        netdev.up = up
        for child in self.of_kind('child'):
            if child.parent == netdev.name:
                child.up = up

    def ifindex(self, name):
        # type: (str) -> int
        return netdev_or_refuse(self.netdevs, name).ifindex

    def _change(self, verb, target, text, change):
        self.listener.before(verb, target, text)
        change()
        self.listener.after(verb, target, text)

    # The rest of a Source.

    @staticmethod
    def modules():
        # type: () -> Modules
        """All of them: what the model models would not be there without."""
        every = frozenset(EIPOIB_MODULES)
        return Modules('4.4.0', every, every)

    def drvinfo(self, name):
        # type: (str) -> tuple
        """(driver, bus_info) as ETHTOOL_GDRVINFO answers."""
        netdev = self.netdevs.get(name)
        if netdev is None:
            return None, None
        if netdev.kind == 'eipoib':
            return 'eth_ipoib', netdev.parent
        if netdev.is_ipoib:
            return 'ib_ipoib', netdev.port.hca.pci
        return 'veth', ''

    def links(self):
        # type: () -> dict
        """{name: links.Link} of every interface; kind, P_Key and parent are told where rtnetlink makes children, of
        all IPoIB interfaces then (observed on mainline 6.1)."""
        self._pass_time()
        return dict((netdev.name, self._link(netdev)) for netdev in self.netdevs.values())

    def _link(self, netdev):
        self.look(netdev)
        told = netdev.is_ipoib and self.ipoib.rtnetlink
        parent = netdev.parent if told and netdev.kind == 'child' else None
        return links.Link(
            netdev.name, netdev.ifindex, 32 if netdev.is_ipoib else 1, links.IFF_UP if netdev.up else 0, netdev.mtu,
            netdev.address, netdev.operstate, parent, netdev.master,
            'ipoib' if told else None, netdev.pkey if told else None)

    def wait_gone(self, name):
        # type: (str) -> bool
        """Wait until an asynchronous delete of ``name`` is done; here all of them are done at once."""
        self.settle()
        return name not in self.netdevs

    def vifs(self, name):
        # type: (str) -> list
        """What an EIPOIB interface really serves: sorted [(slave, MAC, VLAN or -1: untagged, P_Key of the slave)]."""
        slaves = [self.netdevs[slave] for slave in self.netdevs[name].slaves]
        return sorted((slave.name, slave.vif[0], -1 if slave.vif[1] is None else slave.vif[1], slave.pkey)
                      for slave in slaves if slave.vif)

    # Used by the modelled drivers.

    def register(self, name, kind, **facts):
        # type: (str, str, object) -> Netdev
        self._last_ifindex += 1
        netdev = self.netdevs[name] = Netdev(name, self._last_ifindex, kind, **facts)
        self.listener.created(netdev)
        return netdev

    def of_kind(self, kind):
        # type: (str) -> list
        return [netdev for netdev in self.netdevs.values() if netdev.kind == kind]

    def look(self, netdev):
        # type: (Netdev) -> None
        self.listener.looked_at(netdev)

    def _net_names(self):
        self._pass_time()
        return list(self.netdevs) + (['eth_ipoib_interfaces'] if self._offers_eipoib else [])

    def _net_entry(self, name):
        if name == 'eth_ipoib_interfaces' and self._offers_eipoib:
            return self.eth_ipoib.interfaces_file()
        netdev = self.netdevs.get(name)
        if netdev is None:
            return None
        own = {}
        if netdev.is_ipoib:
            own = self.ipoib.entries(netdev)
            if netdev.master:
                own['eth_parent'] = Link('../' + netdev.master)
        elif netdev.kind == 'eipoib':
            own = self.eth_ipoib.entries(netdev)
        return netdev.folder(self.look, own)

    def _pass_time(self):
        for netdev in list(self.netdevs.values()):
            if netdev.looks_left is not None:
                netdev.looks_left -= 1
                if netdev.looks_left <= 0:
                    self.unregister(netdev.name)
