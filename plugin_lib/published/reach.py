# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""From an endpoint down to the wire: which interfaces and VLANs carry it.

Fuel 6.1 publishes this (``phy_interfaces``, ``vlans``); later releases publish
only the transformations, so it is followed through ports, patches and bonds.
"""
from __future__ import absolute_import, print_function, unicode_literals

from collections import namedtuple

from plugin_lib.published import vlans
from plugin_lib.published.scheme import split_port


class Reach(namedtuple('Reach', 'interfaces bond vlans')):
    """Physical interface names (sorted), the bond that joins them or None, VLAN ranges (empty: untagged)."""

    __slots__ = ()


NOWHERE = Reach((), None, ())


def of_endpoint(scheme, name):
    """The Reach of the endpoint ``name``: a bridge, or a port or interface with an address of its own.

    The ports of the nearest bridge that has any count: a private bridge that is
    patched to the bridge of a NIC is carried by that NIC.
    """
    if name in scheme.bridges or any(name == port.bridge for port in scheme.ports):
        return _of_ports(scheme, _nearest_ports(scheme, name))
    for port in scheme.ports:
        if port.name == name:
            return _of_ports(scheme, [(port.interface, port.vlan)])
    interface, vlan = split_port(scheme, name)
    if interface in scheme.interfaces or interface in scheme.bonds:
        return _of_ports(scheme, [(interface, vlan)])
    return NOWHERE


def _nearest_ports(scheme, bridge):
    """[(interface or bond, VLAN or None)] of the nearest bridges that have ports, from ``bridge`` through patches."""
    level = [(bridge, ())]
    seen = set()
    while level:
        found = []
        for name, tagged in level:
            for interface, vlan in _own_ports(scheme, name):
                found += [(interface, vlan)] if vlan or not tagged else [(interface, tag) for tag in tagged]
        if found:
            return found
        seen.update(name for name, _ in level)
        level = [step for name, tagged in level for step in _across(scheme, name, tagged) if step[0] not in seen]
    return []


def _own_ports(scheme, bridge):
    """Ports and bonds on the bridge itself; a port with provider sriov hands out functions and carries no bridge."""
    own = [(port.interface, port.vlan) for port in scheme.ports if port.bridge == bridge and port.provider != 'sriov']
    return own + [(bond.name, None) for bond in scheme.bonds.values() if bond.bridge == bridge]


def _across(scheme, bridge, tagged):
    """Bridges on the other end of the bridge's patches, with the VLANs that its traffic has there."""
    for patch in scheme.patches:
        for near, far in ((0, 1), (1, 0)):
            if patch.bridges[near] == bridge:
                tag = patch.tags[far]
                trunks = tuple(vlan for vlan in patch.trunks if vlan)
                yield patch.bridges[far], (tag,) if tag else trunks or tagged


def _of_ports(scheme, ports):
    interfaces, bonds, ranges = set(), set(), []
    for interface, vlan in ports:
        bond = scheme.bonds.get(interface)
        interfaces.update([split_port(scheme, member)[0] for member in bond.interfaces] if bond else [interface])
        if bond:
            bonds.add(bond.name)
        if vlan:
            ranges.append((vlan, vlan))
    return Reach(tuple(sorted(interfaces)), min(bonds) if bonds else None, tuple(vlans.merge(ranges)))
