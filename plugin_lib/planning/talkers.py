# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Who talks through an EIPOIB interface: every (MAC, VLAN) whose frames leave the node there.

eth_ipoib drops what has no vif.  Each one who sends is found where it is plugged in, at a port of Open vSwitch or as an
interface in any network namespace, and its frames are followed (:mod:`plugin_lib.planning.paths`) to where they leave.
"""
from __future__ import absolute_import, print_function, unicode_literals

import re
from collections import namedtuple

from plugin_lib._compat import quoted
from plugin_lib.host.links import IFF_UP, TAP
from plugin_lib.host.namespaces import OWN
from plugin_lib.host.sysfs import is_interface_name
from plugin_lib.memo import remembering
from plugin_lib.pkey import LAST_VLAN
from plugin_lib.planning.paths import UNTAGGED, Paths, is_access, is_native

_MAC = re.compile(r'^([0-9a-f]{2}:){5}[0-9a-f]{2}\Z')
_ZERO = '00:00:00:00:00:00'
_NUMBER = re.compile(r'^[0-9]{1,4}\Z')
# Types of interfaces behind which nobody talks to the node's own networks: patches are followed, tunnels carry frames
# inside of others.
_NOBODY_BEHIND = ('patch', 'gre', 'gre64', 'ipsec_gre', 'ipsec_gre64', 'vxlan', 'geneve', 'lisp', 'stt', 'gtpu')
# Neutron tags a port with it until it knows the port's network (DEAD_VLAN_TAG of its Open vSwitch agent).
_DEAD = 4095
_INTEGRATION = 'br-int'  # Neutron's default, which Fuel keeps: the bridge whose ports its agent tags


class Talker(namedtuple('Talker', 'bridge port blocked')):
    """Where somebody who talks is plugged in.

    :param bridge: name of the bridge, None where there is none
    :param port: name of the port or interface
    :param blocked: whether the trunks of the EIPOIB interface's port leave out the VLAN
    """

    __slots__ = ()

    @property
    def place(self):
        # type: () -> str
        """``br-int/qr-1``."""
        return '/'.join(name for name in (self.bridge, self.port) if name)


class Talkers(namedtuple('Talkers', 'by_eipoib known problems')):
    """Everybody who talks.

    :param by_eipoib: {EIPOIB interface: {(MAC, VLAN or None: untagged): Talker}}
    :param known: False where some may be missing: nobody is gone then
    :param problems: tuple of lines about what was skipped
    """

    __slots__ = ()


NOBODY = Talkers({}, True, ())


@remembering
def find(topology, eipoibs):
    # type: (object, tuple) -> Talkers
    """The Talkers of a host.topology.Topology.

    :param eipoibs: names of the EIPOIB interfaces, sorted
    """
    return _Search(topology, eipoibs).talkers()


class _Search(object):

    def __init__(self, topology, eipoibs):
        self._topology = topology
        self._eipoibs = eipoibs
        self._paths = Paths(topology, eipoibs)
        self._found = dict((name, {}) for name in eipoibs)
        self._bridges = frozenset(name for name, link in topology.namespaces[OWN].items() if link.kind == 'bridge')
        self._problems = set(topology.problems)

    def talkers(self):
        if self._eipoibs:
            if self._topology.switch:
                for name in sorted(self._topology.switch.ports):
                    self._plugged(self._topology.switch.ports[name])
            for space in sorted(self._topology.namespaces):
                for name in sorted(self._topology.namespaces[space]):
                    self._interface(space, self._topology.namespaces[space][name])
            for name, mac in self._topology.learnt:
                self._guest(name, mac)
        return Talkers(self._found, self._topology.known, tuple(sorted(self._problems | self._paths.problems)))

    def _plugged(self, port):
        """Those behind a port of Open vSwitch."""
        for name in port.interfaces:
            interface = self._topology.switch.interfaces[name]
            mac = self._mac(port, interface)
            if mac:
                for vlan in self._vlans(port, 'iface-id' in interface.external_ids):
                    exits = self._paths.inside(port.bridge, vlan)
                    # netconfig sets every bridge up: one's own port that the trunks shut out serves no role here.
                    self._talk(mac, port.bridge, port.name, [each for each in exits if not (
                        each.blocked and name == port.bridge)])

    def _mac(self, port, interface):
        """The MAC behind an interface of a port; None where there is none, or it is found as another interface's."""
        told = interface.external_ids.get('attached-mac')
        if told is not None:
            return self._checked(port.name, told)
        if interface.type in _NOBODY_BEHIND or interface.name in self._eipoibs:
            return None
        _, link = self._paths.place_of(interface)
        if interface.type in ('', 'system'):
            if link is not None and link.kind == TAP:
                self._skip(port.name, 'its guest has a MAC that no attached-mac tells')
            return None
        up = link is not None and link.flags & IFF_UP
        if link is not None and link.master in self._bridges or interface.name == port.bridge and not up:
            return None  # a bridge's own port is always there, whether somebody uses it or not
        mac = interface.mac_in_use or interface.mac if link is None else link.address
        if not mac and interface.ofport is not None:  # without one ovs-vswitchd has not looked yet
            self._skip(port.name, 'it has no MAC')
        return self._checked(port.name, mac) if mac else None

    def _vlans(self, port, of_neutron):
        """The VLANs, as its bridge counts them, in which whoever is behind a port sends.

        On a port of Neutron the tag means something on this node alone; flows at the bridges turn it into the VLAN of
        the network, which the port's other_config tells.  Until its agent has seen the port there is neither; on
        other bridges, as the external gateways of routers are, it never sees one.
        """
        network = port.other_config.get('network_type')
        unseen = of_neutron and port.bridge == _INTEGRATION and network is None and port.tag is None
        if port.tag == _DEAD or network not in (None, 'vlan', 'flat') or unseen:
            return []
        if network == 'flat':
            return [UNTAGGED]
        if network == 'vlan':
            number = port.other_config.get('segmentation_id', '')
            if not _NUMBER.match(number) or not 1 <= int(number) <= LAST_VLAN:
                self._skip(port.name, 'not a VLAN: {0}'.format(quoted(number)))
                return []
            return [int(number)]
        own = [port.tag or UNTAGGED] if is_access(port) or is_native(port) else []
        return own if is_access(port) else own + list(port.trunks or ([] if own else [UNTAGGED]))

    def _interface(self, space, link):
        """An interface that sends by itself: in no bridge, and none of Open vSwitch, whose ports were asked."""
        if not link.flags & IFF_UP or link.master or self._paths.is_plugged(space, link.name) or \
                space == OWN and link.name in self._eipoibs:
            return
        exits = self._paths.sent_by(space, link.name)
        mac = self._checked(link.name, link.address) if exits else None
        if mac:
            bridge, port = self._plug_of(space, link)
            self._talk(mac, bridge, port, exits)

    def _guest(self, name, mac):
        """Whoever is behind a tap of a Linux bridge.  Its frames come in there, and their VLAN is not looked at."""
        exits = self._paths.received_by(OWN, name)
        mac = self._checked(name, mac) if exits else None
        if mac:
            self._talk(mac, self._topology.namespaces[OWN][name].master, name, exits)

    def _plug_of(self, space, link):
        """(bridge, port) where an interface is plugged in, as a person would name them."""
        if link.kind == 'bridge':
            return link.name, link.name
        end = self._paths.other_end(space, link)
        if not end:
            return None, link.name
        return self._paths.bridge_of(*end), end[1]

    def _talk(self, mac, bridge, port, exits):
        for eipoib, tag, blocked in exits:
            if tag > LAST_VLAN:
                self._skip(port, 'not a VLAN: {0}'.format(tag))
                continue
            talks = self._found[eipoib]
            which = mac, tag or None
            if which not in talks or talks[which].blocked and not blocked:
                talks[which] = Talker(bridge, port, blocked)

    def _checked(self, name, text):
        """A MAC that may get a vif, or None."""
        mac = text.lower()
        if not is_interface_name(name):
            self._skip(quoted(name), 'not a name that we handle')
        elif not _MAC.match(mac) or mac == _ZERO or int(mac[:2], 16) & 1:
            self._skip(name, 'not the MAC of one interface: {0}'.format(quoted(mac)))
        else:
            return mac
        return None

    def _skip(self, name, why):
        self._problems.add('{0} gets no vif: {1}'.format(name, why))
