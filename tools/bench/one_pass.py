# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Runs on a node, as root: one pass of eipoibd that turns the P_Keys of its port into vifs, against a bare loop.

The bare loop does the same writes and nothing else: no look, no ledger, no second look.  Both are timed inside this one
process, so that the start of an interpreter and its imports count for neither.
"""
import json
import os
import time

from plugin_lib.daemon.main import one_pass
from plugin_lib.effect.executor import Executor
from plugin_lib.pkey import PKey
from plugin_lib.planning.operations import DeleteChild

NET = '/sys/class/net'
VLANS = range(100, 226)


def measure(parent, eipoib, rounds):
    """([seconds of the pass], [seconds of the bare loop]); the port holds the P_Keys of VLANS."""
    one_pass()  # sets links up and serves untagged traffic, which is no part of what is measured
    _remove(parent)
    ours, theirs = [], []
    for _ in range(rounds):
        for act, seen in ((one_pass, ours), (lambda: _bare(parent, eipoib), theirs)):
            started = time.perf_counter()
            act()
            seen.append(time.perf_counter() - started)
            assert all(os.path.exists(f'{NET}/{eipoib}/slave_{_child(parent, vlan)}') for vlan in VLANS)
            _remove(parent)
    return ours, theirs


def _bare(parent, eipoib):
    with open(f'{NET}/{eipoib}/address', encoding='ascii') as stream:
        mac = stream.read().strip()
    for vlan in VLANS:
        child = _child(parent, vlan)
        _write(f'{NET}/{parent}/create_child', f'0x{0x8000 | vlan:04x}')
        _write(f'{NET}/{eipoib}/eth/slaves', f'+{child}')
        _write(f'{NET}/{eipoib}/eth/vifs', f'+{child} {mac} {vlan}')


def _write(path, text):
    descriptor = os.open(path, os.O_WRONLY)
    os.write(descriptor, text.encode())
    os.close(descriptor)


def _remove(parent):
    executor = Executor()
    for vlan in VLANS:
        executor.do(DeleteChild(parent, PKey(vlan, True), _child(parent, vlan)))


def _child(parent, vlan):
    return f'{parent}.{0x8000 | vlan:04x}'


if __name__ == '__main__':
    print(json.dumps(measure('ib0', 'eth4', 9)))
