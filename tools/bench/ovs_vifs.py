# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""A port of Open vSwitch that appears beside 200 others on a node of the lab, until its vif is written; 100 at once.

Beside a loop that asks ovs-vsctl every 2 seconds, and a bare loop of the writes for 100 vifs.
"""
from __future__ import annotations

import json
import os
import statistics
import subprocess
import time

from ovs import jsonrpc, stream

from tests.functional import eipoibd_node
from tests.lab import lab
from tools.bench.measure import ROOT, at_least, at_most, within

VLANS = range(100, 110)
PORTS, SINGLE, POLLED, BULK = 200, 100, 5, 100
LIMIT = 1024
_TOLD = '/run/vifs'
_SOCKET = '/run/openvswitch/db.sock'

# eipoibd, and when it has written which vif.
_PROGRAM = f'''#!/usr/bin/python3
import os, sys, time
from plugin_lib.effect import sysfs
told, write = os.open('{_TOLD}', os.O_WRONLY | os.O_CREAT | os.O_APPEND), sysfs.write_attribute
def noted(path, text):
    write(path, text)
    if path.endswith('/vifs'):
        os.write(told, ('%.6f %s\\n' % (time.monotonic(), text)).encode())
sysfs.write_attribute = noted
from plugin_lib.daemon.main import main
sys.exit(main())
'''

# What a vif takes, without more ado; prints the milliseconds of as many as it is told.
_BARE = '''
import os, sys, time
def write(path, text):
    descriptor = os.open('/sys/class/net/' + path, os.O_WRONLY)
    os.write(descriptor, text.encode())
    os.close(descriptor)
started = time.monotonic()
for number in range(int(sys.argv[1])):
    index, vlan = 150 + number // 10, 100 + number % 10
    write('ib0/create_child', '0x%04x.%d' % (0x8000 | vlan, index))
    write('eth4/eth/slaves', '+ib0.%04x.%d' % (0x8000 | vlan, index))
    write('eth4/eth/vifs', '+ib0.%04x.%d 02:00:00:00:00:%02x %d' % (0x8000 | vlan, index, number, vlan))
print((time.monotonic() - started) * 1000)
'''

# The loop that asks: the same writes for each port of br-int that it has not seen.
_POLLER = '''
import json, os, subprocess, sys, time
sys.path.insert(0, '/opt')
exec(open('/opt/bare.py').read().split('started')[0])
told, seen = os.open('/run/vifs', os.O_WRONLY | os.O_CREAT | os.O_APPEND), 0
known = None  # what is there to begin with has its vif
def column(table, *names):
    text = subprocess.check_output(['ovs-vsctl', '--format=json', '--columns=' + ','.join(names), 'list', table])
    return json.loads(text)['data']
while True:
    names = set(subprocess.check_output(['ovs-vsctl', 'list-ports', 'br-int']).decode().split())
    macs = dict((name, dict(ids[1]).get('attached-mac')) for name, ids in column('Interface', 'name', 'external_ids'))
    if known is None:
        known = names
        os.close(os.open('/run/polling', os.O_CREAT))
    for name, tag in column('Port', 'name', 'tag'):
        if name in names and name not in known and macs.get(name):
            child, seen = '%04x.%d' % (0x8000 | tag, 170 + seen), seen + 1
            write('ib0/create_child', '0x' + child)
            write('eth4/eth/slaves', '+ib0.' + child)
            text = '+ib0.%s %s %d' % (child, macs[name], tag)
            write('eth4/eth/vifs', text)
            os.write(told, ('%.6f %s\\n' % (time.monotonic(), text)).encode())
            known.add(name)
    time.sleep(2)
'''


class Database:
    """Open vSwitch of a node: its ports come and go in transactions of 1 ms."""

    def __init__(self, node):
        error, connection = stream.Stream.open_block(stream.Stream.open('unix:' + node.path(_SOCKET)))
        assert not error, error
        self._connection = jsonrpc.Connection(connection)

    def add(self, ports):
        """Add {name: (tag, MAC)} to br-int in one transaction; the time at which it was committed."""
        operations = []
        for index, (name, (tag, mac)) in enumerate(ports.items()):
            operations += [
                {'op': 'insert', 'table': 'Interface', 'uuid-name': f'i{index}', 'row': {
                    'name': name, 'type': 'internal', 'external_ids': ['map', [['attached-mac', mac]]]}},
                {'op': 'insert', 'table': 'Port', 'uuid-name': f'p{index}', 'row': {
                    'name': name, 'tag': tag, 'interfaces': ['set', [['named-uuid', f'i{index}']]]}}]
        operations.append({'op': 'mutate', 'table': 'Bridge', 'where': [['name', '==', 'br-int']], 'mutations': [
            ['ports', 'insert', ['set', [['named-uuid', f'p{index}'] for index in range(len(ports))]]]]})
        error, reply = self._connection.transact_block(
            jsonrpc.Message.create_request('transact', ['Open_vSwitch', *operations]))
        assert not error and not reply.error, reply
        assert not any('error' in (row or {}) for row in reply.result), reply.result
        return time.monotonic()


def results():
    measured = ROOT / 'build' / 'bench-ovs-vifs.json'

    def body(made):
        node = made.add_node([0xffff, *(0x8000 | vlan for vlan in VLANS)])
        eipoibd_node.install(node)
        measured.write_text(json.dumps(measure(node)), encoding='utf-8')
        return 0

    assert lab.run(body) == 0
    seen = json.loads(measured.read_text(encoding='utf-8'))
    single = sorted(seen['single'])
    median, late = statistics.median(single), single[len(single) * 99 // 100 - 1]
    return [within(f'a port beside {PORTS} others until its vif, median, against the 20 ms allowed', median, 20, 'ms'),
            within('the same, 99th percentile, against the 100 ms allowed', late, 100, 'ms'),
            at_least('the same, median, against ovs-vsctl every 2 s', median, statistics.median(seen['polled']), 10),
            at_most(f'{BULK} ports in one transaction, against a bare loop of the same writes', seen['bulk'],
                    seen['bare'], 2)]


def measure(node):
    """Milliseconds: {'single': [of each port], 'polled': [by the loop], 'bulk', 'bare': of BULK ports}."""
    node.write(eipoibd_node.CONFIG, f'[eipoibd]\nresync_interval = 3600\nvif_limit = {LIMIT}\nlog_level = error\n')
    node.write(f'{eipoibd_node.PROGRAM}/eipoibd', _PROGRAM, 0o755)
    node.write('/opt/bare.py', _BARE)
    node.write('/opt/poller.py', _POLLER)
    connect(node)
    database, numbers = Database(node), iter(range(100000))

    def ports(count):
        return {f'p{number}': (VLANS[number % len(VLANS)], f'fa:16:3e:00:{number >> 8:02x}:{number & 255:02x}')
                for number in (next(numbers) for _ in range(count))}

    def added(count):
        new = ports(count)
        committed = database.add(new)
        return (max(written(node, new)) - committed) * 1000

    with eipoibd_node.Service(node):
        added(PORTS)
        single = []
        for _ in range(SINGLE):
            time.sleep(0.25)  # what ovs-vswitchd makes of the port before is over
            single.append(added(1))
        time.sleep(2)
        bulk = added(BULK)
    bare = float(node.run('python3', '/opt/bare.py', str(BULK)).stdout)
    poller = subprocess.Popen(node.machine.inside('python3', '/opt/poller.py'))
    try:
        eipoibd_node.until(lambda: os.path.exists(node.path('/run/polling')))
        polled = []
        for number in range(POLLED):
            time.sleep(0.4 * number)  # not in step with the loop
            polled.append(added(1))
    finally:
        poller.kill()
        poller.wait()
    return {'single': single, 'polled': polled, 'bulk': bulk, 'bare': bare}


def connect(node):
    """br-int, a patch to br-aux, eth4 in it."""
    for bridge in ('br-int', 'br-aux'):
        node.run('ovs-vsctl', 'add-br', bridge, '--', 'set', 'bridge', bridge, 'datapath_type=netdev')
    for bridge, port, peer in (('br-int', 'int', 'aux'), ('br-aux', 'aux', 'int')):
        node.run('ovs-vsctl', 'add-port', bridge, port, '--', 'set', 'interface', port, 'type=patch',
                 f'options:peer={peer}')
    node.run('ovs-vsctl', 'add-port', 'br-aux', 'eth4')


def written(node, ports):
    """The times at which the vifs of {name: (VLAN, MAC)} were written, once they are."""
    wanted = {f'{mac} {vlan}' for vlan, mac in ports.values()}

    def times():
        rows = [line.split(' ', 2) for line in node.read(_TOLD).splitlines()]
        return {row[2]: float(row[0]) for row in rows if row[2] in wanted}
    eipoibd_node.until(lambda: len(times()) == len(wanted), 120)
    return times().values()
