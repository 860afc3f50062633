# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Where frames go: through bridges, patches, pairs of veth, VLAN interfaces and bonds, to the EIPOIB interfaces.

A frame is followed with the tag that it has at each place, as a switch would flood it: what bridges have learnt and
whether a link is up changes from moment to moment and counts for nothing here, nor do flows, but for those that
turn a VLAN into another one.

The rules of VLANs are those of ovs-vswitchd.conf.db(5), table Port, and of vlan_do_receive() in net/8021q.
"""
from __future__ import absolute_import, print_function, unicode_literals

from collections import namedtuple

from plugin_lib.host.namespaces import OWN

UNTAGGED = 0
_BONDS = ('bond', 'team')
_UPON = ('macvlan', 'macvtap', 'ipvlan')  # they send through the interface under them


class Exit(namedtuple('Exit', 'eipoib tag blocked')):
    """A place where frames leave the node.

    :param eipoib: the EIPOIB interface
    :param tag: the VLAN tag that they have there, UNTAGGED for none
    :param blocked: whether the trunks of its port of Open vSwitch leave out their VLAN
    """

    __slots__ = ()


class Paths(object):
    """Follows frames.

    :param topology: host.topology.Topology
    :param eipoibs: names of the EIPOIB interfaces
    """

    def __init__(self, topology, eipoibs):
        # type: (object, tuple) -> None
        self.problems = set()
        self._spaces = topology.namespaces
        self._eipoibs = frozenset(eipoibs)
        self._ports = topology.switch.ports if topology.switch else {}
        self._interfaces = topology.switch.interfaces if topology.switch else {}
        self._flows = topology.flows
        self._exits = {}
        self._members, self._upon = {}, {}  # {(namespace, interface): names}
        self._veths = {}  # {(ifindex, ifindex of the other end): [(namespace, name)]}
        for space, links in sorted(self._spaces.items()):
            for name in sorted(links):
                if links[name].kind == 'veth' and links[name].peer:
                    self._veths.setdefault((links[name].ifindex, links[name].peer), []).append((space, name))
                if links[name].master:
                    self._members.setdefault((space, links[name].master), []).append(name)
                if links[name].kind == 'vlan' and links[name].parent:
                    self._upon.setdefault((space, links[name].parent), []).append(name)
        self._port_with = dict((name, port) for port in self._ports.values() for name in port.interfaces)
        self._port_of = {}  # {(namespace, interface of Open vSwitch that can be seen): Port}
        self._on_bridge = {}  # {bridge of Open vSwitch: [(Port, interfaces that lead on)]}
        self._plug()

    def inside(self, bridge, vlan):
        # type: (str, int) -> tuple
        """The Exits of a frame that is in a VLAN of a bridge of Open vSwitch."""
        return self._follow(('switch', OWN, bridge, vlan))

    def sent_by(self, space, name):
        # type: (str, str) -> tuple
        """The Exits of what an interface sends, or whoever is behind it."""
        return self._follow(('out', space, name, UNTAGGED))

    def received_by(self, space, name):
        # type: (str, str) -> tuple
        """The Exits of what comes in at an interface from outside."""
        return self._follow(('in', space, name, UNTAGGED))

    def place_of(self, interface):
        # type: (object) -> tuple
        """(network namespace, links.Link) of a switch.Interface, (None, None) where there is none to be seen."""
        if interface.name in self._spaces.get(OWN, {}):
            return OWN, self._spaces[OWN][interface.name]
        if interface.type in ('internal', 'tap'):
            for space in sorted(self._spaces):
                if interface.name in self._spaces[space]:
                    return space, self._spaces[space][interface.name]
        return None, None

    def is_plugged(self, space, name):
        # type: (str, str) -> bool
        """Whether an interface is one of Open vSwitch."""
        return (space, name) in self._port_of

    def bridge_of(self, space, name):
        # type: (str, str) -> str
        """Name of the bridge that an interface is a port of, None without one."""
        port = self._port_of.get((space, name))
        return port.bridge if port is not None else self._spaces[space][name].master

    def other_end(self, space, link):
        # type: (str, object) -> tuple
        """(network namespace, name) of the other end of a veth; None where it cannot be seen."""
        if link.kind != 'veth':
            return None
        if link.parent:
            return space, link.parent
        # Numbers of interfaces count in their namespace alone: of two ends that fit, that in another one is the likely.
        ends = self._veths.get((link.peer, link.ifindex), ())
        return ([end for end in ends if end[0] != space] or list(ends) or [None])[0]

    def _plug(self):
        for name in sorted(self._ports):
            port, lead = self._ports[name], []
            for each in port.interfaces:
                interface = self._interfaces[each]
                space, link = self.place_of(interface)
                if link is not None:
                    self._port_of[space, each] = port
                if 'attached-mac' in interface.external_ids:
                    continue  # whoever is behind it may not send with another MAC
                if interface.type == 'patch' or each in self._eipoibs or link is not None and (
                        link.master or link.kind in ('vlan', 'veth') + _BONDS + _UPON or self._upon.get((space, each))):
                    lead.append((interface, space))
            if lead:
                self._on_bridge.setdefault(port.bridge, []).append((port, lead))

    def _follow(self, start):
        if start not in self._exits:
            self._exits[start] = self._flood(start)
        return self._exits[start]

    def _flood(self, start):
        exits, seen, queue = set(), set([(start, None)]), [(start, None)]
        while queue:
            (kind, space, name, tag), entry = queue.pop()
            for place in getattr(self, '_' + kind)(space, name, tag, entry):
                if isinstance(place, Exit):
                    exits.add(place)
                elif place not in seen:
                    seen.add(place)
                    queue.append(place)
        self._tell_loops(seen)
        free = set((each.eipoib, each.tag) for each in exits if not each.blocked)
        return tuple(sorted(each for each in exits if not each.blocked or each[:2] not in free))

    def _tell_loops(self, seen):
        """A frame that comes to a bridge in the same VLAN through two of its ports goes round, unless STP stops it."""
        bridges = [place[0] for place in seen if place[0][0] in ('switch', 'bridge')]
        # Without the VLAN: a loop has one message, not 4094.
        self.problems.update('{0} is part of a loop of bridges'.format(place[2]) for place in bridges
                             if bridges.count(place) > 1)

    def _out(self, space, name, tag, _):
        """What an interface sends."""
        if space == OWN and name in self._eipoibs:
            return [Exit(name, tag, False)]
        link = self._spaces.get(space, {}).get(name)
        if link is None:
            return []
        port = self._port_of.get((space, name))
        if port is not None and self._interfaces[name].type not in ('', 'system'):
            return self._enter(port, tag)
        if link.kind == 'bridge':
            return [(('bridge', space, name, tag), None)]
        if link.kind in _BONDS:
            return [(('out', space, member, tag), None) for member in self._members.get((space, name), ())]
        if link.kind == 'vlan' and link.parent and tag == UNTAGGED:
            return [(('out', space, link.parent, link.vlan), None)]
        if link.kind in _UPON and link.parent:
            return [(('out', space, link.parent, tag), None)]
        end = self.other_end(space, link)
        return [(('in', end[0], end[1], tag), None)] if end else []

    def _in(self, space, name, tag, _):
        """What comes in at an interface."""
        link = self._spaces.get(space, {}).get(name)
        for vlan in self._upon.get((space, name), ()):
            if self._spaces[space][vlan].vlan == tag:
                return [(('in', space, vlan, UNTAGGED), None)]
        port = self._port_of.get((space, name))
        if port is not None and self._interfaces[name].type in ('', 'system'):
            return [] if 'attached-mac' in self._interfaces[name].external_ids else self._enter(port, tag)
        if link is None or not link.master:
            return []
        master = self._spaces[space].get(link.master)
        if master is not None and master.kind == 'bridge':
            return [(('bridge', space, link.master, tag), name)]
        return [(('in', space, link.master, tag), None)] if master is not None and master.kind in _BONDS else []

    def _bridge(self, space, name, tag, entry):
        """What a Linux bridge passes on."""
        return [(('out', space, member, tag), None) for member in self._members.get((space, name), ())
                if member != entry] + self._in(space, name, tag, None)

    def _switch(self, _, bridge, vlan, entry):
        """What a bridge of Open vSwitch passes on."""
        places = []
        for port, lead in self._on_bridge.get(bridge, ()):
            tag, blocked = _leaving(port, vlan)
            if port.name == entry or tag is None:
                continue
            for interface, space in lead:
                if interface.name in self._eipoibs:
                    places.append(Exit(interface.name, tag, blocked))
                elif not blocked and interface.type == 'patch':
                    places += self._across(interface, tag)
                elif not blocked:
                    way = 'out' if interface.type in ('', 'system') else 'in'
                    places.append(((way, space, interface.name, tag), None))
        return places

    def _across(self, patch, tag):
        peer = self._interfaces.get(patch.options.get('peer'))
        if peer is None or peer.options.get('peer') != patch.name:
            return []
        return self._enter(self._port_with[peer.name], tag)

    def _enter(self, port, tag):
        """What comes in at a port of Open vSwitch."""
        tag = self._flows.get((port.name, tag), tag)
        if is_access(port):
            vlan = port.tag or UNTAGGED if tag == UNTAGGED else None
        elif tag == UNTAGGED and is_native(port):
            vlan = port.tag or UNTAGGED
        else:
            vlan = tag if not port.trunks or tag in port.trunks or is_native(port) and tag == port.tag else None
        return [] if vlan is None else [(('switch', OWN, port.bridge, vlan), port.name)]


def is_access(port):
    # type: (object) -> bool
    """Whether a switch.Port carries one VLAN, without its tag."""
    return port.vlan_mode in ('access', 'dot1q-tunnel') or port.vlan_mode is None and port.tag is not None


def is_native(port):
    # type: (object) -> bool
    """Whether a switch.Port carries one VLAN also without its tag, beside others."""
    return port.vlan_mode in ('native-tagged', 'native-untagged')


def _leaving(port, vlan):
    """(tag with which a VLAN leaves at a port, None where the port is of another one; whether trunks leave it out)."""
    if is_access(port):
        return (UNTAGGED if vlan == (port.tag or UNTAGGED) else None), False
    native = is_native(port) and vlan == (port.tag or UNTAGGED)
    blocked = bool(port.trunks) and vlan not in port.trunks and not native
    return (UNTAGGED if native and port.vlan_mode == 'native-untagged' else vlan), blocked
