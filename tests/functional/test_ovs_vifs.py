# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Everybody who talks through an EIPOIB interface gets a vif: eipoibd beside a real Open vSwitch on a node of the lab.

Covered: three bridges, patches, trunks, a bond; the same MAC in two VLANs and two MACs in one; a port that changes its
VLAN, one that flaps; a port in another network namespace, a veth pair into one, a Linux bridge, a guest behind its tap;
100 ports that come and go; ovsdb-server killed and started again; Open vSwitch that starts late; databases with the
columns of 2.0 and 2.5.
"""
import json
import os
import subprocess
import time

import pytest

from tests.functional.eipoibd_node import CONFIG, Service, install, status, until, until_equal, vlans
from tests.lab import lab, openvswitch, requirements

KEYS = [0xffff, 0x8064, 0x8065]
MAC, OTHER = 'fa:16:3e:00:00:01', 'fa:16:3e:00:00:02'
RUN, DATABASE = '/var/run/openvswitch', '/etc/openvswitch/conf.db'


@pytest.fixture(scope='module', autouse=True)
def able():
    missing = requirements.missing()
    if missing:
        pytest.skip('level 1 of the lab cannot run here: ' + '; '.join(missing))


def on_a_node(body, grace=0):
    """Run ``body(node)`` on a node with eipoibd's service, br-int, br-prv and br-aux in a row, eth4 in br-aux."""
    def inside(made):
        node = made.add_node(KEYS)
        install(node)
        node.write(CONFIG, f'[eipoibd]\nresync_interval = 3600\nvif_grace = {grace}\nlog_level = error\n')
        connect(node)
        with Service(node):
            until(lambda: vlans(node) == [100, 101])
            body(node)

    assert lab.run(inside) in (0, None), 'what failed in the lab is on stderr'


def connect(node):
    for bridge in ('br-int', 'br-prv', 'br-aux'):
        vsctl(node, 'add-br', bridge, '--', 'set', 'bridge', bridge, 'datapath_type=netdev')
    for one, other in (('br-int', 'br-prv'), ('br-prv', 'br-aux')):
        for bridge, peer in ((one, other), (other, one)):
            vsctl(node, 'add-port', bridge, f'{bridge}--{peer}', '--', 'set', 'interface', f'{bridge}--{peer}',
                  'type=patch', f'options:peer={peer}--{bridge}')
    vsctl(node, 'add-port', 'br-aux', 'eth4', 'trunks=100,101')


def vsctl(node, *arguments):
    return node.run('ovs-vsctl', '--no-wait', *arguments).stdout


def add(node, name, mac=None, *columns, bridge='br-int'):
    ids = [f'external_ids:attached-mac="{mac}"'] if mac else []
    vsctl(node, 'add-port', bridge, name, *columns, '--', 'set', 'interface', name, 'type=internal', *ids)


def served(node):
    """{(MAC, VLAN)} that have a vif, as the kernel tells."""
    rows = [row.split() for row in node.read('/sys/class/net/eth4/eth/vifs').splitlines()]
    own = f'MAC={node.read("/sys/class/net/eth4/address").strip()}'
    return {(mac[4:], 0 if vlan == 'VLAN=N/A' else int(vlan[5:])) for _, mac, vlan in rows if mac != own}


def states(node):
    """{(port, VLAN): state} of those who talk."""
    return {(vif['port'], vif['vlan']): vif['state'] for vif in status(node)['interfaces']['eth4']['vifs']}


def test_ports_come_move_and_go():
    def body(node):
        add(node, 'a', MAC, 'tag=100')
        add(node, 'b', MAC, 'tag=101')
        add(node, 'c', OTHER, 'tag=101')
        add(node, 'guest', 'fa:16:3e:00:00:03', 'trunks=100,101')
        add(node, 'without', MAC, 'tag=300')
        until_equal(lambda: served(node), {(MAC, 100), (MAC, 101), (OTHER, 101), ('fa:16:3e:00:00:03', 100),
                                           ('fa:16:3e:00:00:03', 101)})
        until(lambda: states(node).get(('without', 300)) == 'no-pkey')
        vsctl(node, 'del-port', 'guest')
        vsctl(node, 'set', 'port', 'c', 'tag=100')
        until_equal(lambda: served(node), {(MAC, 100), (MAC, 101), (OTHER, 100)})
        vsctl(node, 'set', 'port', 'eth4', 'trunks=101')
        until(lambda: states(node).get(('a', 100)) == 'trunks')
        until_equal(lambda: served(node), {(MAC, 101)})
        vsctl(node, 'set', 'port', 'eth4', 'trunks=100,101', '--', 'set', 'interface', 'a',
              'external_ids:attached-mac="01:00:5e:00:00:01"')
        until_equal(lambda: served(node), {(MAC, 101), (OTHER, 100)})
        until(lambda: 'a gets no vif' in ' '.join(status(node)['warnings']))

    on_a_node(body)


def test_a_port_that_flaps_keeps_its_vif():
    def body(node):
        add(node, 'a', MAC, 'tag=100')
        until_equal(lambda: served(node), {(MAC, 100)})
        for _ in range(5):
            vsctl(node, 'del-port', 'a')
            until(lambda: states(node).get((None, 100)) == 'silent')
            add(node, 'a', MAC, 'tag=100')
            until(lambda: states(node).get(('a', 100)) == 'ok')
        assert status(node)['counters']['steps_done'] == 5  # link, untagged, two VLANs, one vif

    on_a_node(body, grace=60)


def test_a_bond_and_a_linux_bridge():
    def body(node):
        vsctl(node, 'del-port', 'eth4')
        node.run('ip', 'link', 'add', 'other', 'type', 'veth', 'peer', 'name', 'p0')
        vsctl(node, 'add-bond', 'br-aux', 'bond0', 'eth4', 'other', 'trunks=100,101')
        add(node, 'a', MAC, 'tag=100')
        until_equal(lambda: served(node), {(MAC, 100)})
        vsctl(node, 'del-port', 'bond0')
        until_equal(lambda: served(node), set())
        node.run('ip', 'link', 'add', 'br-lnx', 'address', OTHER, 'type', 'bridge')
        node.run('ip', 'link', 'set', 'br-lnx', 'up')
        node.run('ip', 'link', 'set', 'eth4', 'master', 'br-lnx')
        node.run('ip', 'link', 'set', 'br-lnx', 'address', OTHER)
        until_equal(lambda: served(node), {(OTHER, 0)})

    on_a_node(body)


def test_other_network_namespaces():
    def body(node):
        add(node, 'qr-1', None, 'tag=100')
        node.run('ip', 'netns', 'add', 'qrouter-1')
        until(lambda: os.path.exists(node.path('/sys/class/net/qr-1')))
        node.run('ip', 'link', 'set', 'qr-1', 'netns', 'qrouter-1')
        node.run('ip', 'netns', 'exec', 'qrouter-1', 'ip', 'link', 'set', 'qr-1', 'address', MAC, 'up')
        until_equal(lambda: served(node), {(MAC, 100)})
        node.run('ip', 'netns', 'exec', 'qrouter-1', 'ip', 'link', 'set', 'qr-1', 'address', OTHER)
        until_equal(lambda: served(node), {(OTHER, 100)})
        node.run('ip', 'link', 'add', 'tap1', 'type', 'veth', 'peer', 'name', 'ns-1', 'address', MAC, 'netns',
                 'qrouter-1')
        vsctl(node, 'add-port', 'br-int', 'tap1', 'tag=101')
        node.run('ip', 'netns', 'exec', 'qrouter-1', 'ip', 'link', 'set', 'ns-1', 'up')
        until_equal(lambda: served(node), {(OTHER, 100), (MAC, 101)})
        node.write('/run/netns/none', '')  # a name without a namespace
        vsctl(node, 'del-port', 'tap1')
        node.run('ip', 'netns', 'exec', 'qrouter-1', 'ip', 'link', 'delete', 'ns-1')
        until_equal(lambda: served(node), {(OTHER, 100)})
        until(lambda: status(node)['warnings'] == ['/var/run/netns/none: Invalid argument'])
        vsctl(node, 'del-port', 'qr-1')
        node.run('ip', 'netns', 'delete', 'qrouter-1')
        until_equal(lambda: served(node), set())

    on_a_node(body)


def test_a_hundred_ports_come_and_go():
    macs = {(f'fa:16:3e:00:01:{number:02x}', 100 + number % 2) for number in range(100)}

    def body(node):
        commands = [word for number, (mac, vlan) in enumerate(sorted(macs)) for word in (
            '--', 'add-port', 'br-int', f't{number}', f'tag={vlan}', '--', 'set', 'interface', f't{number}',
            'type=internal', f'external_ids:attached-mac="{mac}"')]
        vsctl(node, *commands)
        until(lambda: len([state for state in states(node).values() if state == 'ok']) == 100)
        assert len([name for name in os.listdir(node.path('/sys/class/net/eth4')) if name.startswith('slave_')]) == 103
        assert served(node) <= macs  # as far as the page reaches
        vsctl(node, *[word for number in range(100) for word in ('--', 'del-port', f't{number}')])
        until_equal(lambda: served(node), set())
        assert vlans(node) == [100, 101]

    on_a_node(body)


def test_the_database_server_is_killed_and_comes_back():
    def body(node):
        add(node, 'a', MAC, 'tag=100')
        until_equal(lambda: served(node), {(MAC, 100)})
        node.run('sh', '-c', f'kill -9 $(cat {RUN}/ovsdb-server.pid)')
        until(lambda: 'what is known of Open vSwitch is kept' in ' '.join(status(node)['warnings']))
        assert served(node) == {(MAC, 100)}
        start_server(node)
        add(node, 'b', OTHER, 'tag=101')
        until_equal(lambda: served(node), {(MAC, 100), (OTHER, 101)})
        until(lambda: status(node)['warnings'] == [])
        vsctl(node, 'del-port', 'a')
        until_equal(lambda: served(node), {(OTHER, 101)})

    on_a_node(body)


def start_server(node):
    node.run('ovsdb-server', DATABASE, f'--remote=punix:{RUN}/db.sock', f'--pidfile={RUN}/ovsdb-server.pid',
             f'--unixctl={RUN}/ovsdb-server.ctl', '--detach', '--no-chdir', '-vconsole:off', '-vsyslog:off')


# Columns of the schemas of 2.0.2 (7.3.0) and 2.5.0 (7.12.1) that we ask for, and ovs-vsctl needs.
LATER = {'7.3.0': {'Port': ['rstp_status', 'rstp_statistics', 'protected', 'cvlans'],
                   'Interface': ['mac_in_use', 'error', 'lldp', 'mtu_request'], 'Bridge': ['rstp_enable']},
         '7.12.1': {'Port': ['protected', 'cvlans'], 'Interface': ['mtu_request'], 'Bridge': []}}


@pytest.mark.parametrize('version', sorted(LATER))
def test_a_database_of_an_older_release_that_starts_late(version):
    schema = json.loads(subprocess.run(['cat', openvswitch.SCHEMA], capture_output=True, text=True, check=True).stdout)
    schema['version'] = version
    schema.pop('cksum', None)
    for table, columns in LATER[version].items():
        for column in columns:
            schema['tables'][table]['columns'].pop(column, None)

    def body(made):
        node = made.add_node(KEYS)
        install(node)
        node.write(CONFIG, '[eipoibd]\nresync_interval = 3600\nlog_level = error\n')
        node.run('sh', '-c', f'kill $(cat {RUN}/ovs-vswitchd.pid) $(cat {RUN}/ovsdb-server.pid)')
        until(lambda: not os.path.exists(node.path('/run/openvswitch/db.sock')))
        node.write('/old.ovsschema', json.dumps(schema))
        node.run('sh', '-c', f'rm {DATABASE} && ovsdb-tool create {DATABASE} /old.ovsschema')
        with Service(node):
            until(lambda: vlans(node) == [100, 101])
            start_server(node)
            vsctl(node, 'init')
            node.run('ip', 'link', 'add', 'ovs-system', 'type', 'veth', 'peer', 'name', 'p0')  # as ovs-vswitchd does
            connect(node)
            add(node, 'a', MAC, 'tag=100')
            until_equal(lambda: served(node), {(MAC, 100)})

    assert lab.run(body) in (0, None), 'what failed in the lab is on stderr'


def test_without_open_vswitch_nothing_of_it_is_loaded():
    def body(made):
        node = made.add_node(KEYS)
        install(node)
        node.run('sh', '-c', f'kill $(cat {RUN}/ovs-vswitchd.pid) $(cat {RUN}/ovsdb-server.pid)')
        until(lambda: not os.path.exists(node.path('/run/openvswitch/db.sock')))
        time.sleep(0.1)
        node.run('rm', '-r', RUN)
        program = 'import sys\nsys.path.insert(0, "/opt/eipoibd")\nfrom plugin_lib.daemon.main import main\n' \
            'assert main(["--once"]) == 0\nprint([name for name in sys.modules if "ovs" in name or name == "ctypes"])\n'
        assert node.run('python3', '-Es', '-c', program).stdout.splitlines()[-1] == '[]'

    assert lab.run(body) in (0, None), 'what failed in the lab is on stderr'


# A guest: a tap, and a frame that comes out of it.
GUEST = '''
import fcntl, os, struct, sys
tap = os.open('/dev/net/tun', os.O_RDWR)
fcntl.ioctl(tap, 0x400454ca, struct.pack('16sH22x', b'tap7', 0x1002))
os.system('ip link set tap7 up master br-lnx')
os.write(tap, b'\\xff' * 6 + bytes.fromhex(sys.argv[1].replace(':', '')) + b'\\x08\\x06' + b'\\0' * 46)
print('sent', flush=True)
sys.stdin.read()
'''


def test_a_guest_behind_a_tap_of_a_linux_bridge():
    def body(node):
        vsctl(node, 'del-port', 'eth4')
        for command in ('add br-lnx type bridge', 'set br-lnx up', 'set eth4 master br-lnx'):
            node.run('ip', 'link', *command.split())
        own = node.read('/sys/class/net/br-lnx/address').strip()
        assert own == node.read('/sys/class/net/eth4/address').strip()
        with subprocess.Popen(node.machine.inside('python3', '-c', GUEST, MAC), stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as guest:
            assert guest.stdout.readline() == 'sent\n'
            until(lambda: (MAC, 0) in served(node))
            node.run('bridge', 'fdb', 'del', MAC, 'dev', 'tap7', 'master')  # it was silent for long
            node.run('ip', 'link', 'set', 'eth4', 'mtu', '1400')
            until(lambda: not any(vif['state'] == 'silent' for vif in status(node)['interfaces']['eth4']['vifs']))
            assert (MAC, 0) in served(node), 'whoever listens is there still'
            guest.stdin.close()
        until(lambda: (MAC, 0) not in served(node))

    on_a_node(body)
