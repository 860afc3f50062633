# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""126 new P_Keys to 126 working vifs on a node of the lab, against a bare loop of the same sysfs writes.

The process that changes sysfs and the one that serves it share one processor: on two of them wake-ups across processors
make every write take either one or three times as long, by chance.
"""
from __future__ import annotations

import json
import os
import statistics

from tests.functional.eipoibd_node import PROGRAM, install
from tests.lab import lab
from tools.bench import one_pass
from tools.bench.measure import ROOT, at_most

PKEYS = [0xffff] + [0x8000 | vlan for vlan in one_pass.VLANS]


def results():
    measured = ROOT / 'build' / 'bench-convergence.json'  # what runs in the lab is a process of its own

    def measure(made):
        os.sched_setaffinity(0, [max(os.sched_getaffinity(0))])
        node = made.add_node(PKEYS)
        install(node)
        with open(one_pass.__file__, encoding='utf-8') as script:
            printed = node.run('env', f'PYTHONPATH={PROGRAM}', '/usr/bin/python3', '-c', script.read()).stdout
        measured.write_text(printed, encoding='utf-8')
        return 0

    assert lab.run(measure) == 0
    ours, theirs = (statistics.median(seconds) * 1000 for seconds in json.loads(measured.read_text(encoding='utf-8')))
    return [at_most('126 P_Keys to 126 vifs, level 1, against a bare loop of the same writes', ours, theirs, 1.5)]
