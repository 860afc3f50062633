# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Storage over RDMA for a large environment: the plans of 1,000 nodes in one process, against loading their data."""
from __future__ import annotations

import tempfile
import time

from plugin_lib import published
from plugin_lib.host.state import Eipoib, Host, Interface, Port
from plugin_lib.pkey import PKey
from plugin_lib.planning import hiera, iser, storage, storage_steps
from plugin_lib.published import document
from tools.bench.measure import ROOT, at_most
from tools.bench.published import large_astute

NODES = 1000
CASE = ROOT / 'tests/cases/storage/9.2-tagged-cinder'


def results():
    with tempfile.TemporaryDirectory(prefix='infiniband-bench-') as folder:
        paths = [_write(f'{folder}/{number}.yaml', number) for number in range(NODES)]
        cinder = (CASE / 'host/etc/cinder/cinder.conf').read_text(encoding='utf-8')
        host = _host()
        safe = document.Loader.__mro__[1]  # the safe loader that ours is made of
        loading, planning = [], []
        for path in paths:
            loading.append(_seconds(lambda path=path: _load(safe, path)))
            planning.append(_seconds(lambda path=path: _plan(path, host, cinder)))
    half = NODES // 2
    return [at_most(f'plans of storage for {NODES} nodes, against loading their data',
                    sum(planning), sum(loading), 1.3, 's'),
            at_most('the second half of these plans, against the first',
                    sum(planning[half:]), sum(planning[:half]), 1.2, 's')]


def _seconds(function):
    started = time.process_time()
    function()
    return time.process_time() - started


def _load(loader, path):
    with open(path, 'rb') as stream:
        loader(stream.read()).get_single_data()


def _plan(path, host, cinder):
    data = published.read(path)
    decision = storage.on_host(storage.decide(data), host, {}, {'ib0': 'datagram'}, frozenset(('ib0',)), 'fail')
    texts = dict.fromkeys(storage_steps.files(data.release, ()))
    (step,) = storage_steps.plan(data, decision, host, {'ib0': 'datagram'}, texts).steps
    assert step.operations[-1].path == hiera.file_of(data.release)
    assert len(iser.plan(data, [move for move, _ in decision.moves], cinder, frozenset(), None, frozenset()).steps) == 2


def _host():
    """A node that eipoibd has served."""
    keys = (PKey(0x7fff, True), PKey(202, True))
    mac = '0c:c4:7a:00:00:04'
    parent = Interface('ib0', 3, '80:00:02:08', 'infiniband', True, 'up', 2044, 'ib_ipoib', '0000:03:00.0')
    return Host({'ib0': parent, 'eth4': Interface('eth4', 4, mac, 'ethernet', True, 'up', 1500, 'eth_ipoib', 'ib0')},
                (Port('mlx4_0', 1, '0000:03:00.0', 'ACTIVE', 'InfiniBand', 1, 1, '56 Gb/sec', keys, (0, 1), None),),
                {'eth4': Eipoib('eth4', 'ib0', 'mlx4_0', 1, mac, True, (), (), True)}, {}, ())


def _write(path, number):
    """The published data of one node among many."""
    address = f'192.168.{number // 250}.{number % 250 + 1}'
    text = (CASE / 'astute.yaml').read_text(encoding='utf-8').replace('192.168.1.8', address)
    others = large_astute().partition('network_metadata:')
    with open(path, 'w', encoding='utf-8') as stream:
        stream.write(text + others[1] + others[2])
    return path
