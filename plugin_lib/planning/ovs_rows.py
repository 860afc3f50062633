# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What rows of Open vSwitch's database mean: whose they are, and what joins two bridges."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib.planning.ovs_changes import MARK, OWNED

# The master that the kernel shows for every port of Open vSwitch's kernel datapath.
KERNEL_DATAPATH = 'ovs-system'


def is_ours(row):
    """Whether a Bridge or Port of a snapshot was made by us."""
    return row.external_ids.get(MARK) == OWNED


def peer_of(snapshot, port):
    """The name of a patch port's peer, None for any other port."""
    interface = snapshot.interfaces.get(port.name)
    return interface.options.get('peer') if interface and interface.type == 'patch' else None


def is_internal(snapshot, port):
    """Whether a port is an interface that Open vSwitch itself makes."""
    interface = snapshot.interfaces.get(port.name)
    return interface is not None and interface.type == 'internal'


def peers(snapshot):
    """[(Port, Port)]: patch ports that are each other's peer, each pair from both of its ends."""
    found = [(port, snapshot.ports.get(peer_of(snapshot, port))) for port in snapshot.ports.values()]
    return [(port, peer) for port, peer in found if peer and peer_of(snapshot, peer) == port.name]


def pairs(snapshot, first, second):
    """[(Port of the bridge ``first``, Port of ``second``)]: patch ports that are each other's peer."""
    return [(port, peer) for port, peer in peers(snapshot) if (port.bridge, peer.bridge) == (first, second)]


def jacks(snapshot, host, bridge, linux_bridge):
    """Names of interfaces that join an OVS bridge to a Linux bridge, sorted.

    l23network puts an internal port of the one into the other; a veth pair does as well.
    """
    found = []
    for port in snapshot.ports.values():
        nic = host.interfaces.get(port.name)
        if port.bridge != bridge or port.name == bridge or nic is None:
            continue
        peer = host.interfaces.get(nic.parent) if nic.kind == 'veth' else None
        if linux_bridge in (nic.master, peer and peer.master):
            found.append(port.name)
    return sorted(found)
