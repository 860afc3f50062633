# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The MTU of what the roles use: never more than the fabric carries, less where Fuel asks for less."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib.planning import uplinks
from plugin_lib.planning.operations import SetMtu, Step
from plugin_lib.planning.ovs_changes import RequestMtu

# What the kernel gives an interface that it makes.
ETHERNET_MTU = 1500


def carried(host, uplink):
    """The largest MTU in bytes that passes an uplink, None when unknown.

    eth_ipoib's MTU is the least of its slaves', IPoIB's is the fabric's less 4 bytes, or 65520 in connected mode
    (Documentation/infiniband/ipoib.rst of Linux): the same number of bytes is left for what Ethernet carries.
    """
    names = [uplink.name]
    for member in uplink.members:
        eipoib = host.eipoibs.get(member)
        names += [member] + (list(eipoib.slaves) or [eipoib.parent] if eipoib else [])
    return min([host.interfaces[name].mtu for name in names if name in host.interfaces] or [None])


def plan(published, host, snapshot, uplink, made):
    """What the MTUs over an uplink lack.

    :param snapshot: ovsdb.Snapshot, or None without Open vSwitch
    :param made: names of interfaces that are made before this is done
    :returns: (Steps, [(change of Open vSwitch, why)], lines about MTUs that Fuel asks for and that are too large)
    """
    limit = carried(host, uplink)
    if limit is None:
        return [], [], []
    asked = published.scheme.mtus
    names = [spec.name for spec in uplinks.specs(published.scheme, uplink.name) if spec.name != uplink.name]
    names += sorted(set(role.endpoint for role in uplinks.roles(published, uplink)))
    steps, changes = [], []
    for name in [name for name in names if name in host.interfaces or name in made]:
        have = host.interfaces[name].mtu if name in host.interfaces else ETHERNET_MTU
        right = min(limit, asked.get(name, have))
        if have == right:
            continue
        why = '{0} carries {1}{2}'.format(
            uplink.name, limit, ', Fuel asks for {0}'.format(asked[name]) if name in asked else '')
        if snapshot and name in published.scheme.bridges and published.scheme.bridges[name].provider == 'ovs':
            changes.append((RequestMtu(name, right), why))
        steps.append(Step('ovs', 'MTU of {0}'.format(name), why, (SetMtu(name, right, have),)))
    lines = ['Fuel asks for an MTU of {0} on {1}, the fabric under {2} carries {3}'.format(
        asked[name], name, uplink.name, limit)
             for name in sorted(set([uplink.name] + list(uplink.members) + names)) if asked.get(name, 0) > limit]
    return steps, changes, lines
