# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``./dev bench``: how fast the plugin is, as ratios that are measured in one run.

Each case times the plugin's way and a reference in turn, and compares medians, so that a slow machine slows both.
Prints a table, writes bench/results.json, and ends with exit status 1 when a ratio misses its limit.
"""
from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PLANNED = 'all is as planned'
RESULTS = ROOT / 'bench' / 'results.json'


class Result(NamedTuple):
    """A line of the table.

    :param value: of the plugin, in ``unit``
    :param reference: what it is compared with, in the same unit
    :param ratio: value / reference, or reference / value where faster is asked for ("at least")
    :param limit: what the ratio may be at most, or must be at least; None: no limit, shown for comparison
    """

    name: str
    value: float
    unit: str
    reference: float
    ratio: float
    limit: float | None
    ok: bool


def at_most(name, value, reference, limit):
    ratio = value / reference
    return Result(name, round(value, 3), 'ms', round(reference, 3), round(ratio, 2), limit,
                  limit is None or ratio <= limit)


def at_least(name, value, reference, limit):
    ratio = reference / value
    return Result(name, round(value, 3), 'ms', round(reference, 3), round(ratio, 1), limit, ratio >= limit)


def in_turn(rounds, *functions):
    """The median milliseconds of each function, called in turn."""
    times = [[] for _ in functions]
    for _ in range(rounds):
        for function, seen in zip(functions, times):
            started = time.perf_counter()
            function()
            seen.append(time.perf_counter() - started)
    return [statistics.median(seen) * 1000 for seen in times]


def drvinfo():
    """Drivers of 200 interfaces: our ioctl against a process of ethtool each, in a network namespace of its own."""
    own = ['unshare', '--net'] if os.geteuid() == 0 else ['unshare', '--map-root-user', '--net']
    inner = subprocess.run(own + [sys.executable, '-m', 'tools.bench', 'drvinfo'], cwd=ROOT, check=True,
                           stdout=subprocess.PIPE)
    ours, theirs = json.loads(inner.stdout)
    return [at_least('GDRVINFO of 200 interfaces, against forking ethtool -i', ours, theirs, 100)]


def drvinfo_inside():
    from plugin_lib.host.drvinfo import DrvInfo
    pairs = ''.join(f'link add veth{pair}a type veth peer name veth{pair}b\n' for pair in range(100))
    subprocess.run(['ip', '-batch', '-'], input=pairs, text=True, check=True)
    names = [f'veth{pair}{end}' for pair in range(100) for end in 'ab']

    def ours():
        reader = DrvInfo()
        assert all(reader.read(name)[0] == 'veth' for name in names)

    def theirs():
        for name in names:
            subprocess.run(['ethtool', '-i', name], check=True, stdout=subprocess.DEVNULL)

    print(json.dumps(in_turn(5, ours, theirs)))


def published():
    """One astute.yaml of 35 KB: reading and planning everything, against the same loader alone."""
    from plugin_lib import published
    from plugin_lib.host.state import Eipoib, Host, Interface, Modules, Port
    from plugin_lib.pkey import PKey
    from plugin_lib.planning import drivers, ovs, service, vlans
    from plugin_lib.published import document, settings

    safe = document.Loader.__mro__[1]  # the safe loader that ours is made of
    path = ROOT / 'build' / 'bench-astute.yaml'
    path.parent.mkdir(exist_ok=True)
    path.write_text(large_astute(), encoding='utf-8')
    keys = (PKey(0x7fff, True), *(PKey(vlan, True) for vlan in (201, 202, 1000, 1001, 1002, 1003)))
    mac = '0c:c4:7a:00:00:04'
    host = Host({'eth4': Interface('eth4', 4, mac, 'ethernet', True, 'up', 1500, 'eth_ipoib', 'ib0', None)},
                (Port('mlx4_0', 1, '0000:03:00.0', 'ACTIVE', 'InfiniBand', '0x1', '0x1', '56 Gb/sec', keys, None),),
                {'eth4': Eipoib('eth4', 'ib0', 'mlx4_0', 1, mac, True, (), (), True)}, {}, ())
    every = frozenset(('mlx4_core', 'mlx4_ib', 'ib_ipoib', 'eth_ipoib'))

    def ours():
        data = published.read(str(path))
        chosen = settings.read(data.settings)
        drivers.plan(data, chosen, Modules('4.4.0', every, every), None)
        service.plan(chosen, None, False)
        ovs.plan(data, host, None)
        assert len(vlans.plan(host, {}).steps) > len(keys) - 1

    def theirs():
        safe(path.read_bytes()).get_single_data()

    return [at_most('reading and planning 35 KB of astute.yaml, against loading it', *in_turn(41, ours, theirs), 1.3)]


def large_astute():
    """Published data of the usual size: the project's own file and the description of more nodes."""
    text = (ROOT / 'tests/fixtures/astute/9.2-two-ports.yaml').read_text(encoding='utf-8')
    nodes = ''
    for number in range(1, 1000):
        nodes += (f'    node-{number}:\n      fqdn: node-{number}.example.org\n      name: node-{number}\n'
                  f'      uid: "{number}"\n      swift_zone: "{number}"\n      user_node_name: slave-{number}\n'
                  f'      node_roles:\n      - compute\n      network_roles:\n        management: 192.168.0.{number}\n'
                  f'        storage: 192.168.1.{number}\n        neutron/private: null\n')
        if len(text) + len(nodes) > 35000:
            return f'{text}network_metadata:\n  nodes:\n{nodes}'
    raise AssertionError('the nodes are too few to fill 35 KB')


def hooks():
    """Hooks that find nothing to do, against the same interpreter with nothing to do, on a node of the lab.

    Where vlans and ovs look at a whole InfiniBand node there is no limit: they read an emulated sysfs, whose reads are
    upcalls to a process, and importing the ovs library alone takes five times what the interpreter takes.
    """
    from tests.lab import astute, hooks, lab, netconfig
    from tools import packages

    measured = ROOT / 'build' / 'bench-hooks.json'  # what runs in the lab is a process of its own

    def measure(made):
        plugin = packages.unpack(packages.build('fuel8'), f'{made.folder}/master')
        member = astute.MEMBERS[0]
        node = made.add_node(astute.PKEYS)
        hooks.install_plugin(node, plugin, astute.render(member))
        for task in hooks.tasks(plugin):
            if task == hooks.NETCONFIG:
                netconfig.configure(node)
            else:
                result = hooks.run_everywhere([node], plugin, task, lambda: None)[node.name]
                assert result.status == 0, result.output
        seen = {PLANNED: _hook_times(node)}
        node.write('/etc/astute.yaml', astute.render(member).replace('eth_ipoib', 'ixgbe'), mode=0o600)
        seen['no InfiniBand'] = _hook_times(node)
        measured.write_text(json.dumps(seen), encoding='utf-8')
        return 0

    assert lab.run(measure) == 0
    return [at_most(f'hook {hook}, {state}, against the interpreter', ours, theirs,
                    None if state == PLANNED and hook != 'drivers' else 4)
            for state, times in json.loads(measured.read_text(encoding='utf-8')).items()
            for hook, (ours, theirs) in times.items()]


def _hook_times(node):
    script = (ROOT / 'tools/bench_hooks.py').read_text(encoding='utf-8')
    return json.loads(node.run('/usr/lib/fuel-infiniband/python', '-c', script).stdout)


CASES = (drvinfo, published, hooks)


def main(arguments):
    if arguments == ['drvinfo']:
        drvinfo_inside()
        return 0
    results = []
    for case in CASES:
        print(f'measuring: {case.__doc__.splitlines()[0]}', file=sys.stderr, flush=True)
        results += case()
    width = max(len(result.name) for result in results)
    print(f'{"":{width}}  {"ours":>10}  {"reference":>10}  {"ratio":>7}  {"limit":>5}')
    for result in results:
        verdict = '-' if result.limit is None else f'{result.limit:5}  {"ok" if result.ok else "MISSED"}'
        print(f'{result.name:{width}}  {result.value:7.2f} ms  {result.reference:7.2f} ms  {result.ratio:7.2f}  '
              f'{verdict}')
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps([result._asdict() for result in results], indent=1) + '\n', encoding='utf-8')
    return 0 if all(result.ok for result in results) else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
