# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Open vSwitch over EIPOIB interfaces: what is desired, and the changes that lead there.

Looked at are the bridges that a published port, bond or patch joins to an
InfiniBand interface.  What netconfig (l23network) made is completed, not fought:

* A bridge with provider ``ovs`` exists in Open vSwitch.  Linux bridges, and what
  joins them to anything, are netconfig's.
* The EIPOIB interface (``eth4``, or the bond over several) is a port of one OVS
  bridge: the one that gets it untagged; where there are tagged ports only, the one
  that has it already, else ``br-eth4``, a bridge of our own.
* A tagged port (``eth4.201``) of an OVS bridge is the kernel's VLAN interface when
  there is one, and else a pair of patch ports to the bridge that holds eth4, with
  tag 201 on that side.
* A patch between two OVS bridges is a pair of patch ports with the published tags
  and trunks.
* eth4 passes the VLANs for which its HCA port is a full member of the P_Key, and
  untagged traffic (VLAN 0) when a role needs it.  A VLAN that a role needs and that
  it passes already it goes on passing without its P_Key, which may come back: then
  eipoibd alone makes it work again.  While the P_Keys are unknown, or are none, the
  limit stays what it is: in OVSDB empty trunks mean *all* VLANs.

Only what is marked as ours (see ovs_changes) is changed or removed; anything else
that contradicts this becomes a finding.
"""
from __future__ import absolute_import, print_function, unicode_literals

from collections import namedtuple

from plugin_lib import modes
from plugin_lib.planning import ovs_difference, ovs_scheme
from plugin_lib.planning.operations import Plan, Step
from plugin_lib.planning.ovs_changes import OvsTransaction
from plugin_lib.published import vlans


def plan(published, host, snapshot):
    """What Open vSwitch lacks for the roles on InfiniBand ports.

    :param published: published.Published
    :param host: state.Host
    :param snapshot: ovsdb.Snapshot, or None without Open vSwitch
    :returns: Plan; its findings are lines about what contradicts it and is left as it is
    :raises InputError: when a name that we need is taken by something that is not ours
    """
    scheme = published.scheme
    links = [link for link in _uplinks(published, host) if ovs_scheme.specs(scheme, link.name)]
    near = ovs_scheme.near(scheme, [link.name for link in links])
    if snapshot is None:
        absent = sorted(name for name in near if ovs_scheme.is_ovs(scheme, name))
        return Plan((), tuple('{0} has provider ovs, but there is no Open vSwitch on this node'.format(name)
                              for name in absent))
    desired = ovs_scheme.Desired(scheme, host, snapshot)
    for link in links:
        if desired.add_uplink(link.name):
            have = snapshot.ports.get(link.name)
            desired.limit(link.name, _passing(published, host, link, have.trunks if have else (), desired.findings))
    desired.add_patches(near)
    changes = ovs_difference.changes(desired, snapshot)
    if not changes:
        return Plan((), tuple(desired.findings))
    reason = 'the network scheme puts {0} on bridges'.format(' and '.join(link.name for link in links) or 'nothing')
    return Plan((Step('ovs', 'Open vSwitch', reason, (OvsTransaction(changes),)),), tuple(desired.findings))


class _Uplink(namedtuple('_Uplink', 'name members')):
    """What leads to the fabric: an EIPOIB interface, or a bond and the EIPOIB interfaces in it."""

    __slots__ = ()


def _uplinks(published, host):
    """Of what Fuel, or this machine, knows to be an EIPOIB interface: Fuel publishes no driver that it never learnt."""
    eipoib = set(name for name, nic in published.interfaces.items() if nic.mode == modes.INFINIBAND)
    eipoib.update(host.eipoibs)
    found = []
    for bond in published.scheme.bonds.values():
        members = eipoib.intersection(bond.interfaces)
        eipoib = eipoib - members
        if members:
            found.append(_Uplink(bond.name, tuple(sorted(members))))
    return sorted(found + [_Uplink(name, (name,)) for name in eipoib])


def _passing(published, host, link, trunks, findings):
    """Sorted tuple of the VLANs that may pass the uplink, 0 for untagged; None when that is unknown.

    :param trunks: those that pass it now
    """
    roles = [role for role in published.roles.values() if set(role.interfaces).intersection(link.members)]
    full = None
    for member in link.members:
        keys = _full_keys(host, member)
        if keys is None:
            findings.append('the P_Keys under {0} are unknown: the VLANs of {1} are left as they are'.format(
                member, link.name))
            return None
        full = keys if full is None else full & keys
    findings += _lacking(sorted(roles), full, link)
    passing = set(key.vlan for key in full if key.vlan)
    if any(not role.vlans for role in roles):
        passing.add(0)
    if not passing:
        findings.append('{0} has no full P_Key of a VLAN: its VLANs are left as they are'.format(link.name))
        return None
    needed = set(vlan for role in roles for vlan in vlans.numbers(role.vlans))
    return tuple(sorted(passing.union(needed.intersection(trunks))))


def _full_keys(host, name):
    """The PKeys of full membership under an EIPOIB interface, None when unknown."""
    eipoib = host.eipoibs.get(name)
    port = host.port_of(eipoib) if eipoib else None
    if port is None or port.pkeys is None:
        return None
    return frozenset(key for key in port.pkeys if key.full)


def _lacking(roles, keys, link):
    """Lines about VLANs, and untagged traffic, that roles need and that have no full P_Key."""
    carried = set(key.vlan for key in keys)
    lines = []
    for role in roles:
        missing = [vlan for vlan in vlans.numbers(role.vlans) if vlan not in carried]
        if missing:
            lines.append('role {0} needs VLAN {1} on {2}, which has no full P_Key for it'.format(
                role.name, vlans.show(vlans.merge([(vlan, vlan) for vlan in missing])), link.name))
        elif not role.vlans and not any(key.is_default for key in keys):
            lines.append('role {0} is untagged on {1}, which is no full member of the default partition'.format(
                role.name, link.name))
    return lines
