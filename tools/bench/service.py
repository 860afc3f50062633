# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The service on a node of the lab with 126 VLANs: how often it wakes between events, and the memory that it takes."""
from __future__ import annotations

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import time

from tests.functional import eipoibd_node
from tests.lab import lab
from tools.bench.convergence import PKEYS
from tools.bench.measure import ROOT, within

SECONDS = 5
PYTHON27 = ROOT / '.venv27' / 'bin' / 'python'


def results():
    seen = in_lab(measure)
    rows = [within(f'wake-ups of the idle service in {SECONDS} s, none allowed', seen['wakeups'], 0, '')]
    if 'resident' in seen:
        rows.append(within('resident memory of the service under Python 2.7, against the 20 MB allowed',
                           seen['resident'] / 1024, 20, 'MB'))
    else:
        print('left out: the memory under Python 2.7, which is not here', file=sys.stderr)
    return rows


def in_lab(body):
    """What ``body(node)`` returns, of a node with eipoibd; what runs in the lab is a process of its own."""
    measured = ROOT / 'build' / 'bench-service.json'

    def inside(made):
        node = made.add_node(PKEYS)
        eipoibd_node.install(node)
        node.write(eipoibd_node.CONFIG, '[eipoibd]\nresync_interval = 3600\n')
        measured.write_text(json.dumps(body(node)), encoding='utf-8')
        return 0

    assert lab.run(inside) == 0
    return json.loads(measured.read_text(encoding='utf-8'))


def measure(node):
    with Serving(node):
        before = switches(node)
        time.sleep(SECONDS)
        seen = {'wakeups': switches(node) - before}
    if PYTHON27.exists():
        install_python27(node)
        os.unlink(node.path(eipoibd_node.STATUS))
        with Serving(node):
            seen['resident'] = int(re.search(r'VmRSS:\s+(\d+) kB', facts(node)).group(1))
    return seen


def install_python27(node):
    """Have eipoibd run with the interpreter of the environment for Python 2.7."""
    prefix = subprocess.run([PYTHON27, '-c', 'import sys; print(getattr(sys, "base_prefix", sys.prefix))'], check=True,
                            stdout=subprocess.PIPE, text=True).stdout.strip()
    if not os.path.exists(node.path(f'{prefix}/bin/python2.7')):  # /root and /home are its own
        os.makedirs(node.path(f'{prefix}/bin'))
        shutil.copytree(f'{prefix}/lib/python2.7', node.path(f'{prefix}/lib/python2.7'), ignore=shutil.ignore_patterns(
            'test', 'tests', 'site-packages', 'config', 'idlelib', 'lib2to3'))
        for path in [f'{prefix}/bin/python2.7', *glob.glob(f'{prefix}/lib/libpython2.7.so*')]:
            shutil.copy(path, node.path(path))
    program = node.read(f'{eipoibd_node.PROGRAM}/eipoibd').split('\n', 1)[1]
    node.write(f'{eipoibd_node.PROGRAM}/eipoibd', f'#!{prefix}/bin/python2.7 -E\n{program}', 0o755)


class Serving(eipoibd_node.Service):
    """The service, once it has nothing to do any more."""

    def __enter__(self):
        super().__enter__()
        eipoibd_node.until(lambda: len(eipoibd_node.vlans(self._node)) == len(PKEYS) - 1)
        before = None
        while before != (before := switches(self._node)):
            time.sleep(1)
        return self


def switches(node):
    """How often the service has waited for something so far."""
    return int(re.search(r'^voluntary_ctxt_switches:\s+(\d+)', facts(node), re.M).group(1))


def facts(node):
    return node.run('cat', f'/proc/{eipoibd_node.status(node)["pid"]}/status').stdout
