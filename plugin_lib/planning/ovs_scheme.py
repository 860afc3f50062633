# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The OVS bridges and ports that a network scheme asks for on a given node; the rules are told in planning/ovs.py."""
from __future__ import absolute_import, print_function, unicode_literals

import binascii
from collections import namedtuple

from plugin_lib.errors import InputError
from plugin_lib.planning.ovs_changes import MARK, OWNED
from plugin_lib.published.scheme import PortSpec

LONGEST_NAME = 15
# The master that the kernel shows for every port of Open vSwitch's kernel datapath.
KERNEL_DATAPATH = 'ovs-system'


class Wanted(namedtuple('Wanted', 'bridge name tag trunks peer')):
    """A port that is to exist; as AddPort, but ``trunks`` None leaves them as they are."""

    __slots__ = ()


def is_ours(row):
    """Whether a Bridge or Port of a snapshot was made by us."""
    return row.external_ids.get(MARK) == OWNED


def is_ovs(scheme, bridge):
    """Whether the scheme has this bridge, in Open vSwitch."""
    return bridge in scheme.bridges and scheme.bridges[bridge].provider == 'ovs'


def near(scheme, uplinks):
    """Names of the bridges that have one of the uplinks as a port, or a patch towards such a bridge."""
    found = set(spec.bridge for name in uplinks for spec in specs(scheme, name))
    size = None
    while size != len(found):
        size = len(found)
        for patch in scheme.patches:
            if found.intersection(patch.bridges):
                found.update(patch.bridges)
    return found


def specs(scheme, uplink):
    """PortSpecs that put the uplink, or a VLAN of it, on a bridge.

    A port with provider sriov hands out functions of the interface: it is on no bridge.
    """
    found = [spec for spec in scheme.ports if spec.interface == uplink and spec.provider != 'sriov']
    if uplink in scheme.bonds:
        bond = scheme.bonds[uplink]
        found.append(PortSpec(bond.name, bond.bridge, bond.name, None, bond.provider))
    return [spec for spec in found if spec.bridge]


class Desired(object):
    """What is to exist, collected uplink by uplink.

    :ivar bridges: names of bridges that are to exist
    :ivar ports: {name: Wanted}
    :ivar complete: False when an uplink is missing: what nothing seems to need may be needed when it is back
    :ivar findings: lines about what contradicts the scheme
    """

    def __init__(self, scheme, host, snapshot):
        self.scheme = scheme
        self.host = host
        self.snapshot = snapshot
        self.bridges = set()
        self.ports = {}
        self.complete = True
        self.findings = []

    def add_uplink(self, name):
        """Want an uplink on its OVS bridge, and its tagged ports on theirs.

        :returns: whether the uplink belongs on an OVS bridge
        """
        untagged = [spec.bridge for spec in specs(self.scheme, name) if not spec.vlan]
        tagged = [spec for spec in specs(self.scheme, name) if spec.vlan and is_ovs(self.scheme, spec.bridge)]
        if not tagged and not any(is_ovs(self.scheme, bridge) for bridge in untagged):
            return False
        self.bridges.update(spec.bridge for spec in tagged)
        if name not in self.host.interfaces and name not in self.snapshot.ports:
            self.findings.append('{0} is not on this node: it is put on no bridge'.format(name))
            self.complete = False
            return False
        patched = [spec for spec in tagged if not self._is_interface(spec)]
        home = self._home(name, untagged, patched)
        if home is None:
            self.findings += ['{0} of {1} is missing: netconfig makes it where {2} is on no OVS bridge'.format(
                spec.name, spec.bridge, name) for spec in patched]
            return False
        self.bridges.add(home)
        self._want(Wanted(home, name, None, None, None))
        for spec in patched:
            if spec.bridge == home:
                self.findings.append('{0} cannot be a port of {1}, which has {2} itself'.format(spec.name, home, name))
            else:
                self._want_pair('{0}.{1}'.format(name, spec.vlan), (home, spec.bridge), (spec.vlan, None), ())
        return True

    def limit(self, name, trunks):
        """Let an uplink that was added pass ``trunks`` only: a sorted tuple of VLANs, 0 for untagged."""
        self.ports[name] = self.ports[name]._replace(trunks=trunks)

    def add_patches(self, bridges):
        """Want the scheme's patches between OVS bridges among ``bridges``."""
        for patch in self.scheme.patches:
            if not bridges.issuperset(patch.bridges) or patch.bridges[0] == patch.bridges[1]:
                continue
            in_ovs = [name for name in patch.bridges if is_ovs(self.scheme, name)]
            self.bridges.update(in_ovs)
            if len(in_ovs) == 2:
                tags = dict(zip(patch.bridges, (tag or None for tag in patch.tags)))
                ends = tuple(sorted(tags))
                suffix = ''.join('.{0}'.format(tags[name]) for name in ends if tags[name])
                self._want_pair('-'.join(ends) + suffix, ends, tuple(tags[name] for name in ends),
                                tuple(sorted(patch.trunks)))
            elif in_ovs and not self._leads_out(in_ovs[0]):
                self.findings.append('nothing joins {0} and {1}: netconfig has not made their patch'.format(
                    *patch.bridges))

    def _home(self, name, untagged, patched):
        """The OVS bridge that is to hold an uplink; None: it stays where it is."""
        port = self.snapshot.ports.get(name)
        if untagged and not is_ovs(self.scheme, untagged[0]):
            return None
        if port is None and self._linux_master(name):
            self.findings.append('{0} is in {1}, not in Open vSwitch: it is left there'.format(
                name, self._linux_master(name)))
            return None
        if untagged and port and port.bridge != untagged[0] and not is_ours(port):
            self.findings.append('{0} is a port of {1}, not of {2}; it is not ours and left there'.format(
                name, port.bridge, untagged[0]))
            return None
        if untagged:
            return untagged[0]
        if port and not is_ours(port):
            return port.bridge
        if patched and name in self.scheme.endpoints:
            self.findings.append('{0} has an address of its own: it is put on no bridge'.format(name))
            return None
        return self._own_bridge(name) if patched else None

    def _linux_master(self, name):
        """The Linux bridge or bond that an interface is in, None without one."""
        nic = self.host.interfaces.get(name)
        return nic.master if nic and nic.master != KERNEL_DATAPATH else None

    def _own_bridge(self, uplink):
        name = fit('br-' + uplink, '')
        there = self.snapshot.bridges.get(name)
        if there and not is_ours(there):
            raise taken(name, 'a bridge of Open vSwitch that is not ours')
        return name

    def _is_interface(self, spec):
        """Whether a tagged port is, or must be, an interface of that name; where it can be, it is wanted."""
        port = self.snapshot.ports.get(spec.name)
        foreign = port and not is_ours(port)
        if not foreign and spec.name not in self.host.interfaces:
            return False
        place = port.bridge if foreign else self._linux_master(spec.name) if port is None else None
        if place and place != spec.bridge:
            self.findings.append('{0} is in {1}, not in {2}; it is not ours and left there'.format(
                spec.name, place, spec.bridge))
        else:
            self._want(Wanted(spec.bridge, spec.name, None, None, None))
        return True

    def _want_pair(self, stem, bridges, tags, trunks):
        """Want patch ports between two bridges, unless somebody else has joined these already."""
        joined = [ends for ends in self._pairs(*bridges) if not is_ours(ends[0]) and not is_ours(ends[1])]
        if not joined:
            names = fit(stem, '-0'), fit(stem, '-1')
            self._want(Wanted(bridges[0], names[0], tags[0], trunks, names[1]))
            self._want(Wanted(bridges[1], names[1], tags[1], trunks, names[0]))
        elif not any((ends[0].tag or None, ends[1].tag or None) == tags and ends[0].trunks == ends[1].trunks == trunks
                     for ends in joined):
            self.findings.append('{0} and {1} are joined by {2}, but not with the tags and trunks of {3}; it is not '
                                 'ours and left as it is'.format(bridges[0], bridges[1], joined[0][0].name, stem))

    def _pairs(self, first, second):
        """[(Port of first, Port of second)]: patch ports that are each other's peer."""
        for port in self.snapshot.ports.values():
            peer = self.snapshot.ports.get(peer_of(self.snapshot, port))
            if port.bridge == first and peer and peer.bridge == second and peer_of(self.snapshot, peer) == port.name:
                yield port, peer

    def _leads_out(self, bridge):
        """Whether an OVS bridge has a port that may join it to a Linux bridge: an interface or an internal port."""
        return any(
            port.bridge == bridge and port.name != bridge and not peer_of(self.snapshot, port)
            for port in self.snapshot.ports.values())

    def _want(self, wanted):
        """Add a port; two under one name come from a scheme with two places for it, or from names cut to fit."""
        if self.ports.setdefault(wanted.name, wanted) != wanted:
            raise taken(wanted.name, 'another port that the network scheme asks for')


def peer_of(snapshot, port):
    """The name of a patch port's peer, None for any other port."""
    interface = snapshot.interfaces.get(port.name)
    return interface.options.get('peer') if interface and interface.type == 'patch' else None


def fit(stem, suffix):
    """``stem`` and ``suffix`` as a name of at most 15 characters, the same for the same stem every time."""
    if len(stem + suffix) > LONGEST_NAME:
        stem = 'ib{0:08x}'.format(binascii.crc32(stem.encode('utf-8')) & 0xffffffff)
    return stem + suffix


def taken(name, by):
    # type: (str, str) -> InputError
    """The error about a name that we need and cannot have."""
    return InputError('cannot use the name {0} in Open vSwitch'.format(name), why='it is taken by {0}'.format(by),
                      todo='rename or remove that, then run again')
