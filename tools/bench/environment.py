# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The check of a whole environment: 1,000 nodes of 126 VLANs, beyond parsing them; and its memory for twice as many."""
from __future__ import annotations

import json
import tempfile
import tracemalloc

from plugin_lib import environment
from plugin_lib.planning import environment_checks
from tools.bench.measure import at_most, in_turn, within

VLANS = range(100, 226)
NODES = 1000
SECONDS = 5


def results():
    with tempfile.NamedTemporaryFile('w', suffix='.json', encoding='utf-8') as stream, \
            tempfile.NamedTemporaryFile('w', suffix='.json', encoding='utf-8') as half:
        _write(stream, NODES)
        _write(half, NODES // 2)
        whole, parsing = in_turn(3, lambda: check(stream.name), lambda: parse(stream.name))
        yield within(f'check of {NODES} nodes with {len(VLANS)} VLANs beyond parsing, against the {SECONDS} s allowed',
                     (whole - parsing) / 1000, SECONDS, 's')
        # Half as many: linear memory is twice as much, and a little for what does not grow.
        yield at_most(f'memory of the check of {NODES} nodes, against that of half as many', peak(stream.name),
                      peak(half.name), 2.1, 'MB')


def check(path):
    assert environment_checks.findings(environment.read(path))


def parse(path):
    with open(path, encoding='utf-8') as stream:
        json.load(stream)


def peak(path):
    """MB at the most that Python held at once."""
    tracemalloc.start()
    check(path)
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return held / 1e6


def _write(stream, count):
    """An environment in which every tenth node lacks a VLAN of its own, and every seventh is a limited member once."""
    roles = {'interfaces': {'eth4': {'mode': 'infiniband'}},
             'roles': {f'net-{vlan}': {'interfaces': ['eth4'], 'vlans': [[vlan, vlan]]} for vlan in VLANS}}
    nodes = {}
    for number in range(count):
        keys = {vlan: 0x8000 | vlan for vlan in VLANS}
        if number % 10 == 0:
            del keys[VLANS[number % len(VLANS)]]
        if number % 7 == 0:
            keys[VLANS[0]] = VLANS[0]
        nodes[f'node-{number}'] = {'roles': roles, 'status': {'interfaces': {'eth4': {
            'hca': 'mlx4_0', 'port': 1, 'state': 'ACTIVE', 'last_error': None,
            'keys': [f'0x{key:04x}' for key in [0xffff, *keys.values()]],
            'vlans': [vlan for vlan, key in keys.items() if key & 0x8000]}}}}
    json.dump({'format': 1, 'nodes': nodes}, stream)
    stream.flush()
