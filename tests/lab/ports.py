# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Ports with addresses on a node's Open vSwitch, and whether they reach each other."""
import itertools
import subprocess

from tests.lab.emulator import EIPOIB


def address(node, vlan):
    """A node's address in a VLAN: 10.3.233.1 for node-1 in VLAN 1001."""
    return f'10.{vlan >> 8}.{vlan & 255}.{node.name.rpartition("-")[2]}'


def own_mac(node):
    """The MAC of the node's EIPOIB interface."""
    return node.read(f'/sys/class/net/{EIPOIB}/address').strip()


def add(node, bridge, vlans, mac=None):
    """Give a bridge a port ``t<vlan>`` with the node's address in each of these VLANs, 0 for untagged.

    :param mac: of all these ports; None: each has one of its own
    """
    hardware = [f'mac="{mac}"'] if mac else []
    node.run('ovs-vsctl', *(word for vlan in vlans for word in (
        '--', 'add-port', bridge, f't{vlan}', *([f'tag={vlan}'] if vlan else []),
        '--', 'set', 'interface', f't{vlan}', 'type=internal', *hardware)))
    node.run('ip', '-batch', '-', input=''.join(
        f'address add {address(node, vlan)}/24 dev t{vlan}\nlink set t{vlan} up\n' for vlan in vlans))


def ping(node, target, seconds=1, inside=()):
    """A Popen of ping, which ends with status 0 at the first answer and with 1 after so many seconds.

    :param inside: what comes before the command: of a network namespace of the node's
    """
    return subprocess.Popen(node.machine.inside(*inside, 'ping', '-c', '1', '-i', '0.2', '-w', str(seconds), target),
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def answers(node, target, seconds=1, inside=()):
    """Whether an address answers a :func:`ping` in time."""
    return ping(node, target, seconds, inside).wait() == 0


def answering(nodes, vlans):
    """{(node, a later one): those of the VLANs in which the later answers a ping of the other within a second}."""
    pings = [(source, target, vlan, ping(source, address(target, vlan)))
             for source, target in itertools.combinations(nodes, 2) for vlan in vlans]
    found = {pair: set() for pair in itertools.combinations(nodes, 2)}
    for source, target, vlan, process in pings:
        if process.wait() == 0:
            found[source, target].add(vlan)
    return found
