# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""From what Open vSwitch has to what it is to have: changes to what is ours, findings about the rest."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib.planning.ovs_changes import MARK, TRUNKS, AddBond, AddBridge, AddPort, DelBridge, DelPort, SetVlans
from plugin_lib.planning.ovs_rows import is_internal, is_ours, peer_of

NEEDLESS = 'nothing in the network scheme needs it'


def changes(desired, snapshot):
    """The changes that make ``snapshot`` what is desired, each possible once those before it are made.

    :param desired: ovs_scheme.Desired; its findings grow by what cannot be changed
    :returns: list of (change, why)
    """
    removed = _port_removals(desired, snapshot)
    added = []
    for name in sorted(desired.ports):
        wanted, have = desired.ports[name], snapshot.ports.get(name)
        if have is None or is_ours(have) and not _same_place(wanted, have, snapshot):
            if have:
                removed.append((DelPort(have.bridge, name), 'it moves: ' + wanted.why))
            added.append((_addition(wanted), wanted.why))
        elif is_ours(have):
            added += _set_vlans(wanted, have)
        elif have.bridge != wanted.bridge:
            desired.findings.append('{0} is a port of {1}, not of {2}; it is not ours and left there'.format(
                name, have.bridge, wanted.bridge))
        elif wanted.tag or wanted.trunks is not None:
            added += _complete(wanted, have, desired.findings)
    kind = _datapath_type(snapshot)
    bridges = [(AddBridge(name, kind), why) for name, why in sorted(desired.bridges.items())
               if name not in snapshot.bridges]
    return removed + bridges + added + _bridge_removals(desired, snapshot)


def _addition(wanted):
    if wanted.interfaces:
        return AddBond(wanted.bridge, wanted.name, wanted.tag, wanted.trunks or (), wanted.interfaces)
    return AddPort(wanted.bridge, wanted.name, wanted.tag, wanted.trunks or (), wanted.peer, wanted.internal)


def _same_place(wanted, have, snapshot):
    return (wanted.bridge, wanted.peer, wanted.internal, wanted.interfaces or have.interfaces) == (
        have.bridge, peer_of(snapshot, have), is_internal(snapshot, have), have.interfaces)


def _set_vlans(wanted, have):
    trunks = have.trunks if wanted.trunks is None else wanted.trunks
    if (have.tag, have.trunks, have.vlan_mode) == (wanted.tag, trunks, None):
        return []
    return [(SetVlans(have.name, wanted.tag, trunks), wanted.why)]


def _complete(wanted, have, findings):
    """Limit the VLANs of a port that is not ours, unless whoever made it has limits of its own."""
    ours = have.external_ids.get(MARK) == TRUNKS
    if have.vlan_mode is None and have.tag in (None, wanted.tag) and (ours or not have.trunks):
        return _set_vlans(wanted, have)
    if have.tag != wanted.tag or not set(have.trunks).issuperset(wanted.trunks or ()):
        findings.append('{0} has its own limits of VLANs, not those of its P_Keys; it is not ours and left as it is'
                        .format(have.name))
    return []


def _port_removals(desired, snapshot):
    if not desired.complete:
        return []
    return [(DelPort(have.bridge, name), NEEDLESS) for name, have in sorted(snapshot.ports.items())
            if is_ours(have) and name not in desired.ports]


def _bridge_removals(desired, snapshot):
    """Bridges of ours that nothing needs; one that holds somebody else's port stays."""
    removals = []
    for name, bridge in sorted(snapshot.bridges.items()):
        if not is_ours(bridge) or name in desired.bridges or not desired.complete:
            continue
        foreign = [port.name for port in snapshot.ports.values()
                   if port.bridge == name and port.name != name and not is_ours(port)]
        if foreign:
            desired.findings.append('{0} is no longer needed, but stays: {1} is not ours'.format(
                name, ', '.join(sorted(foreign))))
        else:
            removals.append((DelBridge(name), NEEDLESS))
    return removals


def _datapath_type(snapshot):
    """What the node's bridges use when they agree; else the kernel's. Patch ports join bridges of one datapath only."""
    kinds = set(bridge.datapath_type for bridge in snapshot.bridges.values())
    return kinds.pop() if len(kinds) == 1 else ''
