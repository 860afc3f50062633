# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The lab's fabric: what passes between the EIPOIB interfaces of two nodes is what eth_ipoib would let pass.

Covered: a frame needs the P_Key and a vif of its MAC and VLAN at both ends, with two MACs in a VLAN, a MAC in two, and
untagged; the MACs that remote nodes have; broadcasts and multicasts; what is neither IPv4 nor ARP; DHCP by a real
dnsmasq, whose replies must be broadcasts.
"""
import shutil
import subprocess

import pytest

from tests.functional.eipoibd_node import until, until_equal
from tests.lab import lab, ports
from tests.lab.ports import address, answering, answers, own_mac
from tests.lab.vifs import release, serve

pytestmark = pytest.mark.usefixtures('level_1')

MAC = '02:00:00:00:00:0a'
GROUP = '239.1.2.3'
LISTEN = f'''
import socket, sys
heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
heard.bind(('', 7000))
heard.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                 socket.inet_aton('{GROUP}') + socket.inet_aton(sys.argv[1]))
heard.settimeout(20)
print('listening', flush=True)
words = []
while words[-1:] != ['end']:
    words.append(heard.recv(100).decode())
print(*words)
'''
SEND = '''
import socket, sys
told = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
told.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
told.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(sys.argv[1]))
for target, word in zip(sys.argv[2::2], sys.argv[3::2]):
    told.sendto(word.encode(), (target, 7000))
'''


def between_nodes(body, pkeys=(0xffff, 0x8064, 0x8065), vlans=(100, 101)):
    """Run ``body(one, two)`` on nodes with ports in these VLANs, all of them with eth4's MAC, and no vif."""
    def inside(made):
        nodes = [made.add_node(list(pkeys)) for _ in range(2)]
        for node in nodes:
            node.run('ip', 'link', 'set', 'eth4', 'up')
            node.run('ovs-vsctl', 'add-br', 'br', '--', 'set', 'bridge', 'br', 'datapath_type=netdev',
                     '--', 'add-port', 'br', 'eth4')
            ports.add(node, 'br', vlans, mac=own_mac(node))
        body(*nodes)

    assert lab.run(inside) in (0, None), 'what failed in the lab is on stderr'


def set_mac(node, port, mac):
    node.run('ovs-vsctl', 'set', 'interface', port, f'mac="{mac}"')
    until(lambda: node.read(f'/sys/class/net/{port}/address').strip() == mac)


def test_a_vlan_passes_where_both_ends_have_its_pkey_and_its_vif():
    def body(one, two):
        def passes(vlan):
            return answers(one, address(two, vlan))

        child = serve(one, 100)
        assert not passes(100), 'node-2 has no vif'
        serve(two, 100)
        until(lambda: passes(100))
        assert not passes(101), 'nobody has a vif'
        two.emulator.program([0xffff, 0x8065])
        until(lambda: not passes(100))  # node-2 has lost the P_Key
        two.emulator.program([0xffff, 0x8064])
        until(lambda: passes(100))
        release(one, child)
        until(lambda: not passes(100))  # the vif of node-1 went with its slave

    between_nodes(body)


def test_each_mac_needs_a_vif_in_each_vlan():
    vlans = (0, 100, 101)

    def body(one, two):
        def passing():
            return answering((one, two), vlans)[one, two]

        for vlan in vlans:
            serve(one, vlan)
            serve(two, vlan)
        until_equal(passing, {*vlans})
        for vlan in vlans:
            set_mac(one, f't{vlan}', MAC)
        assert passing() == set(), 'another MAC has the vifs'
        children = {vlan: serve(one, vlan, MAC, '.2') for vlan in (0, 101)}
        until_equal(passing, {0, 101})
        release(one, children[0])
        until_equal(passing, {101})

    between_nodes(body, vlans=vlans)


def test_remote_nodes_have_the_macs_of_their_queue_pairs():
    def body(one, two):
        serve(one, 100)
        serve(two, 100)
        until(lambda: answers(two, address(one, 100)))
        seen = two.run('ip', 'neigh', 'show', address(one, 100)).stdout
        assert 'lladdr 02:' in seen and own_mac(one) not in seen
        two.run('ip', 'neigh', 'replace', address(one, 100), 'dev', 't100', 'lladdr', own_mac(one))
        assert not answers(two, address(one, 100)), 'nobody on the fabric goes by that MAC'

    between_nodes(body)


def test_broadcasts_come_once_a_vif_and_multicasts_as_unicasts():
    def body(one, two):
        serve(one, 100)
        serve(two, 100)
        serve(two, 100, MAC, '.2')
        serve(two, 101)
        until(lambda: answers(one, address(two, 100)))
        listener = subprocess.Popen(two.machine.inside('python3', '-c', LISTEN, address(two, 100)),
                                    stdout=subprocess.PIPE, text=True)
        assert listener.stdout.readline() == 'listening\n'
        one.run('python3', '-c', SEND, address(one, 100), address(one, 100).rpartition('.')[0] + '.255', 'broadcast',
                GROUP, 'multicast', address(two, 100), 'end')
        assert listener.communicate()[0].split() == ['broadcast', 'broadcast', 'multicast', 'end']

    between_nodes(body)


def test_nothing_but_ipv4_and_arp_passes():
    def body(one, two):
        for node in (one, two):
            serve(node, 100)
            node.run('ip', 'address', 'add', f'fd00::{node.name[-1]}/64', 'dev', 't100', 'nodad')
        until(lambda: answers(one, address(two, 100)))
        assert answers(two, 'fd00::2'), 'IPv6 works on the node'
        assert not answers(one, 'fd00::2')

    between_nodes(body)


@pytest.mark.parametrize('options, leased', [(('--dhcp-broadcast',), True), ((), False)])
def test_dhcp_needs_broadcast_replies(options, leased):
    missing = [name for name in ('dnsmasq', 'busybox') if not shutil.which(name)]
    if missing:
        pytest.skip(f'DHCP was not tried: {" and ".join(missing)} not installed')

    def body(server, client):
        serve(server, 100)
        serve(client, 100)
        until(lambda: answers(server, address(client, 100)))
        client.run('ip', 'address', 'flush', 'dev', 't100')
        server.run('dnsmasq', '--conf-file=/dev/null', '--port=0', '--interface=t100', '--bind-interfaces', '--no-ping',
                   '--user=root', '--dhcp-leasefile=/run/leases',
                   '--dhcp-range=10.0.100.50,10.0.100.50,255.255.255.0', *options)
        asked = client.run('busybox', 'udhcpc', '-i', 't100', '-f', '-q', '-n', '-t', '3', '-T', '1', '-s', '/bin/true',
                           check=False)
        assert (asked.returncode == 0) == leased, asked.stderr
        assert ('10.0.100.50' in asked.stderr) == leased
        assert '10.0.100.50' in server.read('/run/leases') or not leased

    between_nodes(body)
