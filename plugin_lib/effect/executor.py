# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Does the operations of a plan, one at a time; the dry run has another one that only tells them."""
from __future__ import absolute_import, print_function, unicode_literals

import errno

from plugin_lib.effect import commands, files, rtnetlink
from plugin_lib.effect.children import ChildMaker
from plugin_lib.effect.sysfs import SysfsWriter
from plugin_lib.errors import ApplyError
from plugin_lib.host.eipoib import parse_vifs
from plugin_lib.host.state import Vif
from plugin_lib.host.tree import Tree
from plugin_lib.planning.link_operations import AddBridgeLink, AddVethPair, AddVlanLink, RemoveLink, SetMaster
from plugin_lib.planning.operations import (
    AddAddress,
    AddVif,
    CreateChild,
    DeleteChild,
    DiscardChild,
    Enslave,
    LinkUp,
    LoadModule,
    Release,
    RemoveAddress,
    RemoveFile,
    RestartService,
    SetMode,
    SetMtu,
    StartService,
    WriteAttribute,
    WriteFile,
)

_ROOT = 'run it as root'
_AGAIN = 'run it again: the interface has gone meanwhile'
_ADVICE = {
    (Enslave, errno.EPERM): 'check that the EIPOIB interface is up and has no other master for this child',
    (Enslave, errno.EBUSY): 'run it again: a child that eth_ipoib has half taken is made anew',
    (Enslave, errno.EOPNOTSUPP): 'check with ethtool -i that the driver of the child is ib_ipoib',
    (AddVif, errno.EINVAL): 'see eth/vifs of the interface for the slave that already serves this MAC and VLAN',
    (CreateChild, errno.ENOTUNIQ): 'look for another child of this P_Key (ip -d link), and remove it',
    (CreateChild, errno.EEXIST): 'look for what made the interface of that name, and remove it',
    (CreateChild, errno.EINVAL): 'check that the IPoIB driver takes this P_Key: dmesg',
    (SetMode, errno.EINVAL): 'this port has datagram mode only: see dmesg',
    (WriteAttribute, errno.EBUSY): 'stop the guests that use virtual functions of this device, and run it again',
    (WriteAttribute, errno.ERANGE): 'ask for fewer virtual functions, or allow more in the firmware (mlxconfig)',
    (WriteAttribute, errno.EINVAL): 'check that the driver takes this value: dmesg',
    (CreateChild, errno.ENOMEM): 'lower queue_size: each child takes receive buffers for its whole queue',
    (AddVlanLink, errno.EOPNOTSUPP): 'check that the kernel has the module 8021q',
    (SetMaster, errno.EBUSY): 'look at what else takes its frames (ip -d link): a bridge, a bond, Open vSwitch',
}
_GENERAL_ADVICE = {
    errno.EPERM: _ROOT, errno.EACCES: _ROOT, errno.ENODEV: _AGAIN, errno.ENOENT: _AGAIN,
    errno.EROFS: 'mount the file system for writing',
    errno.ENOSPC: 'free some space',
}


class Executor(object):
    """Does operations.

    :param tree: the tree of a live Source
    :param write: ``write(path, text)`` for sysfs attributes, None for the kernel's
    :param netlink: has the functions of effect.rtnetlink
    :param more: {operation type: function of an operation} beside the node's own: Open vSwitch
    """

    def __init__(self, tree=None, write=None, netlink=rtnetlink, more=None):
        # type: (object, object, object, dict) -> None
        self._tree = tree or Tree()
        self._sysfs = SysfsWriter(write)
        self._netlink = netlink
        self._children = ChildMaker(self._tree, self._sysfs, netlink)
        self._do = {
            LinkUp: lambda it: netlink.link_up(it.interface),
            CreateChild: self._create_child,
            DeleteChild: lambda it: self._children.delete(it.parent, it.pkey, it.name),
            DiscardChild: lambda it: self._children.delete(it.parent, it.pkey, it.name),
            SetMode: self._set_mode,
            AddAddress: lambda it: netlink.add_address(it.interface, it.address),
            RemoveAddress: lambda it: netlink.remove_address(it.interface, it.address),
            Enslave: lambda it: self._sysfs.enslave(it.eipoib, it.child),
            Release: self._release,
            AddVif: self._add_vif,
            AddBridgeLink: lambda it: netlink.add_bridge(it.name),
            AddVlanLink: lambda it: netlink.add_vlan(it.parent, it.name, it.vlan),
            AddVethPair: lambda it: netlink.add_veth(it.name, it.peer),
            RemoveLink: lambda it: netlink.delete_link(it.name),
            SetMaster: lambda it: netlink.set_master(it.interface, it.bridge),
            SetMtu: lambda it: netlink.set_mtu(it.interface, it.mtu),
            WriteFile: lambda it: files.write_atomically(it.path, it.text, it.mode),
            RemoveFile: lambda it: files.remove(it.path),
            LoadModule: lambda it: commands.load_module(it.name),
            StartService: lambda it: commands.start_service(it.name, it.restart),
            RestartService: lambda it: commands.restart_service(it.name),
        }
        self._do.update(more or {})

    def plain_only(self):
        # type: () -> tuple
        """Names of the IPoIB interfaces that were found to take no child of the default key."""
        return self._children.plain_only()

    def do(self, operation):
        # type: (object) -> None
        """Do one operation.

        :raises InfinibandError: with the file, the kernel's reason and what to do next
        """
        try:
            self._do[type(operation)](operation)
        except EnvironmentError as error:
            raise ApplyError('cannot {0}'.format(operation.describe()), error.filename or '', error.strerror or error,
                             _ADVICE.get((type(operation), error.errno)) or _GENERAL_ADVICE.get(error.errno, ''),
                             error.errno)

    def _create_child(self, operation):
        self._children.create(operation.parent, operation.pkey, operation.name, operation.by_sysfs)
        for then in operation.then:
            self.do(then)

    def _set_mode(self, operation):
        try:
            self._sysfs.set_mode(operation.interface, operation.mode)
        except EnvironmentError as error:
            # ib_ipoib's set_mode lets go of the lock and cannot always have it back: the mode is set all the same.
            if error.errno != errno.EBUSY or self._tree.read(error.filename) != operation.mode:
                raise

    def _release(self, operation):
        try:
            self._sysfs.release(operation.eipoib, operation.child)
        except EnvironmentError as error:
            if error.errno not in (errno.ENODEV, errno.ENOENT):  # it is not a slave, or the interface has gone
                raise

    def _add_vif(self, operation):
        try:
            self._sysfs.add_vif(*operation)
        except EnvironmentError as error:
            # EINVAL is also the answer to a vif that this slave has already.
            if error.errno != errno.EINVAL or not self._has_vif(operation):
                raise

    def _has_vif(self, operation):
        try:
            page = self._tree.read('/sys/class/net/{0}/eth/vifs'.format(operation.eipoib))
        except EnvironmentError:
            return False
        return Vif(*operation[1:]) in parse_vifs(page)[0]
