# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""eipoibd on a node where nothing happens: 2 ports with 128 P_Keys each, all served.

The kernel model made the files that a pass reads, and the interfaces are real, in a network namespace: reading a file
of a memory file system costs less than reading sysfs, so the ratio on a node is lower.
"""
from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

from plugin_lib.daemon.convergence import converge
from plugin_lib.daemon.history import Withdrawals
from plugin_lib.daemon.log import Log
from plugin_lib.daemon.report import Report
from plugin_lib.daemon.status import Status
from plugin_lib.effect.executor import Executor
from plugin_lib.effect.ledger import Ledger
from plugin_lib.host.capture import capture
from plugin_lib.host.source import Live
from plugin_lib.host.tree import Tree
from tests.lab.fabric import ip
from tests.lab.taps import InfinibandTap
from tests.model.kernel import Kernel, Listener
from tools.bench.measure import ROOT, at_most, in_turn, within

ROUNDS = 101
PASSES = 20


class RealInterfaces(Listener):
    """An interface of this namespace for every one of the model."""

    def __init__(self):
        self._taps = []

    def created(self, netdev):
        if netdev.is_ipoib:
            self._taps.append(InfinibandTap(netdev.name))
        else:
            ip('link', 'add', netdev.name, 'address', netdev.address, 'type', 'veth', 'peer', 'name', f'p{netdev.name}')
        with open(f'/sys/class/net/{netdev.name}/ifindex', encoding='ascii') as stream:
            netdev.ifindex = int(stream.read())


class ReadingTree(Tree):
    """Notes what is read."""

    def __init__(self, root):
        super().__init__(root)
        self.asked = []

    def read(self, path):
        self.asked.append((_read, path))
        return super().read(path)

    def names(self, path):
        self.asked.append((os.listdir, path))
        return super().names(path)

    def link(self, path):
        self.asked.append((os.readlink, path))
        return super().link(path)


def _read(path):
    descriptor = os.open(path, os.O_RDONLY)
    os.read(descriptor, 4096)
    os.close(descriptor)


def results():
    own = ['--net', '--mount'] if os.geteuid() == 0 else ['--map-root-user', '--net', '--mount']
    inner = subprocess.run(['unshare', *own, sys.executable, '-m', 'tools.bench.idle'], cwd=ROOT, check=True,
                           stdout=subprocess.PIPE)
    seen = json.loads(inner.stdout)
    return [at_most('CPU of an idle pass, 2 ports of 128 P_Keys, against reading the same files once',
                    *seen['milliseconds'], 2),
            within('processes, writes and file changes of an idle pass, none allowed', seen['deeds'], 0, '')]


def main():
    subprocess.run(['mount', '-t', 'sysfs', 'sysfs', '/sys'], check=True)
    with tempfile.TemporaryDirectory(dir='/dev/shm', prefix='infiniband-bench-') as folder:
        print(json.dumps(measure(folder)))


def measure(folder):
    """{'milliseconds': (of a pass, of the bare reads), 'deeds': what passes did beside reading}."""
    kernel = converged(f'{folder}/ledger')
    capture(kernel, f'{folder}/root')
    source, run = Live(), f'{folder}/run'
    tree = source.tree = ReadingTree(f'{folder}/root')
    log = io.StringIO()
    executor, ledger, withdrawals = Executor(tree), Ledger(f'{folder}/ledger'), Withdrawals()
    report, status = Report(Log(log)), Status(run, 'service')

    def idle():
        del tree.asked[:]
        result = converge(source, executor, ledger, withdrawals.decide)
        assert not result.outcomes, result.outcomes
        report.result(result)
        status.update(result, refresh=False)

    idle()
    idle()
    reads = [(read, f'{folder}/root{path}') for read, path in tree.asked if os.path.lexists(f'{folder}/root{path}')]

    def bare():
        for read, path in reads:
            read(path)

    before = deeds(log)
    for _ in range(PASSES):
        idle()
    done = deeds(log) - before
    return {'milliseconds': in_turn(ROUNDS, idle, bare, clock=time.process_time), 'deeds': done}


def converged(ledger):
    """A Kernel with two ports whose keys are all served, and real interfaces like its own."""
    kernel = Kernel(rtnetlink=False, child_index=True)
    kernel.listener = RealInterfaces()
    ports = kernel.add_hca('mlx4_0', ports=2).ports
    for number, port in sorted(ports.items()):
        port.set_pkeys([0xffff] + [0x8000 | vlan for vlan in range(100, 227)])
        kernel.add_ipoib(f'ib{number - 1}', port)
        kernel.add_eipoib(f'eth{number + 3}', f'ib{number - 1}')
    assert not converge(kernel, Executor(kernel.tree, kernel.write, kernel), Ledger(ledger)).errors
    for netdev in kernel.netdevs.values():
        ip('link', 'set', netdev.name, 'up')
    return kernel


def deeds(log):
    """Processes that were forked, blocks and bytes that were written, by this process so far."""
    with open('/proc/self/io', encoding='ascii') as stream:
        written = dict(line.split(': ') for line in stream)['syscw']
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return int(written) + children.ru_nvcsw + children.ru_nivcsw + len(log.getvalue())


if __name__ == '__main__':
    main()
