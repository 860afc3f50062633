# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The bridges over EIPOIB interfaces: what is desired, and the changes that lead there.

Looked at are the bridges that a published port, bond or patch joins to an
InfiniBand interface.  What netconfig (l23network) made is completed, not fought:

* A bridge with provider ``ovs`` exists in Open vSwitch, one with provider ``lnx``
  in the kernel.
* The EIPOIB interface (``eth4``, or the bond over several) is a port of one OVS
  bridge: the one that gets it untagged; where there are tagged ports only, the one
  that has it already, else ``br-eth4``, a bridge of our own.
* A bond of Open vSwitch is made where its members are there and free; others are
  netconfig's.
* A tagged port (``eth4.201``) of an OVS bridge is the kernel's VLAN interface when
  there is one, and else a pair of patch ports to the bridge that holds eth4, with
  tag 201 on that side.  One of a Linux bridge is a VLAN interface always.
* A patch is a pair of patch ports with the published tags and trunks between two OVS
  bridges, an internal port of the one in the other between an OVS and a Linux bridge
  (as l23network has it), a veth pair between two Linux bridges.
* eth4 passes the VLANs that are wanted and for which its HCA port is a full member
  of the P_Key, and untagged traffic (VLAN 0) when a role needs it.  What a P_Key was
  lost for stays.  While the P_Keys are unknown, or are none, the limit stays what it
  is: in OVSDB empty trunks mean *all* VLANs.
* No MTU is larger than what the fabric carries.

Only what is marked as ours (see ovs_changes) is changed or removed; anything else
that contradicts this becomes a finding.
"""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib.planning import linux_bridges, mtu, ovs_difference, ovs_rows, ovs_scheme, patches, uplinks
from plugin_lib.planning.link_operations import AddBridgeLink, AddVlanLink
from plugin_lib.planning.operations import Plan, Step
from plugin_lib.planning.ovs_changes import AddBond, AddPort, DelBridge, DelPort, OvsTransaction


def plan(published, host, snapshot, addressed=frozenset()):
    """What the bridges lack for the roles on InfiniBand ports.

    :param published: published.Published
    :param host: state.Host
    :param snapshot: ovsdb.Snapshot, or None without Open vSwitch
    :param addressed: names of the interfaces that have an address of their own
    :returns: Plan; its findings are lines about what contradicts it and is left as it is
    """
    scheme = published.scheme
    links = [link for link in uplinks.find(published, host) if uplinks.specs(scheme, link.name)]
    near = uplinks.near(scheme, [link.name for link in links])
    joining, findings = patches.usable(scheme, near, _joins(scheme, links, snapshot))
    keys = dict((link, uplinks.keyed(host, link)) for link in links)
    findings += _about_keys(published, host, keys)
    changes, jacks, taken = [], {}, frozenset()
    if snapshot is None:
        findings += ['{0} has provider ovs, but there is no Open vSwitch on this node'.format(name)
                     for name in sorted(near) if ovs_scheme.is_ovs(scheme, name)]
    else:
        desired = ovs_scheme.Desired(scheme, host, snapshot, addressed)
        _add_uplinks(desired, published, keys)
        desired.add_patches(joining)
        desired.add_internal_ports()
        changes, jacks = ovs_difference.changes(desired, snapshot), desired.jacks
        findings += desired.findings + list(snapshot.problems)
        host, taken = _once_applied(host, snapshot, changes)
    linux = linux_bridges.Linux(scheme, host, taken - frozenset(jacks), addressed)
    for link in links:
        linux.add_uplink(link, keys[link])
    for name, bridge in sorted(jacks.items()):
        linux.add_jack(name, bridge)
    for patch in joining:
        if all(scheme.bridges[name].provider == 'lnx' for name in patch.bridges):
            linux.add_patch(patch, [ovs_scheme.fit('-'.join(patch.bridges), end) for end in ('-0', '-1')])
    steps = linux.steps
    made = set(change.name for change, _ in changes)
    made.update(operation.name for step in steps for operation in step.operations
                if isinstance(operation, (AddBridgeLink, AddVlanLink)))
    for link in links:
        more, requests, lines = mtu.plan(published, host, snapshot, link, made)
        steps, changes, findings = steps + more, changes + requests, findings + lines
    return Plan(_transactions(changes, links) + tuple(steps), tuple(findings + linux.findings))


def _joins(scheme, links, snapshot):
    """What joins bridges beside the scheme's patches, see patches.usable: VLANs of uplinks, and patches of others."""
    found = []
    for link in links:
        specs = [spec for spec in uplinks.specs(scheme, link.name) if spec.bridge]
        home = ([spec.bridge for spec in specs if spec.name == link.name] or [link.name])[0]
        found += [((home, spec.vlan), (spec.bridge, 0)) for spec in specs if spec.name != link.name]
    planned = [set(patch.bridges) for patch in scheme.patches]
    for ends in ovs_rows.peers(snapshot) if snapshot else ():
        if not any(ovs_rows.is_ours(end) for end in ends) and set(end.bridge for end in ends) not in planned:
            found.append(tuple((end.bridge, end.tag or 0) for end in ends))
    return found


def _transactions(changes, links):
    """One transaction, or two where a port that Open vSwitch makes itself moves: it leaves in the first.

    Both in one, Open vSwitch 3.1.0 links a moved patch port to its peer at every second reconfiguration only
    ("No usable peer" comes and goes with anybody's changes), and sometimes ends.
    """
    if not changes:
        return ()
    moving = frozenset(change.name for change, _ in changes
                       if isinstance(change, AddPort) and (change.peer or change.internal))
    first, then = [], []
    for each in changes:
        (first if isinstance(each[0], DelPort) and each[0].name in moving else then).append(each)
    reason = 'the network scheme puts {0} on bridges'.format(' and '.join(link.name for link in links) or 'nothing')
    return (Step('ovs', 'Open vSwitch', reason, tuple(OvsTransaction(*zip(*part)) for part in (first, then) if part)),)


def _once_applied(host, snapshot, changes):
    """(Host, names of ports) without what the changes take out of Open vSwitch."""
    out = set(change.name for change, _ in changes if isinstance(change, (DelBridge, DelPort)))
    out.difference_update(change.name for change, _ in changes if isinstance(change, (AddBond, AddPort)))
    nics = dict((name, nic._replace(master=None) if name in out and nic.master == ovs_rows.KERNEL_DATAPATH else nic)
                for name, nic in host.interfaces.items()
                if name not in out or snapshot.interfaces[name].type != 'internal')
    return host._replace(interfaces=nics), frozenset(snapshot.ports) - out


def _about_keys(published, host, keys):
    """Lines about P_Keys that are missing or unknown."""
    lines = []
    for link in sorted(keys):
        if keys[link] is not None:
            lines += uplinks.lacking(published, link, keys[link])
        elif any(name in host.interfaces for name in link.members):
            lines.append('the P_Keys under {0} are unknown: the VLANs of {1} are left as they are'.format(
                ' or '.join(link.members), link.name))
    return lines


def _add_uplinks(desired, published, keys):
    for link in sorted(keys):
        if not desired.add_uplink(link.name, keys[link]) or keys[link] is None:
            continue
        have = desired.snapshot.ports.get(link.name)
        trunks = uplinks.passing(published, link, keys[link], have.trunks if have else ())
        if trunks:
            desired.limit(link.name, trunks)
        else:
            desired.findings.append('{0} has no full P_Key of a VLAN that is wanted: its VLANs are left as they are'
                                    .format(link.name))
