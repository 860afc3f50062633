# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""From an endpoint down to the wire: which interfaces and VLANs carry it.

Fuel 6.1 publishes this (``phy_interfaces``, ``vlans``); later releases publish
only the transformations, so it is followed through ports, patches and bonds.
"""
from __future__ import absolute_import, print_function, unicode_literals

import re
from collections import namedtuple

from plugin_lib.published import vlans
from plugin_lib.published.scheme import PKEY_CHILD, split_port

# What the kernel, udev and biosdevname call an interface: eth0, ib0, enp1s0f0, ens5, ibp3s0, em1, p2p1.
NIC = re.compile(r'^(eth|em|ib|p[0-9]+p|(en|ib)[opsx])[0-9][0-9a-z]*\Z')


class Reach(namedtuple('Reach', 'interfaces bond vlans')):
    """Physical interface names (sorted), the bond that joins them or None, VLAN ranges (empty: untagged)."""

    __slots__ = ()


def of_endpoint(scheme, name):
    """The Reach of the endpoint ``name``: a bridge, or a port or interface with an address of its own."""
    return _of_ports(scheme, ports(scheme, name))


def ports(scheme, name):
    """[(interface or bond, VLANs)] that the endpoint ``name`` leads to; empty VLANs: untagged.

    The ports of the nearest bridge that has any count: a private bridge that is
    patched to the bridge of a NIC is carried by that NIC.
    """
    if name in scheme.bridges or any(name == port.bridge for port in scheme.ports):
        return _nearest_ports(scheme, name)
    for port in scheme.ports:
        if port.name == name and port.interface is None:
            return _nearest_ports(scheme, port.bridge, _carried(port, ()))
        if port.name == name:
            return [(port.interface, _carried(port, ()))]
    interface, vlan = split_port(scheme, name)
    if interface in scheme.interfaces or interface in scheme.bonds or NIC.match(interface) or (
            PKEY_CHILD.match(interface)):
        return [(interface, (vlan,) if vlan else ())]
    return []


def _carried(port, tagged):
    """The VLANs on the wire of what reaches a port, or bond, with the VLANs ``tagged``; empty: untagged."""
    return (port.vlan,) if port.vlan else tagged or tuple(vlan for vlan in port.trunks if vlan)


def _nearest_ports(scheme, bridge, tagged=()):
    """[(interface or bond, VLANs)] of the nearest bridges that have ports, from ``bridge`` through patches.

    :param tagged: the VLANs of what leaves the bridge, empty: untagged
    """
    level = [(bridge, tagged)]
    seen = set()
    while level:
        found = []
        for name, tagged in level:
            found += _own_ports(scheme, name, tagged)
        if found:
            return found
        seen.update(name for name, _ in level)
        level = [step for name, tagged in level for step in _across(scheme, name, tagged) if step[0] not in seen]
    return []


def _own_ports(scheme, bridge, tagged):
    """Ports and bonds on the bridge itself; a port with provider sriov hands out functions and carries no bridge."""
    own = [(port.interface, _carried(port, tagged)) for port in scheme.ports
           if port.bridge == bridge and port.interface and port.provider != 'sriov']
    return own + [(bond.name, _carried(bond, tagged)) for bond in scheme.bonds.values() if bond.bridge == bridge]


def _across(scheme, bridge, tagged):
    """Bridges on the other end of the bridge's patches, with the VLANs that its traffic has there."""
    for patch in scheme.patches:
        for near, far in ((0, 1), (1, 0)):
            if patch.bridges[near] == bridge:
                tag = patch.tags[far]
                trunks = tuple(vlan for vlan in patch.trunks if vlan)
                yield patch.bridges[far], (tag,) if tag else trunks or tagged


def _of_ports(scheme, found):
    interfaces, bonds, carried = set(), set(), set()
    for interface, tagged in found:
        members = [(interface, None)]
        if interface in scheme.bonds:
            bonds.add(interface)
            members = [split_port(scheme, member) for member in scheme.bonds[interface].interfaces]
        interfaces.update(nic for nic, _ in members)
        carried.update(tagged or [vlan for _, vlan in members if vlan])
    return Reach(tuple(sorted(interfaces)), min(bonds) if bonds else None,
                 tuple(vlans.merge([(vlan, vlan) for vlan in carried])))
