# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""ib_ipoib's children: create_child, delete_child and rtnetlink, with their errors.

Facts without another source were observed on the mainline 6.1 driver.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import re

from tests.model.netdev import CONNECTED_MTU, DATAGRAM_MTU, netdev_or_refuse, text_attribute
from tests.model.sysfs import Attribute, refuse

NAME_SIZE = 15  # IFNAMSIZ without its terminating zero
LAST_CHILD_INDEX = 255

# sscanf("%i"), whose numbers with a leading 0 are octal: what follows the number is ignored.
_NUMBER = re.compile(r'^\s*(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)')
# OFED 2.x-3.4 and 4.6 only.
_INDEXED = re.compile(r'^\s*(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)?\.([0-9]+)')


def _number(digits):
    return int(digits, 16 if digits[:2] in ('0x', '0X') else 8 if digits[0] == '0' else 10)


class Ipoib(object):
    """The driver.

    :param kernel: the Kernel whose interfaces these are
    :param rtnetlink: whether RTM_NEWLINK makes children (mainline since 3.7)
    :param child_index: whether create_child takes OFED's ``0x8001.1`` and ``.1``
    :param sets_full_bit: whether create_child ORs in bit 15 first, as older kernels do; else ``0x0001`` makes ib0.0001,
        whose P_Key is 0x8001 all the same, and delete_child finds it by that only
    :param delete_looks: delete_child returns at once and the child goes away
        after this many further looks at the list of interfaces; 0: synchronous
    """

    def __init__(self, kernel, rtnetlink, child_index, sets_full_bit, delete_looks):
        self._kernel = kernel
        self.rtnetlink = rtnetlink
        self.child_index = child_index
        self.sets_full_bit = sets_full_bit
        self.delete_looks = delete_looks

    def entries(self, netdev):
        # type: (object) -> dict
        """What the driver adds to an IPoIB interface's folder."""
        if netdev.way == 'rtnetlink':
            return {}  # it has neither pkey nor parent: netlink tells
        entries = {'pkey': text_attribute('0x{0:04x}'.format(netdev.pkey)),
                   'mode': Attribute(lambda: netdev.mode + '\n', lambda text: self._set_mode(netdev, text)),
                   'umcast': text_attribute('0')}
        if netdev.kind == 'child':
            entries['parent'] = text_attribute(netdev.parent)
        else:
            entries['create_child'] = Attribute(store=lambda text: self._create(netdev, text))
            entries['delete_child'] = Attribute(store=lambda text: self._delete(netdev, text))
        return entries

    @staticmethod
    def _set_mode(netdev, text):
        """ipoib_set_mode: it compares with the newline, and sets the MTU that goes with the mode."""
        if text not in ('connected\n', 'datagram\n') or text == 'connected\n' and not netdev.is_connectable:
            refuse(errno.EINVAL)
        if text != netdev.mode + '\n':
            netdev.mode = text.strip()
            netdev.mtu = CONNECTED_MTU if netdev.mode == 'connected' else min(netdev.mtu, DATAGRAM_MTU)

    def _parse(self, parent, text):
        """(P_Key, index) of a write to create_child or delete_child."""
        match = _INDEXED.match(text) if self.child_index else None
        if match:
            pkey = _number(match.group(1)) if match.group(1) else parent.pkey
            index = int(match.group(2))
            if not 1 <= index <= LAST_CHILD_INDEX:
                refuse(errno.EINVAL)
        else:
            match = _NUMBER.match(text)
            if not match:
                refuse(errno.EINVAL)
            pkey, index = _number(match.group(1)), 0
        if not 0 <= pkey <= 0xffff:
            refuse(errno.EINVAL)
        return pkey, index

    def _find(self, parent, pkey, index):
        for netdev in self._kernel.netdevs.values():
            if (netdev.kind, netdev.parent, netdev.way) == ('child', parent.name, 'sysfs') and \
                    (netdev.pkey, netdev.index) == (pkey, index):
                return netdev
        return None

    def _create(self, parent, text):
        pkey, index = self._parse(parent, text)
        if pkey in (0, 0x8000):
            refuse(errno.EINVAL)
        if self.sets_full_bit:
            pkey |= 0x8000
        # Whether the port holds the P_Key is not checked.
        if (pkey == parent.pkey and not index) or self._find(parent, pkey, index):
            refuse(errno.ENOTUNIQ)
        if not index:
            name = '{0}.{1:04x}'.format(parent.name, pkey)
        elif text.lstrip().startswith('.'):
            name = '{0}.{1}'.format(parent.name, index)
        else:
            name = '{0}.{1:04x}.{2}'.format(parent.name, pkey, index)
        self._register(parent, name[:NAME_SIZE], pkey, 'sysfs', index)

    def _delete(self, parent, text):
        pkey, index = self._parse(parent, text)
        child = self._find(parent, pkey, index)
        if child is None:
            refuse(errno.ENODEV)
        if not self.delete_looks:
            self._kernel.unregister(child.name)
        elif child.looks_left is None:  # a second delete before the first is done succeeds too
            child.looks_left = self.delete_looks

    def add_link(self, parent_name, name, pkey):
        # type: (str, str, int) -> None
        """RTM_NEWLINK of kind ipoib: any name, any number of children of one key."""
        if not self.rtnetlink:
            refuse(errno.EOPNOTSUPP)
        parent = netdev_or_refuse(self._kernel.netdevs, parent_name)
        if not parent.is_ipoib:
            refuse(errno.ENODEV)
        if parent.kind != 'ipoib' or pkey & 0x7fff == 0:
            refuse(errno.EINVAL)
        if len(name) > NAME_SIZE:
            refuse(errno.ERANGE)
        self._register(parent, name, pkey, 'rtnetlink')

    def delete_link(self, name):
        # type: (str) -> None
        """RTM_DELLINK: the child is gone when it returns.  An HCA port's own interface stays, and that is no error."""
        netdev = netdev_or_refuse(self._kernel.netdevs, name)
        if not netdev.is_ipoib or not self.rtnetlink:
            refuse(errno.EOPNOTSUPP)
        if netdev.kind == 'child':
            self._kernel.unregister(name)

    def _register(self, parent, name, pkey, way, index=0):
        if name in self._kernel.netdevs:
            refuse(errno.EEXIST)
        self._kernel.register(name, 'child', port=parent.port, parent=parent.name, pkey=pkey | 0x8000, way=way,
                              index=index)
