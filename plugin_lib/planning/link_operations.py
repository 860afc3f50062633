# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The operations on virtual interfaces: Linux bridges, VLAN interfaces, veth pairs; see planning.operations."""
from __future__ import absolute_import, print_function, unicode_literals

from collections import namedtuple


class AddBridgeLink(namedtuple('AddBridgeLink', 'name')):
    """Make a Linux bridge."""

    __slots__ = ()

    def describe(self):
        return 'add Linux bridge {0}'.format(self.name)

    def undo(self):
        return RemoveLink(self.name)


class AddVlanLink(namedtuple('AddVlanLink', 'parent name vlan')):
    """Make the VLAN interface ``name`` of an Ethernet interface."""

    __slots__ = ()

    def describe(self):
        return 'add {0}, VLAN {1} of {2}'.format(self.name, self.vlan, self.parent)

    def undo(self):
        return RemoveLink(self.name)


class AddVethPair(namedtuple('AddVethPair', 'name peer')):
    """Make a pair of virtual Ethernet interfaces."""

    __slots__ = ()

    def describe(self):
        return 'add veth pair {0} and {1}'.format(self.name, self.peer)

    def undo(self):
        return RemoveLink(self.name)


class RemoveLink(namedtuple('RemoveLink', 'name')):
    """Remove a virtual interface that a step made before it failed."""

    __slots__ = ()

    def describe(self):
        return 'remove {0}'.format(self.name)

    def undo(self):
        return None  # it is an undo itself


class SetMaster(namedtuple('SetMaster', 'interface bridge')):
    """Put an interface that is in no bridge into a Linux bridge; ``bridge`` None takes it out again."""

    __slots__ = ()

    def describe(self):
        return ('put {0} into {1}' if self.bridge else 'take {0} out of its bridge').format(*self)

    def undo(self):
        return SetMaster(self.interface, None)
