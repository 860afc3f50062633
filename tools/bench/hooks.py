# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Hooks that find nothing to do, against the same interpreter with nothing to do, on a node of the lab.

The medians are of runs that find everything as the run before them did; the one that looks at everything, after a
change, takes longer (plugin_lib/receipts.py).
"""
from __future__ import annotations

import json

from tests.lab import astute, hooks, lab
from tools import packages
from tools.bench.measure import ROOT, at_most


def results():
    measured = ROOT / 'build' / 'bench-hooks.json'  # what runs in the lab is a process of its own

    def measure(made):
        plugin = packages.unpack(packages.build('fuel8'), f'{made.folder}/master')
        member = astute.MEMBERS[0]
        node = made.add_node(astute.PKEYS)
        hooks.deploy(node, plugin, astute.render(member))
        seen = {'all is as planned': _hook_times(node)}
        node.write('/etc/astute.yaml', astute.render(member).replace('eth_ipoib', 'ixgbe'), mode=0o600)
        seen['no InfiniBand'] = _hook_times(node)
        measured.write_text(json.dumps(seen), encoding='utf-8')
        return 0

    assert lab.run(measure) == 0
    return [at_most(f'hook {hook}, {state}, against the interpreter', ours, theirs, 4)
            for state, times in json.loads(measured.read_text(encoding='utf-8')).items()
            for hook, (ours, theirs) in times.items()]


def _hook_times(node):
    script = (ROOT / 'tools/bench/on_node.py').read_text(encoding='utf-8')
    return json.loads(node.run('/usr/lib/fuel-infiniband/python', '-c', script).stdout)
