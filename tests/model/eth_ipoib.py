# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""eth_ipoib: ``eth_ipoib_interfaces`` and the ``eth`` folder of an EIPOIB interface.

The rules follow Mellanox's GPL driver (eth_ipoib_sysfs.c, eth_ipoib_main.c).
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import re

from tests.model.netdev import ZERO_MAC, page
from tests.model.sysfs import Attribute, Folder, Link, refuse

NAME_SIZE = 15
MAC_TEXT_SIZE = 17

_MAC = re.compile(r'^([0-9a-fA-F]{1,2}:){5}[0-9a-fA-F]{1,2}$')
_LEADING_NUMBER = re.compile(r'^-?[0-9]+')


class KernelMemoryCorrupted(AssertionError):
    """A write that overruns the driver's buffers: on a real machine the kernel's stack is damaged."""


class EthIpoib(object):
    """The driver.

    :param kernel: the Kernel whose interfaces these are
    :param overwrites_vif: newer releases replace the vif of a slave that has one, older ones refuse (EINVAL)
    """

    def __init__(self, kernel, overwrites_vif):
        self._kernel = kernel
        self.overwrites_vif = overwrites_vif

    def interfaces_file(self):
        # type: () -> Attribute
        def show():
            return page(''.join('{0} over IB port: {1}\n'.format(netdev.name, netdev.parent)
                                for netdev in sorted(self._kernel.of_kind('eipoib'), key=lambda each: each.ifindex)))
        return Attribute(show)

    def entries(self, netdev):
        # type: (object) -> dict
        """What the driver adds to an EIPOIB interface's folder."""
        entries = dict(('slave_' + name, Link('../' + name)) for name in netdev.slaves)
        entries['eth'] = Folder.of({
            'slaves': Attribute(lambda: page(''.join(name + '\n' for name in netdev.slaves)),
                                lambda text: self._store_slaves(netdev, text)),
            'vifs': Attribute(lambda: page(''.join(self._vif_row(name) for name in netdev.slaves)),
                              lambda text: self._store_vifs(netdev, text)),
            'neighs': Attribute(lambda: ''),
            'served': Attribute(lambda: '', lambda text: None),
        })
        return entries

    def _vif_row(self, name):
        mac, vlan = self._kernel.netdevs[name].vif or ('N/A', None)
        return 'SLAVE={0:<10} MAC={1:<17} VLAN={2}\n'.format(name, mac, 'N/A' if vlan is None else vlan)

    def _store_slaves(self, eipoib, text):
        command = (text.split() or [''])[0][:NAME_SIZE + 1]  # sscanf("%16s")
        sign, name = command[:1], command[1:]
        if not name or sign not in ('+', '-'):
            refuse(errno.EPERM)
        if sign == '-':
            self.release(eipoib, name)
        else:
            self._enslave(eipoib, name)

    def _enslave(self, eipoib, name):
        self._kernel.look(eipoib)
        slave = self._kernel.netdevs.get(name)
        if slave is None:
            refuse(errno.EINVAL)
        if name in eipoib.slaves:
            refuse(errno.EPERM)
        if not slave.is_ipoib:
            refuse(errno.EOPNOTSUPP)
        if not eipoib.up:
            refuse(errno.EPERM)
        if slave.claimed:
            refuse(errno.EBUSY)
        slave.claimed = True  # and whatever fails from here on leaves it so: the child must be re-created
        if eipoib.parent not in name:  # strstr(): ib1 is in ib10.8001
            refuse(errno.EINVAL)
        slave.master = eipoib.name
        self._kernel.set_up(slave, True)
        eipoib.slaves.append(name)
        eipoib.mtu = min(self._kernel.netdevs[each].mtu for each in eipoib.slaves)

    def release(self, eipoib, name):
        # type: (object, str) -> None
        """Take a slave, and its vif, from an EIPOIB interface."""
        if name not in eipoib.slaves:
            refuse(errno.ENODEV)
        slave = self._kernel.netdevs[name]
        eipoib.slaves.remove(name)
        slave.master = slave.vif = None
        slave.claimed = False
        self._kernel.set_up(slave, False)
        self._kernel.listener.vifs_changed(eipoib)

    def _store_vifs(self, eipoib, text):
        words = text.split()
        if not words or len(words[0]) > NAME_SIZE + 1 or len(words) > 1 and len(words[1]) > MAC_TEXT_SIZE:
            raise KernelMemoryCorrupted(text)  # sscanf("%s %s %hd") into char[17] and char[18]
        sign, name = words[0][:1], words[0][1:]
        if not name or sign not in ('+', '-'):
            refuse(errno.EPERM)
        if name not in eipoib.slaves:
            refuse(errno.EINVAL)
        if sign == '-':
            return  # accepted, and nothing happens
        mac = words[1].lower() if len(words) > 1 else ''
        if not _MAC.match(mac) or mac == ZERO_MAC or int(mac.split(':')[0], 16) & 1:
            refuse(errno.EINVAL)
        number = _LEADING_NUMBER.match(words[2]) if len(words) > 2 else None
        vif = mac, (int(number.group()) if number else None)  # VLAN 0 is not untagged
        slave = self._kernel.netdevs[name]
        if slave.vif and not self.overwrites_vif:
            refuse(errno.EINVAL)
        if vif in [self._kernel.netdevs[each].vif for each in eipoib.slaves]:  # this slave's own included
            refuse(errno.EINVAL)
        slave.vif = vif
        self._kernel.listener.vifs_changed(eipoib)
