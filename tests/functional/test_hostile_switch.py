# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""eipoibd beside an Open vSwitch that is hostile: whoever talks sensibly keeps a vif, the rest is told in few words.

Covered: a port that comes and goes as fast as ovs-vsctl can, one that moves between two VLANs and one that takes a MAC
after the other; eipoibd itself killed while ports come and go; MACs, tags, networks and names that are none; a port
with 4095 trunks; patches to themselves, to nowhere and in a ring; names in /run/netns that are no namespace;
ovsdb-server killed; something else in its place that says nothing, closes, or answers nonsense, deeply nested or
well-formed; the database back again.
"""
import contextlib
import json
import os
import subprocess

import pytest

from tests.functional.eipoibd_node import CONFIG, STATUS, Service, install, status, until, until_equal
from tests.lab import lab, vifs

pytestmark = pytest.mark.usefixtures('level_1')

SOCKET = '/run/openvswitch/db.sock'
GRACE = 2
FAKE_SERVER = '''
import os, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen(5)
kept = []
while True:
    connection = listener.accept()[0]
    kept.append(connection)
    try:
        {0}
    except OSError:
        pass
'''
SCHEMA = '{"id":"schema","error":null,"result":{"tables":{%s}}}'
NO_COLUMNS = SCHEMA % ''
COLUMNS = SCHEMA % ','.join('"%s":{"columns":{"name":{},"ports":{},"interfaces":{}}}' % table
                            for table in ('Bridge', 'Port', 'Interface'))
NO_ROWS = '{"id":"monitor","error":null,"result":{"Bridge":{"a":7}}}'


def prepare(node):
    """Put eipoibd on a node, and its eth4 on a bridge br."""
    install(node)
    node.write(CONFIG, f'[eipoibd]\nresync_interval = 3600\nvif_grace = {GRACE}\n')
    node.run('ip', 'link', 'set', 'eth4', 'up')
    node.run('ovs-vsctl', 'add-br', 'br', '--', 'set', 'bridge', 'br', 'datapath_type=netdev',
             '--', 'add-port', 'br', 'eth4')


def beside_eipoibd(body):
    """Run ``body(node)`` with eth4 on bridge br, VLANs 100 and 101, and eipoibd; then it must still be the same one."""
    def inside(made):
        node = made.add_node([0xffff, 0x8064, 0x8065])
        prepare(node)
        with Service(node):
            pid = status(node)['pid']
            body(node)
            add_port(node, 'last', 100, mac(99))
            until(lambda: (mac(99), '100') in served(node))
            assert os.path.exists(node.path(f'/proc/{pid}')) and status(node)['pid'] == pid

    assert lab.run(inside) in (0, None), 'what failed in the lab is on stderr'


def mac(number):
    return f'02:00:00:00:{number >> 8:02x}:{number & 255:02x}'


def add_port(node, name, tag, attached, *more):
    """A port as Neutron makes them, without an interface behind it."""
    node.run('ovs-vsctl', '--no-wait', '--', 'add-port', 'br', name, *([f'tag={tag}'] if tag is not None else []), '--',
             'set', 'interface', name, 'type=internal', f'external_ids:attached-mac={json.dumps(attached)}', *more)


def served(node):
    """{(MAC, VLAN)} of others than the EIPOIB interface."""
    return {(mac, vlan) for child, mac, vlan in vifs.shown(node) if mac.startswith('02:')}


def children(node):
    """How many IPoIB children there are."""
    return sum(name.startswith('ib0.') for name in os.listdir(node.path('/sys/class/net')))


def told(node):
    """Everything that the status says."""
    said = status(node)
    return said['warnings'] + [vif['detail'] for vif in said['interfaces']['eth4']['vifs']]


def steps_done(node):
    line, = [line for line in node.read('/run/eipoibd/eipoibd.prom').splitlines()
             if line.startswith('eipoibd_steps_total{result="done"}')]
    return int(line.split()[-1])


def test_ports_that_flap():
    def body(node):
        before = steps_done(node)
        node.run('sh', '-c', f'''for i in $(seq 100); do
            ovs-vsctl --no-wait add-port br flaps tag=100 -- set interface flaps type=internal \\
                'external_ids:attached-mac="{mac(1)}"'
            ovs-vsctl --no-wait del-port br flaps
            done''')
        add_port(node, 'moves', 100, mac(2))
        node.run('sh', '-c', 'for i in $(seq 100); do for vlan in 101 100; do '
                             'ovs-vsctl --no-wait set port moves tag=$vlan; done; done')
        until_equal(lambda: served(node), {(mac(2), '100')})
        assert steps_done(node) - before < 40, 'of 400 changes most must have cost nothing'
        node.run('sh', '-c', '''for i in $(seq 200); do
            ovs-vsctl --no-wait set interface moves "external_ids:attached-mac=\\"$(printf 02:00:00:00:01:%02x $i)\\""
            done''')
        until_equal(lambda: served(node), {(mac(0x1c8), '100')}, patience=60)

    beside_eipoibd(body)


def test_eipoibd_is_killed_while_ports_come_and_go():
    def inside(made):
        node = made.add_node([0xffff, 0x8064, 0x8065])
        prepare(node)
        everybody = {(mac(number), str(100 + number % 2)) for number in range(40)}
        node.run('ovs-vsctl', '--no-wait', *(word for address, vlan in sorted(everybody) for word in (
            '--', 'add-port', 'br', f'p{address[-2:]}', f'tag={vlan}', '--', 'set', 'interface', f'p{address[-2:]}',
            'type=internal', f'external_ids:attached-mac="{address}"')))
        for wanted in (everybody, set()):
            for count in (1, 2, 5, 9, 17, 26):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(node.path(STATUS))
                with Service(node):  # it is killed at the end
                    until(lambda wanted=wanted, count=count: len(served(node) ^ wanted) <= 40 - count)
            with Service(node):
                until_equal(lambda: served(node), wanted)
                # Its own three stay; what was made and not yet used when it was killed goes.
                until_equal(lambda: children(node), 3 + len(wanted))
            node.run('ovs-vsctl', '--no-wait', '--', *' -- '.join(
                f'--if-exists del-port br p{address[-2:]}' for address, _ in everybody).split())

    assert lab.run(inside) in (0, None), 'what failed in the lab is on stderr'


def test_rows_that_are_nonsense():
    def body(node):
        for number, text in enumerate(('zz:00:00:00:00:01', 'ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:01', '', 'x' * 5000,
                                       '00:00:00:00:00:00', mac(1) + '\nSLAVE=x', mac(1) + ' 200')):
            add_port(node, f'mac{number}', 100, text)
        for number, vlan in enumerate(('x', '99999', '-1', '0', '', '101\n', '\u0663')):
            add_port(node, f'net{number}', 1, mac(1), '--', 'set', 'port', f'net{number}',
                     'other_config:network_type=vlan', f'other_config:segmentation_id={json.dumps(vlan)}')
        for name in ('a b', 'a\nb', 'x' * 40, 'a"b'):
            add_port(node, name, 100, mac(1))
        add_port(node, 'dead', 4095, mac(1))
        add_port(node, 'many', None, mac(2), '--', 'set', 'port', 'many', 'trunks=' + ','.join(map(str, range(4095))))
        until_equal(lambda: served(node), {(mac(2), vlan) for vlan in ('N/A', '100', '101')})
        until(lambda: any('so it is with 4091 more of its VLANs' in line for line in told(node)))
        lines = told(node)
        for name in [f'mac{number}' for number in range(8)] + [f'net{number}' for number in range(7)]:
            assert len([line for line in lines if line.startswith(f'{name} gets no vif: ')]) == 1
        assert not [line for line in lines if '\n' in line or len(line) > 200]
        assert len(lines) < 40

    beside_eipoibd(body)


def test_patches_that_lead_nowhere_and_around():
    def body(node):
        for one, other in (('x', 'y'), ('y', 'z'), ('z', 'br'), ('br', 'x')):
            node.run('ovs-vsctl', '--no-wait', '--may-exist', 'add-br', one, '--', '--may-exist', 'add-br', other,
                     '--', 'add-port', one, f'{one}-{other}', '--', 'add-port', other, f'{other}-{one}',
                     '--', 'set', 'interface', f'{one}-{other}', 'type=patch', f'options:peer={other}-{one}',
                     '--', 'set', 'interface', f'{other}-{one}', 'type=patch', f'options:peer={one}-{other}')
        for name, peer in (('itself', 'itself'), ('nowhere', 'none'), ('one-way', 'x-y')):
            node.run('ovs-vsctl', '--no-wait', 'add-port', 'br', name,
                     '--', 'set', 'interface', name, 'type=patch', f'options:peer={peer}')
        node.run('ovs-vsctl', '--no-wait', 'add-port', 'y', 'far', 'tag=101',
                 '--', 'set', 'interface', 'far', 'type=internal', f'external_ids:attached-mac="{mac(1)}"')
        add_port(node, 'many', None, mac(2), '--', 'set', 'port', 'many', 'trunks=' + ','.join(map(str, range(4095))))
        until(lambda: served(node) >= {(mac(1), '101'), (mac(2), '100')})
        until(lambda: any('loop' in line for line in told(node)))
        assert len([line for line in told(node) if 'loop' in line]) <= 4

    beside_eipoibd(body)


def test_names_of_namespaces_that_are_none():
    def body(node):
        node.run('ip', 'netns', 'add', 'real')
        node.run('ip', 'link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'far', 'netns', 'real')
        node.run('sh', '-c', 'cd /run/netns && mkfifo pipe && touch file && ln -s nowhere link && mkdir folder')
        add_port(node, 'moved', 100, mac(1))
        node.run('ip', 'link', 'set', 'moved', 'netns', 'real')
        until_equal(lambda: served(node), {(mac(1), '100')})
        until(lambda: all(any(f'netns/{name}' in line for line in told(node)) for name in ('pipe', 'file', 'link')))
        node.run('ip', 'netns', 'del', 'real')
        until(lambda: 'near' not in os.listdir(node.path('/sys/class/net')))  # eipoibd does not keep it
        node.run('ovs-vsctl', '--no-wait', 'del-port', 'br', 'moved')
        until_equal(lambda: served(node), set())

    beside_eipoibd(body)


@contextlib.contextmanager
def instead_of_the_database(node, answer):
    """Something that listens in place of ovsdb-server, and does this with each connection."""
    process = subprocess.Popen(node.machine.inside('python3', '-c', FAKE_SERVER.format(answer), SOCKET))
    until(lambda: os.path.exists(node.path(SOCKET)))
    yield
    with open(f'/proc/{process.pid}/task/{process.pid}/children', encoding='ascii') as children:
        os.kill(int(children.read()), 9)  # nsenter would leave it
    process.wait()
    os.unlink(node.path(SOCKET))


def test_a_database_that_dies_and_others_in_its_place():
    def body(node):
        add_port(node, 'stays', 100, mac(1))
        until_equal(lambda: served(node), {(mac(1), '100')})
        node.run('kill', '-9', node.read('/run/openvswitch/ovsdb-server.pid').strip())
        until(lambda: 'what is known of Open vSwitch is kept' in ' '.join(told(node)))
        os.unlink(node.path(SOCKET))
        for answer, said in (
                ('connection.close()', 'reset'), ('connection.sendall(os.urandom(100000))', 'its answers'),
                ('connection.sendall(b"[" * 100000 + b"}")', 'its answers'),
                ('connection.sendall(b\'{"a":\' + b"[" * 100000 + b"}")', 'its answers'),
                (f'connection.sendall({NO_COLUMNS.encode()})', 'its answers'),
                (f'connection.sendall({(COLUMNS + NO_ROWS).encode()})', 'its answers'),
                ('kept[0]', 'is kept')):
            with instead_of_the_database(node, answer):
                until(lambda said=said: said in ' '.join(told(node)))
                assert served(node) == {(mac(1), '100')}
        node.run('ovsdb-server', '/etc/openvswitch/conf.db', f'--remote=punix:{SOCKET}', '--pidfile', '--detach',
                 '--no-chdir', '--unixctl=/run/openvswitch/ovsdb-server.ctl')
        until(lambda: 'is kept' not in ' '.join(told(node)))
        assert served(node) == {(mac(1), '100')}

    beside_eipoibd(body)
