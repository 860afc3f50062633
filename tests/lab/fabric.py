# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The fabric between the nodes: a switch that passes a VLAN only where the port's node can really use it.

It lives in the network namespace of the process that makes it.  A frame gets from one node to another when both
their ports carry its VLAN; see :meth:`Cable.carry`.
"""
import subprocess

from tests.lab import openvswitch

UNTAGGED = 0
# An empty set of trunks means "every VLAN" to Open vSwitch, so a port that carries nothing is given this one, which
# no P_Key of the lab stands for.
NO_VLAN = 4094

_BRIDGE = 'fabric'
_ADMIN_BRIDGE = 'admin'


def ip(*arguments):
    """Run ``ip`` in the calling process's namespace; raises RuntimeError with its message."""
    done = subprocess.run(['ip', *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f'ip {" ".join(arguments)}: {done.stderr.strip()}')


class Fabric:
    """The InfiniBand fabric and, beside it, the Ethernet of Fuel's admin network.

    :param folder: an empty folder for the switch's files
    """

    def __init__(self, folder):
        self.socket = f'{folder}/db.sock'
        openvswitch.start(list, folder, folder, folder)
        subprocess.run(['ovs-vsctl', f'--db=unix:{self.socket}', 'add-br', _BRIDGE,
                        '--', 'set', 'bridge', _BRIDGE, 'datapath_type=netdev'], check=True)
        ip('link', 'add', _ADMIN_BRIDGE, 'type', 'bridge')
        ip('link', 'set', _ADMIN_BRIDGE, 'up')

    def connect(self, machine, infiniband, ethernet):
        """Plug in a node's ports: makes them as interfaces of the machine, down, and their peers here.

        :param infiniband: name of the EIPOIB interface in the machine
        :param ethernet: name of the Ethernet interface in the machine
        :returns: the name of the InfiniBand cable, for :class:`Cable`; it carries nothing yet
        """
        cable, admin = f'ib.{machine.hostname}', f'adm.{machine.hostname}'
        for name, peer in ((cable, infiniband), (admin, ethernet)):
            ip('link', 'add', name, 'type', 'veth', 'peer', 'name', peer, 'netns', str(machine.pid))
            ip('link', 'set', name, 'up')
        ip('link', 'set', admin, 'master', _ADMIN_BRIDGE)
        subprocess.run(['ovs-vsctl', f'--db=unix:{self.socket}', 'add-port', _BRIDGE, cable,
                        f'trunks={NO_VLAN}'], check=True)
        return cable


class Cable:
    """One InfiniBand port of the fabric, by its name; may be used from any namespace that sees the socket's file."""

    def __init__(self, socket, name):
        self._database = openvswitch.Database(socket)
        self._name = name

    def carry(self, vlans):
        """Pass exactly these VLANs (UNTAGGED among them or not) between the node and the fabric."""
        self._database.configure({'op': 'update', 'table': 'Port', 'where': [['name', '==', self._name]],
                                  'row': {'trunks': ['set', sorted(vlans) or [NO_VLAN]]}})
