# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What leads from a node's bridges to the fabric, and the VLANs that it may pass."""
from __future__ import absolute_import, print_function, unicode_literals

from collections import namedtuple

from plugin_lib import modes
from plugin_lib.published import vlans
from plugin_lib.published.scheme import PortSpec


class Uplink(namedtuple('Uplink', 'name members')):
    """An EIPOIB interface, or a bond and the EIPOIB interfaces in it (sorted)."""

    __slots__ = ()


def find(published, host):
    """The Uplinks, by name, of what Fuel or this machine knows to be an EIPOIB interface.

    Fuel publishes no driver that its discovery never learnt.
    """
    eipoib = set(name for name, nic in published.interfaces.items() if nic.mode == modes.INFINIBAND)
    eipoib.update(host.eipoibs)
    found = []
    for bond in published.scheme.bonds.values():
        members = eipoib.intersection(bond.interfaces)
        eipoib = eipoib - members
        if members:
            found.append(Uplink(bond.name, tuple(sorted(members))))
    return sorted(found + [Uplink(name, (name,)) for name in eipoib])


def specs(scheme, name):
    """PortSpecs of an uplink: under its own name (a VLAN there is an access port's), and of its VLANs.

    A port with provider sriov hands out functions of the interface and is no port of the node's own network.
    """
    found = [spec for spec in scheme.ports if spec.interface == name and spec.provider != 'sriov']
    bond = scheme.bonds.get(name)
    if bond and bond.bridge:
        found.append(PortSpec(bond.name, bond.bridge, bond.name, bond.vlan, bond.provider, bond.trunks))
    return found


def near(scheme, names):
    """Names of the bridges that have one of the uplinks as a port, or a patch towards such a bridge."""
    found = set(spec.bridge for name in names for spec in specs(scheme, name) if spec.bridge)
    size = None
    while size != len(found):
        size = len(found)
        for patch in scheme.patches:
            if found.intersection(patch.bridges):
                found.update(patch.bridges)
    return found


def keyed(host, uplink):
    """The VLANs for which every member is a full member of the P_Key, 0 for the default one; None when unknown."""
    common = None
    for member in uplink.members:
        eipoib = host.eipoibs.get(member)
        port = host.port_of(eipoib) if eipoib else None
        if port is None or port.pkeys is None:
            return None
        full = frozenset(key.vlan or 0 for key in port.pkeys if key.full and (key.vlan or key.is_default))
        common = full if common is None else common & full
    return common


def wanted(published, uplink):
    """The VLANs, 0 for untagged, that roles, ports and patches ask of an uplink.

    More may be wanted than this tells where it is not published which VLANs Neutron uses.
    """
    scheme = published.scheme
    found = set()
    for role in roles(published, uplink):
        found.update(vlans.numbers(role.vlans) or [0])
    for spec in specs(scheme, uplink.name):
        found.update([spec.vlan] if spec.vlan else spec.trunks)
    bridges = near(scheme, [uplink.name])
    for patch in scheme.patches:
        if bridges.issuperset(patch.bridges):
            found.update(patch.trunks + tuple(tag for tag in patch.tags if tag))
    return frozenset(found)


def passing(published, uplink, keys, held):
    """Sorted tuple of the VLANs to which an uplink is limited, 0 for untagged.

    A VLAN that lost its P_Key stays while it is wanted: a subnet manager that starts with a broken file takes keys away
    for minutes, nothing passes without the vif, and eipoibd withdraws that with care.

    :param keys: of :func:`keyed`
    :param held: the VLANs that the limit names by now
    """
    asked = wanted(published, uplink)
    found = keys - set([0]) | frozenset(held)
    found = found | asked & set([0]) if not published.physical_networks else (found | set([0])) & asked
    for spec in specs(published.scheme, uplink.name):
        if spec.name == uplink.name and spec.trunks:
            found = found.intersection(spec.trunks)
    return tuple(sorted(found))


def lacking(published, uplink, keys):
    """Lines about VLANs, and untagged traffic, that are wanted and that have no full P_Key.

    :param keys: of :func:`keyed`
    """
    lines, told = [], set()
    for role in sorted(roles(published, uplink)):
        asked = vlans.numbers(role.vlans)
        told.update(asked)
        missing = [vlan for vlan in asked if vlan not in keys]
        if missing:
            lines.append('role {0} needs VLAN {1} on {2}, which has no full P_Key for it'.format(
                role.name, vlans.of_numbers(missing), uplink.name))
        elif not role.vlans and 0 not in keys:
            lines.append('role {0} is untagged on {1}, which is no full member of the default partition'.format(
                role.name, uplink.name))
    for vlan in sorted(wanted(published, uplink) - told - keys - set([0])):
        lines.append('the network scheme has VLAN {0} on {1}, which has no full P_Key for it'.format(vlan, uplink.name))
    return lines


def roles(published, uplink):
    """The Roles that an uplink carries."""
    return [role for role in published.roles.values() if set(role.interfaces).intersection(uplink.members)]
