# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Linux bridges over EIPOIB interfaces: what netconfig has not made of the scheme's ports with provider ``lnx``.

The kernel marks nothing as ours: what is made here is as netconfig makes it, and netconfig's from then on.  So
nothing is ever taken out of a bridge or removed; what contradicts the scheme becomes a finding.  Like netconfig's
before its files are read, it lasts until the node boots.
"""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib.planning import uplinks
from plugin_lib.planning.link_operations import AddBridgeLink, AddVethPair, AddVlanLink, SetMaster
from plugin_lib.planning.operations import LinkUp, Step
from plugin_lib.planning.patches import title


def is_vlan_interface(host, spec):
    """Whether the interface of a PortSpec's name is that VLAN of that interface."""
    nic = host.interfaces[spec.name]
    return (nic.kind, nic.parent, nic.vlan) == ('vlan', spec.interface, spec.vlan)


class Linux(object):
    """What is to exist in the kernel, collected port by port.

    :param taken: names of ports of Open vSwitch
    :param addressed: names of interfaces that have an address of their own
    :ivar steps: Steps, in order
    :ivar findings: lines about what contradicts the scheme
    """

    def __init__(self, scheme, host, taken, addressed):
        self.scheme = scheme
        self.host = host
        self.taken = taken
        self.addressed = addressed
        self.steps = []
        self.findings = []
        self._bridges = set()

    def add_uplink(self, uplink, keys):
        """Want the uplink in its Linux bridge, and its VLANs as interfaces of their own in theirs.

        :param keys: the VLANs with a full P_Key, None when unknown; an interface for another one is not made
        """
        specs = [spec for spec in uplinks.specs(self.scheme, uplink.name) if self._is_linux(spec)]
        if specs and uplink.name not in self.host.interfaces:
            self.findings.append('{0} is not on this node: nothing of it is there for {1}'.format(
                uplink.name, ', '.join(spec.bridge or spec.name for spec in specs)))
            return
        for spec in specs:
            there = spec.name in self.host.interfaces
            if there and spec.name != uplink.name and not is_vlan_interface(self.host, spec):
                self.findings.append('{0} is there, but not as VLAN {1} of {2}: it is left as it is'.format(
                    spec.name, spec.vlan, spec.interface))
            elif there:
                self._want(spec.name, spec.bridge, (), 'the network scheme has it there')
            elif keys is None or spec.vlan in keys:
                self._want(spec.name, spec.bridge, (AddVlanLink(spec.interface, spec.name, spec.vlan),),
                           'the network scheme has it, netconfig has not made it')
        for member in sorted(self.scheme.bonds[uplink.name].interfaces if uplink.name in self.scheme.bonds else ()):
            self._check_member(member, uplink.name)

    def add_jack(self, name, bridge):
        """Want an internal port of Open vSwitch, which may not be there yet, in a Linux bridge."""
        self._want(name, bridge, (), 'it joins {0} to Open vSwitch'.format(bridge))

    def add_patch(self, patch, names):
        """Want a patch between two Linux bridges: a veth pair, unless another one joins them.

        :param names: of its ends where it has to be made
        """
        joined = [nic for nic in self.host.interfaces.values() if nic.kind == 'veth' and nic.master == patch.bridges[0]
                  and nic.parent in self.host.interfaces
                  and self.host.interfaces[nic.parent].master == patch.bridges[1]]
        if joined:
            return
        have = [self.host.interfaces.get(name) for name in names]
        taken = any(have) and not (all(have) and (have[0].kind, have[0].parent) == ('veth', names[1]))
        ends = list(zip(names, have, patch.bridges))
        trouble = ['the name {0} is taken'.format(names[0] if have[0] else names[1])] if taken else [
            line for line in [self._contradiction(*end) for end in ends] if line]
        if trouble:
            self.findings.append('{0} is not made: {1}'.format(title(patch), trouble[0]))
            return
        making = () if any(have) else (AddVethPair(*names),)
        for name, _, bridge in ends:
            self._want(name, bridge, making, title(patch))
            making = ()

    def _is_linux(self, spec):
        """Whether a port is the kernel's: in a Linux bridge, or in none."""
        bridge = self.scheme.bridges.get(spec.bridge)
        if spec.bridge and not bridge:
            self.findings.append('{0} is put on no bridge: the network scheme does not have {1}'.format(
                spec.name, spec.bridge))
        return not spec.bridge or bridge is not None and bridge.provider == 'lnx'

    def _want(self, name, bridge, making, why):
        """Want an interface, made by the operations ``making``, up and in a bridge (None: in none)."""
        nic = self.host.interfaces.get(name)
        operations = list(making)
        if bridge:
            contradiction = self._contradiction(name, nic, bridge)
            if contradiction:
                self.findings.append(contradiction)
                return
            operations = self._bridge(bridge) + operations
            if nic is None or nic.master != bridge:
                operations.append(SetMaster(name, bridge))
        if nic is None or not nic.up:
            operations.append(LinkUp(name))
        if operations:
            self.steps.append(Step('ovs', '{0} in {1}'.format(name, bridge) if bridge else name, why,
                                   tuple(operations)))

    def _contradiction(self, name, nic, bridge):
        there = self.host.interfaces.get(bridge)
        if there and there.kind != 'bridge':
            return '{0} is there, but is no Linux bridge: {1} is not put into it'.format(bridge, name)
        if name in self.taken:
            return '{0} is a port of Open vSwitch, not of {1}: it is left there'.format(name, bridge)
        if nic and nic.master not in (None, bridge):
            return '{0} is in {1}, not in {2}: it is left there'.format(name, nic.master, bridge)
        if name in self.addressed and nic.master is None:
            return '{0} has an address of its own: it is not put into {1}'.format(name, bridge)
        return None

    def _bridge(self, name):
        """Operations that make a bridge, once, and set it up."""
        nic = self.host.interfaces.get(name)
        if name in self._bridges or nic and nic.up:
            return []
        self._bridges.add(name)
        return [LinkUp(name)] if nic else [AddBridgeLink(name), LinkUp(name)]

    def _check_member(self, member, bond):
        nic = self.host.interfaces.get(member)
        if nic and bond in self.host.interfaces and nic.master != bond and bond not in self.taken:
            self.findings.append('{0} is not in {1}: netconfig makes bonds'.format(member, bond))
