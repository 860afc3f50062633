# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The changes of one Open vSwitch transaction, as data, and how rows are known to be ours.

A bridge or port whose external_ids say ``fuel-infiniband: owned`` was made by us
and is changed and removed by us.  ``fuel-infiniband: trunks`` marks a port that
somebody else made without any VLAN limit: its trunks are ours, nothing else.
"""
from __future__ import absolute_import, print_function, unicode_literals

from collections import namedtuple

MARK = 'fuel-infiniband'
OWNED = 'owned'
TRUNKS = 'trunks'


class OvsTransaction(namedtuple('OvsTransaction', 'changes')):
    """Everything that a node's Open vSwitch lacks: all of it is committed, or none."""

    __slots__ = ()

    def describe(self):
        """One line for each change."""
        return '\n'.join(change.describe() for change in self.changes)

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


class AddPort(namedtuple('AddPort', 'bridge name tag trunks peer')):
    """Add a port to a bridge.

    :param tag: the VLAN that the port has on this bridge, None for none
    :param trunks: sorted tuple of the VLANs that pass, 0 for untagged; empty means all
    :param peer: the patch port at the other end, or None: the port is a network interface
    """

    __slots__ = ()

    def describe(self):
        return 'add {0} {1} to {2}{3}{4}'.format(
            'patch port' if self.peer else 'port', self.name, self.bridge,
            ', peer {0}'.format(self.peer) if self.peer else '', _limits(self.tag, self.trunks))


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


def _limits(tag, trunks):
    from plugin_lib.published import vlans  # not at the top: it loads PyYAML, which eipoibd does without

    text = '' if tag is None else ', tag {0}'.format(tag)
    if trunks:
        text += ', VLANs {0}'.format(vlans.show(vlans.merge([(vlan, vlan) for vlan in trunks])))
    return text
