# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What is attached to the EIPOIB interfaces of a modelled node: Open vSwitch, Linux bridges, namespaces, in memory.

It gives the Topology that host.topology reads of a real one, and floods frames as Open vSwitch does, hop by hop.
"""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib.host.links import Link
from plugin_lib.host.namespaces import OWN
from plugin_lib.host.switch import Bridge, Interface, Port, Snapshot
from plugin_lib.host.topology import Topology


class Network(object):
    """The network; ``links`` is {name: links.Link} of the node's own namespace, ``spaces`` of all of them.

    :param eipoibs: names of the EIPOIB interfaces, which are there to begin with
    """

    def __init__(self, eipoibs=('eth4', 'eth5')):
        self.spaces = {OWN: {}}
        self.links = self.spaces[OWN]
        self.switch = Snapshot({}, {}, {})
        self.known = True
        self._ifindex = 100
        for name in eipoibs:
            self.add_link(name, mac='00:02:c9:00:00:0{0}'.format(name[-1]))

    def topology(self):
        # type: () -> Topology
        return Topology(dict((name, dict(links)) for name, links in self.spaces.items()), Snapshot(
            dict(self.switch.bridges), dict(self.switch.ports), dict(self.switch.interfaces)), self.known, ())

    # Interfaces.

    def add_link(self, name, space=OWN, kind=None, mac='9e:00:00:00:00:ff', up=True, **facts):
        # type: (str, str, str, str, bool, object) -> None
        self._ifindex += 1
        self.spaces.setdefault(space, {})[name] = Link(
            name, self._ifindex, 1, int(up), 1500, mac or '', 'up', facts.get('parent'), facts.get('master'), kind,
            None, facts.get('vlan'), facts.get('peer'))

    def add_veth(self, near, far, space=OWN, mac='9e:00:00:00:00:fe'):
        # type: (str, str, str, str) -> None
        """A pair, of which ``far`` is in ``space`` and has this MAC."""
        self.add_link(near, kind='veth')
        self.add_link(far, space, kind='veth', mac=mac)
        one, other = self.links[near], self.spaces[space][far]
        inside = space == OWN
        self.links[near] = one._replace(**{str('parent' if inside else 'peer'): far if inside else other.ifindex})
        self.spaces[space][far] = other._replace(
            **{str('parent' if inside else 'peer'): near if inside else one.ifindex})

    def move(self, name, space):
        # type: (str, str) -> None
        """``ip link set NAME netns SPACE``."""
        self.spaces.setdefault(space, {})[name] = self.links.pop(name)

    # Open vSwitch.

    def add_switch(self, *names):
        # type: (str) -> None
        for name in names:
            self.switch.bridges[name] = Bridge(name, 'netdev', {})

    def add_port(self, bridge, name, mac=None, type='internal', options=None, external_ids=None, **columns):
        # type: (str, str, str, str, dict, dict, object) -> None
        """A port with one interface of its name; ``mac`` is the attached-mac."""
        ids = dict(external_ids or {}, **({str('attached-mac'): mac} if mac is not None else {}))
        self.switch.interfaces[name] = Interface(name, type, options or {}, ids, columns.pop('mac_in_use', None), None,
                                                 columns.pop('ofport', None))
        self._port(bridge, name, (name,), columns)

    def add_internal(self, bridge, name, mac, up=True, **columns):
        # type: (str, str, str, bool, object) -> None
        """An internal port with its interface, whose MAC is its own."""
        self.add_port(bridge, name, **columns)
        self.add_link(name, kind='openvswitch', mac=mac, up=up)

    def plug(self, bridge, name, members=None, external_ids=None, **columns):
        # type: (str, str, tuple, dict, object) -> None
        """Make interfaces of the system a port."""
        for member in members or (name,):
            self.switch.interfaces[member] = Interface(member, '', {}, external_ids or {}, None)
        self._port(bridge, name, tuple(members or (name,)), columns)

    def unplug(self, name):
        # type: (str) -> None
        for member in self.switch.ports.pop(name).interfaces:
            del self.switch.interfaces[member]

    def patch(self, one, other, near=None, far=None, number=''):
        # type: (str, str, dict, dict, object) -> None
        """Join two bridges; ``near`` and ``far`` are columns of the ports."""
        names = '{0}--{1}{2}'.format(one, other, number), '{0}--{1}{2}'.format(other, one, number)
        if one == other:
            names = names[0] + 'a', names[0] + 'b'
        for bridge, name, peer, columns in ((one, names[0], names[1], near), (other, names[1], names[0], far)):
            self.add_port(bridge, name, type='patch', options={'peer': peer}, **(columns or {}))

    def _port(self, bridge, name, members, columns):
        self.switch.ports[name] = Port(name, bridge, columns.get('tag'), columns.get('trunks', ()),
                                       columns.get('vlan_mode'), {}, members, columns.get('other_config', {}))

    # Frames.

    def flood(self, bridge, vlan, hops=12):
        # type: (str, int, int) -> set
        """{(EIPOIB interface, tag)} where a frame in a VLAN of a bridge leaves, after so many hops at most."""
        left, frames = set(), set([(bridge, vlan, None)])
        for _ in range(hops):
            arrived = set()
            for where, inside, entry in frames:
                for port in self.switch.ports.values():
                    if port.bridge != where or port.name == entry:
                        continue
                    tag = self._leaves(port, inside)
                    interface = self.switch.interfaces[port.interfaces[0]]
                    if tag is None or interface.type not in ('', 'patch'):
                        continue
                    if interface.type == '':
                        left.add((interface.name, tag))
                        continue
                    peer = self.switch.ports[interface.options['peer']]
                    enters = self._enters(peer, tag)
                    if enters is not None:
                        arrived.add((peer.bridge, enters, peer.name))
            frames = arrived
        return left

    @staticmethod
    def _carries(port, vlan):
        """ofproto/ofproto-dpif-xlate.c, xbundle_includes_vlan: whether a port is a member of a VLAN."""
        mode = port.vlan_mode or ('access' if port.tag is not None else 'trunk')
        own = port.tag or 0
        if mode == 'access':
            return vlan == own
        if mode != 'trunk' and vlan == own:
            return True
        return not port.trunks or vlan in port.trunks

    def _leaves(self, port, vlan):
        """output_normal: the tag with which a VLAN leaves at a port, None where it does not."""
        if not self._carries(port, vlan):
            return None
        mode = port.vlan_mode or ('access' if port.tag is not None else 'trunk')
        return 0 if mode == 'access' or mode == 'native-untagged' and vlan == (port.tag or 0) else vlan

    def _enters(self, port, tag):
        """input_vid_to_vlan and input_vid_is_valid: the VLAN of a frame that comes in, None where it is dropped."""
        mode = port.vlan_mode or ('access' if port.tag is not None else 'trunk')
        if mode == 'access':
            return None if tag else port.tag or 0
        vlan = tag or (port.tag or 0 if mode != 'trunk' else 0)
        return vlan if self._carries(port, vlan) else None
