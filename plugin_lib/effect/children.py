# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Making and removing IPoIB children, in whichever of three ways the running driver has.

rtnetlink (Linux 3.7 and later) and OFED's child index make several children of
one key; plain sysfs makes one, and none of the default key.  Which of them work
is found by trying, because neither kernel nor driver versions tell.

ib_ipoib makes its interfaces before it tells rtnetlink that there is this kind
of link (ipoib_main.c: ipoib_init_module), so the first answer may be of before:
rtnetlink is asked again before a driver is taken for one with a single child.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno

from plugin_lib.errors import ApplyError

# What a kernel answers that does not have the way: no such kind of link, or a text that it does not understand.
_NOT_OFFERED = (errno.EOPNOTSUPP, errno.EINVAL)
# And one that ignores the index of a second child of a key.
_NO_INDEX = _NOT_OFFERED + (errno.ENOTUNIQ,)
_NET = '/sys/class/net/'


class ChildMaker(object):
    """Makes children; remembers for each IPoIB interface what its driver offers, until the interface is a new one.

    :param tree: the tree of a Source (see host.source)
    :param sysfs: SysfsWriter
    :param netlink: ``ifindex``, ``add_link``, ``delete_link`` and ``wait_gone`` as in effect.rtnetlink
    """

    def __init__(self, tree, sysfs, netlink):
        # type: (object, object, object) -> None
        self._tree = tree
        self._sysfs = sysfs
        self._netlink = netlink
        self._by_rtnetlink, self._without_rtnetlink = {}, {}  # {parent: the ifindex at which this was found}
        self._plain = {}
        self._named, self._indexed = {}, {}  # one child had the name that was expected: so will the others

    def plain_only(self):
        # type: () -> tuple
        """Names of the IPoIB interfaces that were found to take no second child of a key."""
        return tuple(sorted(parent for parent in self._plain if self._holds(self._plain, parent)))

    def create(self, parent, pkey, name, by_sysfs=False):
        # type: (str, object, str, bool) -> None
        """Make the child ``name`` of ``parent`` for a PKey.

        :param by_sysfs: not through rtnetlink, whose children have no attributes in sysfs
        :raises EnvironmentError: the kernel's answer to the last way that was tried
        :raises ApplyError: when the driver made something else
        """
        if not by_sysfs and not self._holds(self._without_rtnetlink, parent) and self._linked(parent, pkey, name):
            return
        text = self._text(parent, pkey, name)
        indexed = '.' in text
        try:
            self._sysfs.create_child(parent, text)
        except EnvironmentError as error:
            if indexed and error.errno in _NO_INDEX:
                if self._linked(parent, pkey, name):
                    return
                self._remember(self._plain, parent)
            raise
        if not by_sysfs:
            self._remember(self._without_rtnetlink, parent)
        named = self._indexed if indexed else self._named
        if self._holds(named, parent):
            return
        if not self._tree.exists(_NET + name):
            if indexed:  # mainline ignores the index and makes the first child of the key
                self._sysfs.delete_child(parent, text.partition('.')[0])
                if self._linked(parent, pkey, name):
                    return
                self._remember(self._plain, parent)
            raise ApplyError('the driver made another child than {0}'.format(name), _NET + parent + '/create_child',
                             'its way of naming children is not known', 'report the driver and its version')
        self._remember(named, parent)

    def delete(self, parent, pkey, name):
        # type: (str, object, str) -> None
        """Remove a child, and wait until it is gone; one that is gone already is removed.

        :raises EnvironmentError: the kernel's answer, or ETIMEDOUT
        """
        try:
            if self._tree.exists(_NET + name + '/parent'):  # only children that sysfs made have this file
                self._sysfs.delete_child(parent, self._text(parent, pkey, name))
            else:
                self._netlink.delete_link(name)
        except EnvironmentError as error:
            if error.errno not in (errno.ENODEV, errno.ENOENT):
                raise
        if not self._netlink.wait_gone(name):
            raise EnvironmentError(errno.ETIMEDOUT, 'the driver has not removed it in time', _NET + name)

    def _linked(self, parent, pkey, name):
        """Whether rtnetlink makes the child; where it has made one before, that it cannot is an error."""
        try:
            self._netlink.add_link(parent, name, pkey.full_value)
        except EnvironmentError as error:
            if error.errno not in _NOT_OFFERED or self._holds(self._by_rtnetlink, parent):
                raise
            return False
        self._remember(self._by_rtnetlink, parent)
        self._without_rtnetlink.pop(parent, None)
        return True

    @staticmethod
    def _text(parent, pkey, name):
        """What stands for a child in create_child: ``0x8064``, with an index ``0x8064.1``; ``.1`` on the default key.

        Bit 15 is always set: what is made of a key without it differs between drivers.
        """
        rest = name[len(parent):]
        return rest if pkey.is_default else '0x{0:04x}{1}'.format(pkey.full_value, rest[len('.8064'):])

    def _ifindex(self, parent):
        try:
            return self._netlink.ifindex(parent)
        except EnvironmentError:
            return None

    def _remember(self, memory, parent):
        memory[parent] = self._ifindex(parent)

    def _holds(self, memory, parent):
        return parent in memory and memory[parent] == self._ifindex(parent)
