# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The OVS bridges and ports that a network scheme asks for on a given node; the rules are told in planning/ovs.py."""
from __future__ import absolute_import, print_function, unicode_literals

import binascii
from collections import namedtuple

from plugin_lib.planning import ovs_rows, uplinks
from plugin_lib.planning.linux_bridges import is_vlan_interface
from plugin_lib.planning.patches import title

LONGEST_NAME = 15


class Wanted(namedtuple('Wanted', 'bridge name tag trunks peer internal interfaces why')):
    """A port that is to exist; as AddPort, but ``trunks`` None leaves them as they are.

    :param interfaces: of a bond that is to be made, else empty
    :param why: what asks for it
    """

    __slots__ = ()


def is_ovs(scheme, bridge):
    """Whether the scheme has this bridge, in Open vSwitch."""
    return bridge in scheme.bridges and scheme.bridges[bridge].provider == 'ovs'


class Desired(object):
    """What is to exist, collected uplink by uplink.

    :param addressed: names of interfaces that have an address of their own
    :ivar bridges: {name: what asks for it} of bridges that are to exist
    :ivar ports: {name: Wanted}
    :ivar jacks: {internal port: the Linux bridge that it is to be in}
    :ivar complete: False when an uplink is missing: what nothing seems to need may be needed when it is back
    :ivar findings: lines about what contradicts the scheme
    """

    def __init__(self, scheme, host, snapshot, addressed=frozenset()):
        self.scheme = scheme
        self.host = host
        self.snapshot = snapshot
        self.addressed = addressed
        self.bridges = {}
        self.ports = {}
        self.jacks = {}
        self.complete = True
        self.findings = []

    def add_uplink(self, name, keys):
        """Want an uplink on its OVS bridge, and its tagged ports on theirs.

        :param keys: the VLANs with a full P_Key, None when unknown; a port for another one is not made
        :returns: whether the uplink is now a port whose VLANs are to be limited
        """
        in_ovs = [spec for spec in uplinks.specs(self.scheme, name) if is_ovs(self.scheme, spec.bridge)]
        if not in_ovs:
            return False
        for spec in in_ovs:
            if spec.name != name:
                self.bridges[spec.bridge] = 'it has the port {0}'.format(spec.name)
        members = self._members(name)
        if name not in self.host.interfaces and name not in self.snapshot.ports and not members:
            self.findings.append('{0} is not on this node: it is put on no bridge'.format(name))
            self.complete = False
            return False
        patched = [spec for spec in in_ovs if spec.name != name and not self._is_interface(spec)]
        home, own = self._home(name, patched)
        if home is None:
            self.findings += ['{0} of {1} is missing: netconfig makes it where {2} is on no OVS bridge'.format(
                spec.name, spec.bridge, name) for spec in patched]
            return False
        self.bridges.setdefault(home, 'it has the port {0}'.format(name))
        self._want(Wanted(home, name, own.vlan if own else None, None, None, False, members,
                          'the network scheme has it there' if own else 'VLANs of it are ports of other bridges'))
        for spec in patched:
            self._patch_vlan(home, name, spec, keys)
        return not (own and own.vlan)

    def limit(self, name, trunks):
        """Let an uplink that was added pass ``trunks`` only: a sorted tuple of VLANs, 0 for untagged."""
        self.ports[name] = self.ports[name]._replace(trunks=trunks, why='its P_Keys, and what the network scheme needs')

    def add_patches(self, patches):
        """Want patches (see planning.patches) as far as they end in OVS bridges."""
        for patch in patches:
            in_ovs = [name for name in patch.bridges if is_ovs(self.scheme, name)]
            for name in in_ovs:
                self.bridges.setdefault(name, title(patch))
            tags = dict(zip(patch.bridges, (tag or None for tag in patch.tags)))
            ends = tuple(sorted(tags))
            stem = '-'.join(ends) + ''.join('.{0}'.format(tags[name]) for name in ends if tags[name])
            if len(in_ovs) == 2:
                self._want_pair(stem, ends, tuple(tags[name] for name in ends), tuple(sorted(patch.trunks)),
                                title(patch))
            elif in_ovs:
                linux = patch.bridges[1 - patch.bridges.index(in_ovs[0])]
                self._want_jack(fit(stem, '-0'), in_ovs[0], linux, tags[in_ovs[0]], title(patch))

    def add_internal_ports(self):
        """Want the internal ports that the scheme has on the OVS bridges that are wanted."""
        for spec in self.scheme.ports:
            if spec.interface is None and spec.bridge in self.bridges:
                self._want(Wanted(spec.bridge, spec.name, spec.vlan, tuple(sorted(spec.trunks)), None, True, (),
                                  'the network scheme has it there'))

    def _members(self, name):
        """The interfaces of a bond of Open vSwitch of which nothing is there yet but they; else none.

        IPoIB is bonded active-backup or not at all (Documentation/networking/bonding.rst of Linux).
        """
        bond = self.scheme.bonds.get(name)
        if not bond or bond.provider != 'ovs' or bond.mode not in (None, 'active-backup') or len(bond.interfaces) < 2:
            return ()
        free = all(member in self.host.interfaces and self.host.interfaces[member].master is None and
                   member not in self.snapshot.ports and member not in self.addressed for member in bond.interfaces)
        ours = name in self.snapshot.ports and ovs_rows.is_ours(self.snapshot.ports[name])
        return tuple(bond.interfaces) if ours or free and name not in self.host.interfaces else ()

    def _home(self, name, patched):
        """(the OVS bridge that is to hold an uplink, its own PortSpec or None); no bridge: it stays where it is."""
        own = [spec for spec in uplinks.specs(self.scheme, name) if spec.name == name and spec.bridge]
        port = self.snapshot.ports.get(name)
        finding = None
        if own and not is_ovs(self.scheme, own[0].bridge):
            return None, own[0]
        home = own[0].bridge if own else port.bridge if port and not ovs_rows.is_ours(port) else None
        if port is None and self._linux_master(name):
            finding = '{0} is in {1}, not in Open vSwitch: it is left there'.format(name, self._linux_master(name))
        elif port and home not in (None, port.bridge) and not ovs_rows.is_ours(port):
            finding = '{0} is a port of {1}, not of {2}; it is not ours and left there'.format(name, port.bridge, home)
        elif port is None and (name in self.addressed and (own or patched) or
                               name in self.scheme.endpoints and not own and patched):
            finding = '{0} has an address of its own: it is put on no bridge'.format(name)
        elif home is None and patched:
            home = fit('br-' + name, '')
            there = self.snapshot.bridges.get(home)
            if there and not ovs_rows.is_ours(there):
                finding = _taken(home, 'a bridge of Open vSwitch that is not ours')
        if finding:
            self.findings.append(finding)
        return None if finding else home, own[0] if own else None

    def _linux_master(self, name):
        """The Linux bridge or bond that an interface is in, None without one."""
        nic = self.host.interfaces.get(name)
        return nic.master if nic and nic.master != ovs_rows.KERNEL_DATAPATH else None

    def _is_interface(self, spec):
        """Whether a tagged port is, or must be, an interface of that name; where it can be, it is wanted."""
        port = self.snapshot.ports.get(spec.name)
        foreign = port and not ovs_rows.is_ours(port)
        if not foreign and spec.name not in self.host.interfaces:
            return False
        place = port.bridge if foreign else self._linux_master(spec.name) if port is None else None
        if place and place != spec.bridge:
            self.findings.append('{0} is in {1}, not in {2}; it is not ours and left there'.format(
                spec.name, place, spec.bridge))
        elif not foreign and not is_vlan_interface(self.host, spec):
            self.findings.append('{0} is there, but not as VLAN {1} of {2}: it is left as it is'.format(
                spec.name, spec.vlan, spec.interface))
        else:
            self._want(Wanted(spec.bridge, spec.name, None, None, None, False, (), 'the network scheme has it there'))
        return True

    def _patch_vlan(self, home, name, spec, keys):
        """Want a tagged port of another bridge as a pair of patch ports."""
        stem = '{0}.{1}'.format(name, spec.vlan)
        if spec.bridge == home:
            self.findings.append('{0} cannot be a port of {1}, which has {2} itself'.format(spec.name, home, name))
        elif keys is None or spec.vlan in keys or fit(stem, '-0') in self.snapshot.ports:
            self._want_pair(stem, (home, spec.bridge), (spec.vlan, None), (),
                            'the network scheme has {0} on {1}'.format(spec.name, spec.bridge))

    def _want_pair(self, stem, bridges, tags, trunks, why):
        """Want patch ports between two bridges, unless somebody else has joined these already."""
        joined = [ends for ends in ovs_rows.pairs(self.snapshot, *bridges)
                  if not ovs_rows.is_ours(ends[0]) and not ovs_rows.is_ours(ends[1])]
        if not joined:
            names = fit(stem, '-0'), fit(stem, '-1')
            if all(self._is_free(name) for name in names):
                for end, other in ((0, 1), (1, 0)):
                    self._want(Wanted(bridges[end], names[end], tags[end], trunks, names[other], False, (), why))
        elif not any((ends[0].tag or None, ends[1].tag or None) == tags and ends[0].trunks == ends[1].trunks == trunks
                     for ends in joined):
            self.findings.append('{0} and {1} are joined by {2}, but not with the tags and trunks of {3}; it is not '
                                 'ours and left as it is'.format(bridges[0], bridges[1], joined[0][0].name, stem))

    def _want_jack(self, name, bridge, linux_bridge, tag, why):
        """Want an internal port that joins an OVS bridge to a Linux bridge, unless another one does."""
        joined = [each for each in ovs_rows.jacks(self.snapshot, self.host, bridge, linux_bridge)
                  if not ovs_rows.is_ours(self.snapshot.ports[each])]
        if not joined and self._is_free(name):
            self._want(Wanted(bridge, name, tag, (), None, True, (), why))
            self.jacks[name] = linux_bridge
        elif joined and not any((self.snapshot.ports[each].tag or None) == tag for each in joined):
            self.findings.append('{0} and {1} are joined by {2}, but not with the tag of the network scheme; it is not '
                                 'ours and left as it is'.format(bridge, linux_bridge, joined[0]))

    def _is_free(self, name):
        """Whether a port of ours may have, or has, this name; a finding where it may not."""
        port = self.snapshot.ports.get(name)
        by = None
        if port and not ovs_rows.is_ours(port):
            by = 'a port of {0} that is not ours'.format(port.bridge)
        elif not port and name in self.host.interfaces:
            by = 'a network interface of this node'
        if by:
            self.findings.append(_taken(name, by))
        return by is None

    def _want(self, wanted):
        """Add a port; two under one name come from a scheme with two places for it, or from names cut to fit."""
        first = self.ports.setdefault(wanted.name, wanted)
        if first[:-1] != wanted[:-1]:
            self.findings.append('{0} is asked for on {1} and otherwise on {2}: the first counts'.format(
                wanted.name, first.bridge, wanted.bridge))


def fit(stem, suffix):
    """``stem`` and ``suffix`` as a name of at most 15 characters, the same for the same stem every time."""
    if len(stem + suffix) > LONGEST_NAME:
        stem = 'ib{0:08x}'.format(binascii.crc32(stem.encode('utf-8')) & 0xffffffff)
    return stem + suffix


def _taken(name, by):
    return 'the name {0}, which is needed in Open vSwitch, is taken by {1}: rename or remove that'.format(name, by)
