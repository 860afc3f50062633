# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Hooks that find nothing to do, against the same interpreter with nothing to do, on a node of the lab.

The medians are of runs that find everything as the run before them did; the one that looks at everything, after a
change, takes longer (plugin_lib/receipts.py).  Storage uses RDMA, and the HCA has four times as many virtual functions
as the settings ask for unless they are changed.
"""
from __future__ import annotations

import json

from plugin_lib.host.state import RDMA_MODULES
from plugin_lib.planning.iser import CINDER_FILE
from plugin_lib.planning.passthrough import NOVA
from tests.lab import astute, hooks, lab
from tools import packages
from tools.bench.measure import ROOT, at_most

HOOKS = ('drivers', 'vlans', 'sriov', 'storage', 'ovs', 'rdma', 'passthrough')
FUNCTIONS = 32
# The lab's /sys/class is a program's, ten times as slow as the kernel's.  What is only written cannot be copied.
ON_NODE = """set -e
mkdir -p /tmp/class/net
cp -rP /sys/class/infiniband /tmp/class
cp -rP /sys/class/net/ib0* /tmp/class/net 2>/dev/null || true
mount --bind /tmp/class /sys/class
exec /usr/lib/fuel-infiniband/python -c "$@"
"""


def results():
    measured = ROOT / 'build' / 'bench-hooks.json'  # what runs in the lab is a process of its own
    measured.parent.mkdir(exist_ok=True)

    def measure(made):
        plugin = packages.unpack(packages.build('fuel8'), f'{made.folder}/master')
        node = made.add_node(astute.PKEYS, FUNCTIONS)
        text = astute.render(astute.Member(1, ('compute', 'cinder')))
        for setting in ('storage_rdma', 'sriov'):
            text = text.replace(f'{setting}: false', f'{setting}: true')
        text = text.replace("num_of_vfs: '8'", f"num_of_vfs: '{FUNCTIONS}'")
        node.write(NOVA, '[DEFAULT]\n')
        node.write(CINDER_FILE, '[DEFAULT]\nvolume_group = cinder\n')
        node.run('mount', '-t', 'tmpfs', 'modules', '/sys/module')
        node.run('mkdir', *(f'/sys/module/{name}' for name in RDMA_MODULES))
        hooks.deploy(node, plugin, text)
        seen = {'all is as planned': _hook_times(node)}
        node.write('/etc/astute.yaml', astute.render(astute.MEMBERS[0]).replace('eth_ipoib', 'ixgbe'), mode=0o600)
        seen['no InfiniBand'] = _hook_times(node)
        measured.write_text(json.dumps(seen), encoding='utf-8')
        return 0

    assert lab.run(measure) == 0
    return [at_most(f'hook {hook}, {state}, against the interpreter', ours, theirs, 4)
            for state, times in json.loads(measured.read_text(encoding='utf-8')).items()
            for hook, (ours, theirs) in times.items()]


def _hook_times(node):
    while not all('nothing to do, ' in node.run('fuel-infiniband', 'hook', hook).stdout for hook in HOOKS):
        pass
    script = (ROOT / 'tools/bench/on_node.py').read_text(encoding='utf-8')
    return json.loads(node.run('unshare', '--mount', 'sh', '-c', ON_NODE, 'sh', script, *HOOKS).stdout)
