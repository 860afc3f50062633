# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""A port of Open vSwitch that appears beside 200 others on a node of the lab, until its vif is written; 100 at once."""
from __future__ import annotations

import statistics
import sys
import time

from ovs import jsonrpc, stream

from tests.functional import eipoibd_node
from tests.lab import lab

VLANS = range(100, 110)
PORTS, SINGLE, BULK = 200, 60, 100
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


def measure(node):
    """Milliseconds: {"single": [of each port], "bulk": of BULK in one transaction}."""
    node.write(eipoibd_node.CONFIG, f'[eipoibd]\nresync_interval = 3600\nvif_limit = {LIMIT}\nlog_level = error\n')
    node.write(f'{eipoibd_node.PROGRAM}/eipoibd', _PROGRAM, 0o755)
    for bridge in ('br-int', 'br-aux'):
        node.run('ovs-vsctl', 'add-br', bridge, '--', 'set', 'bridge', bridge, 'datapath_type=netdev')
    for bridge, port, peer in (('br-int', 'int', 'aux'), ('br-aux', 'aux', 'int')):
        node.run('ovs-vsctl', 'add-port', bridge, port, '--', 'set', 'interface', port, 'type=patch',
                 f'options:peer={peer}')
    node.run('ovs-vsctl', 'add-port', 'br-aux', 'eth4')
    database, numbers = Database(node), iter(range(100000))

    def ports(count):
        return {f'p{number}': (VLANS[number % len(VLANS)], f'fa:16:3e:00:{number >> 8:02x}:{number & 255:02x}')
                for number in (next(numbers) for _ in range(count))}

    with eipoibd_node.Service(node):
        before = ports(PORTS)
        database.add(before)
        written(node, before)
        single = []
        for _ in range(SINGLE):
            time.sleep(0.25)  # the pass that follows its own link events is over
            port = ports(1)
            committed = database.add(port)
            single.append((max(written(node, port)) - committed) * 1000)
        time.sleep(2)
        many = ports(BULK)
        committed = database.add(many)
        bulk = (max(written(node, many)) - committed) * 1000
    return {'single': single, 'bulk': bulk}


def written(node, ports):
    """The times at which the vifs of {name: (VLAN, MAC)} were written, once they are."""
    wanted = {f'{mac} {vlan}' for vlan, mac in ports.values()}

    def times():
        rows = [line.split(' ', 2) for line in node.read(_TOLD).splitlines()]
        return {row[2]: float(row[0]) for row in rows if row[2] in wanted}
    eipoibd_node.until(lambda: len(times()) == len(wanted), 8)
    return times().values()


if __name__ == '__main__':
    def body(made):
        node = made.add_node([0xffff, *(0x8000 | vlan for vlan in VLANS)])
        eipoibd_node.install(node)
        seen = measure(node)
        single = sorted(seen['single'])
        print('median', statistics.median(single), 'p99', single[-1], 'all', [round(x,1) for x in single], 'bulk', seen['bulk'])
    sys.exit(lab.run(body))
