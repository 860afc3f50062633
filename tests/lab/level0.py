# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The demo where nothing may be made: eipoibd's pass over the kernel model, in memory."""
import tempfile

from plugin_lib.daemon.convergence import converge
from plugin_lib.effect.executor import Executor
from plugin_lib.effect.ledger import Ledger
from plugin_lib.tables import render
from tests.lab.astute import PKEYS
from tests.model.kernel import Kernel


def show(screen):
    """Two passes over a modelled node: the first makes every VLAN, the second finds nothing to do."""
    kernel = Kernel()
    port = kernel.add_hca('mlx4_0').ports[1]
    port.set_pkeys(PKEYS)
    kernel.add_ipoib('ib0', port)
    kernel.add_eipoib('eth4', 'ib0')
    with tempfile.TemporaryDirectory(prefix='infiniband-level0-') as folder:
        ledger = Ledger(f'{folder}/children.json')
        executor = Executor(kernel.tree, kernel.write, kernel)
        first = converge(kernel, executor, ledger)
        second = converge(kernel, executor, ledger)
    for finding in first.findings:
        screen.text(finding.line())
    screen.text(render(('slave', 'MAC', 'VLAN', 'P_Key'),
                       [(slave, mac, 'untagged' if vlan < 0 else vlan, f'0x{pkey:04x}')
                        for slave, mac, vlan, pkey in kernel.vifs('eth4')]))
    screen.step('first pass', not first.errors and len(kernel.vifs('eth4')) == len(PKEYS),
                f'{len(first.outcomes)} steps, {len(kernel.vifs("eth4"))} vifs')
    screen.step('second pass', not second.outcomes, f'{len(second.outcomes)} steps')
