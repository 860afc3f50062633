# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The changes of one Open vSwitch transaction, as data, and how rows are known to be ours.

A bridge or port whose external_ids say ``fuel-infiniband: owned`` was made by us
and is changed and removed by us.  ``fuel-infiniband: trunks`` marks a port that
somebody else made without any VLAN limit: its limit is ours, nothing else.
"""
from __future__ import absolute_import, print_function, unicode_literals

from collections import namedtuple

from plugin_lib.published import vlans

MARK = 'fuel-infiniband'
OWNED = 'owned'
TRUNKS = 'trunks'


class OvsTransaction(namedtuple('OvsTransaction', 'changes reasons')):
    """Everything that a node's Open vSwitch lacks: all of it is committed, or none.

    :param reasons: why each of the changes is made, in their order
    """

    __slots__ = ()

    def describe(self):
        """One line for each change."""
        return '\n'.join('{0} ({1})'.format(change.describe(), why) for change, why in zip(*self))

    def undo(self):
        return None  # a transaction that failed has changed nothing


class AddBridge(namedtuple('AddBridge', 'name datapath_type')):
    """Add a bridge; ``datapath_type`` as in OVSDB, empty for the kernel's."""

    __slots__ = ()

    def describe(self):
        return 'add bridge {0}{1}'.format(
            self.name, ' (datapath {0})'.format(self.datapath_type) if self.datapath_type else '')


class DelBridge(namedtuple('DelBridge', 'name')):
    """Remove a bridge of ours with the ports that are left on it."""

    __slots__ = ()

    def describe(self):
        return 'remove bridge {0}'.format(self.name)


class AddPort(namedtuple('AddPort', 'bridge name tag trunks peer internal')):
    """Add a port to a bridge.

    :param tag: the VLAN that the port has on this bridge, None for none
    :param trunks: sorted tuple of the VLANs that pass, 0 for untagged; empty means all
    :param peer: the patch port at the other end, None for a port of another kind
    :param internal: whether Open vSwitch makes an interface for it; otherwise the interface is there
    """

    __slots__ = ()

    def __new__(cls, bridge, name, tag, trunks, peer, internal=False):
        return super(AddPort, cls).__new__(cls, bridge, name, tag, trunks, peer, internal)

    def describe(self):
        kind = 'patch port' if self.peer else 'internal port' if self.internal else 'port'
        return 'add {0} {1} to {2}{3}{4}'.format(
            kind, self.name, self.bridge, ', peer {0}'.format(self.peer) if self.peer else '',
            _limits(self.tag, self.trunks))


class AddBond(namedtuple('AddBond', 'bridge name tag trunks interfaces')):
    """Add a port of several network interfaces, of which one at a time is used; tag and trunks as of AddPort."""

    __slots__ = ()

    def describe(self):
        return 'add bond {0} of {1} to {2}{3}'.format(
            self.name, ' and '.join(self.interfaces), self.bridge, _limits(self.tag, self.trunks))


class DelPort(namedtuple('DelPort', 'bridge name')):
    """Remove a port of ours from a bridge."""

    __slots__ = ()

    def describe(self):
        return 'remove port {0} from {1}'.format(self.name, self.bridge)


class SetVlans(namedtuple('SetVlans', 'name tag trunks')):
    """Give a port this tag and these trunks; see AddPort."""

    __slots__ = ()

    def describe(self):
        return 'set port {0}{1}'.format(self.name, _limits(self.tag, self.trunks) or ', all VLANs')


class RequestMtu(namedtuple('RequestMtu', 'name mtu')):
    """Have ovs-vswitchd give an internal interface this MTU, in bytes; before 2.6 it keeps the one that it finds."""

    __slots__ = ()

    def describe(self):
        return 'request MTU {0} of {1}'.format(self.mtu, self.name)


def _limits(tag, trunks):
    text = '' if tag is None else ', tag {0}'.format(tag)
    if trunks:
        text += ', VLANs {0}'.format(vlans.of_numbers(trunks))
    return text
