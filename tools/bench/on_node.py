# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Runs on a node of the lab: median milliseconds of each hook that is named, and of the interpreter alone, as JSON.

Not an import of anything: the node has only what the node package brought.
"""
import json
import os
import subprocess
import sys
import time

HOOKS = sys.argv[1:]
ROUNDS = 21


def milliseconds(argv):
    started = time.time()
    with open(os.devnull, 'w') as nowhere:
        subprocess.check_call(argv, stdout=nowhere)
    return (time.time() - started) * 1000


def median(values):
    return sorted(values)[len(values) // 2]


seen = dict((hook, ([], [])) for hook in HOOKS)
for _ in range(ROUNDS):
    for hook in HOOKS:
        seen[hook][0].append(milliseconds(['/usr/bin/fuel-infiniband', 'hook', hook]))
        seen[hook][1].append(milliseconds(['/usr/lib/fuel-infiniband/python', '-Es', '-c', 'pass']))
print(json.dumps(dict((hook, [median(times) for times in pair]) for hook, pair in seen.items())))
