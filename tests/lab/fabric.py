# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The fabric between the nodes, and the data path of eth_ipoib at each of its ports.

It lives in the network namespace of the process that makes it: a switch, and for each node a bridge ``hca.<node>``
between the node's cable and that switch, whose OpenFlow rules are the node's vifs; see :class:`Cable`.
"""
import binascii
import subprocess
from typing import NamedTuple

from tests.lab import openvswitch

UNTAGGED = 0xffff  # as OpenFlow 1.0 writes it

_SWITCH = 'fabric'
_ADMIN_BRIDGE = 'admin'
_CABLE, _FABRIC = 1, 2  # OpenFlow port numbers on a node's bridge
_BROADCAST = 'ff:ff:ff:ff:ff:ff'
_MULTICAST = '01:00:00:00:00:00/01:00:00:00:00:00'

# Tables: 0 where from, 1 from which vif, 2 out to the fabric, 3 to which vif, 4 out to the node.
_EVERY_PORT = f'''\
table=0,in_port={_CABLE},ip actions=resubmit(,1)
table=0,in_port={_CABLE},arp actions=resubmit(,1)
table=0,in_port={_CABLE},rarp actions=resubmit(,1)
table=0,in_port={_FABRIC} actions=resubmit(,3)
table=2,priority=2,arp actions=move:NXM_OF_ETH_SRC[]->NXM_NX_ARP_SHA[],output:{_FABRIC}
table=2,priority=1 actions=output:{_FABRIC}
table=4,priority=2,arp actions=move:NXM_OF_ETH_DST[]->NXM_NX_ARP_THA[],output:{_CABLE}
table=4,priority=1 actions=output:{_CABLE}
'''


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
        self._folder = folder
        openvswitch.start(list, folder, folder, folder)
        self._switch('add-br', _SWITCH, '--', 'set', 'bridge', _SWITCH, 'datapath_type=netdev')
        ip('link', 'add', _ADMIN_BRIDGE, 'type', 'bridge')
        ip('link', 'set', _ADMIN_BRIDGE, 'up')

    def connect(self, machine, infiniband, ethernet):
        """Plug in a node's ports: makes them as interfaces of the machine, down, and their peers here.

        :param infiniband: name of the EIPOIB interface in the machine
        :param ethernet: name of the Ethernet interface in the machine
        :returns: what :class:`Cable` takes, for the InfiniBand cable; it carries nothing yet
        """
        cable, admin = f'ib.{machine.hostname}', f'adm.{machine.hostname}'
        for name, peer in ((cable, infiniband), (admin, ethernet)):
            ip('link', 'add', name, 'type', 'veth', 'peer', 'name', peer, 'netns', str(machine.pid))
            ip('link', 'set', name, 'up')
        ip('link', 'set', admin, 'master', _ADMIN_BRIDGE)
        port, up, down = f'hca.{machine.hostname}', f'up.{machine.hostname}', f'dn.{machine.hostname}'
        self._switch(
            'add-br', port, '--', 'set', 'bridge', port, 'datapath_type=netdev', 'fail_mode=secure',
            '--', 'add-port', port, cable, '--', 'set', 'interface', cable, f'ofport_request={_CABLE}',
            '--', 'add-port', port, up,
            '--', 'set', 'interface', up, 'type=patch', f'options:peer={down}', f'ofport_request={_FABRIC}',
            '--', 'add-port', _SWITCH, down, '--', 'set', 'interface', down, 'type=patch', f'options:peer={up}')
        return f'{self._folder}/{port}.mgmt'

    def _switch(self, *arguments):
        subprocess.run(['ovs-vsctl', f'--db=unix:{self._folder}/db.sock', *arguments], check=True)


class Vif(NamedTuple):
    """What makes eth_ipoib carry the traffic of one MAC in one VLAN.

    :param mac: as the node knows it
    :param vlan: 1 to 4094, or UNTAGGED
    :param remote_mac: as the rest of the fabric knows it
    """

    mac: str
    vlan: int
    remote_mac: str


def remote_mac(mac, vlan, lid):
    """A MAC as eth_ipoib makes it for a sender, of a queue pair and a port (``build_neigh_mac`` in eth_ipoib_main.c).

    The number of the queue pair is made up, and stays when a vif is made anew: the driver would have the neighbours
    told of another one, by ARP requests that are not emulated.

    :param lid: 16-bit address of the sender's port
    """
    qpn = binascii.crc32(f'{mac} {vlan}'.encode()) & 0xffffff
    digits = f'02{qpn:06x}{lid:04x}'
    return ':'.join(digits[at:at + 2] for at in range(0, 12, 2))


class Cable:
    """One InfiniBand port of the fabric; may be used from any namespace that sees the socket's file.

    It passes what eth_ipoib passes (eth_ipoib_main.c: parent_tx, parent_rx, get_parent_skb).  From the node: IPv4,
    ARP and RARP whose source MAC and VLAN are those of a vif; the fabric sees them come from its remote MAC.  To the
    node: unicasts to that MAC, as unicasts to the vif's; each broadcast and, as a unicast, each multicast once for
    every vif of its VLAN.  So a unicast to the MAC that a remote node has in truth
    reaches nobody: where the driver would send an ARP request in its place, it is only dropped.

    :param socket: of :meth:`Fabric.connect`
    """

    def __init__(self, socket):
        self._socket = socket

    def carry(self, vifs):
        """Serve exactly these Vifs, no two of one MAC and VLAN; only the rules that differ are sent.

        :raises RuntimeError: with ovs-ofctl's words
        """
        rules = _EVERY_PORT
        members = {}
        for vif in vifs:
            members.setdefault(vif.vlan, []).append(vif.mac)
            rules += (f'table=1,dl_vlan={vif.vlan},dl_src={vif.mac} '
                      f'actions=mod_dl_src:{vif.remote_mac},resubmit(,2)\n'
                      f'table=3,dl_vlan={vif.vlan},dl_dst={vif.remote_mac} '
                      f'actions=mod_dl_dst:{vif.mac},resubmit(,4)\n')
        for vlan, macs in members.items():
            copies = ','.join(f'mod_dl_dst:{mac},output:{_CABLE}' for mac in macs)
            rules += (f'table=3,priority=2,dl_vlan={vlan},dl_dst={_BROADCAST} '
                      f'actions={",".join([f"output:{_CABLE}"] * len(macs))}\n'
                      f'table=3,priority=1,dl_vlan={vlan},dl_dst={_MULTICAST} actions={copies}\n')
        done = subprocess.run(['ovs-ofctl', '--bundle', 'replace-flows', f'unix:{self._socket}', '-'], input=rules,
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f'ovs-ofctl replace-flows: {done.stderr.strip()}')
