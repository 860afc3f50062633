# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The plugin's deployment tasks, as Fuel runs them: ``fuel-infiniband hook NAME``.

Fuel runs them on every node, so what only some nodes need is imported late.
"""
from __future__ import absolute_import, print_function, unicode_literals

import io
import os
import sys

from plugin_lib import modes
from plugin_lib._compat import write
from plugin_lib.errors import EXIT_CHECK_FAILED, EXIT_OK
from plugin_lib.paths import (
    OWN_HIERA_FILE,
    PASSTHROUGH_NOTE,
    RDMA_MODULES_FILE,
    SHARED_HIERA_FILE,
    SRIOV_MEMORY,
    STORAGE_NOTES,
)

# The stages that each hook applies; preflight and verify only look.
STAGES = {'drivers': ('packages', 'drivers'), 'vlans': ('vlans', 'service'), 'storage': ('storage',), 'ovs': ('ovs',),
          'sriov': ('sriov', 'vfs'), 'rdma': ('rdma',), 'passthrough': ('sriov', 'vfs', 'passthrough')}
# Hooks that a setting switches on, on Ethernet ports too, and the files by which they know what is to be put back.
SWITCHED = {'storage': (b'storage_rdma', (STORAGE_NOTES, OWN_HIERA_FILE, SHARED_HIERA_FILE)),
            'rdma': (b'storage_rdma', (RDMA_MODULES_FILE,)),
            'sriov': (b'sriov', (SRIOV_MEMORY,)), 'passthrough': (b'sriov', (SRIOV_MEMORY, PASSTHROUGH_NOTE))}
# Hooks whose stages leave something to the operator: a reboot, what contradicts the network scheme.
TELLING = ('storage', 'ovs', 'sriov', 'passthrough')


def run(name, astute):
    # type: (str, str) -> int
    """Run a hook; returns the exit status.

    :param astute: the file of published data
    :raises InfinibandError: when the node could not be configured
    """
    if name not in STAGES:
        return _run(name, astute)[0]
    why = _why_idle(name, astute)
    if why:
        write(sys.stdout, '{0}: nothing to do, {1}\n'.format(name, why))
        return EXIT_OK
    from plugin_lib.receipts import Receipt
    receipt = Receipt(name, astute, 'ovs' in STAGES[name])
    if receipt.holds():
        write(sys.stdout, '{0}: nothing to do, as before: nothing has changed\n'.format(name))
        return EXIT_OK
    status, settled = _run(name, astute)
    receipt.keep(settled)
    return status


def _run(name, astute):
    """(exit status, whether there was nothing to do and nothing to say)."""
    from plugin_lib import stages
    node = stages.Node('/', astute)
    if name in STAGES:
        done = [outcome for stage in STAGES[name] for outcome in stages.apply(node, stage, report)]
        if not done:
            write(sys.stdout, '{0}: nothing to do\n'.format(name))
        telling = STAGES[name] if name in TELLING else ()
        # What was done may be told otherwise now: virtual functions that were asked for wait for a reboot.
        plans = [stages.plan(node, stage) if done else node.planned.get(stage, stages.NOTHING) for stage in telling]
        told = [line for plan in plans for line in plan.findings]
        write(sys.stdout, ''.join('found: {0}\n'.format(line) for line in told))
        if name != 'vlans':
            return EXIT_OK, not (done or told)
        # On a first deployment there are no P_Keys to look at before this hook, and networks are configured after it.
        findings = stages.fabric(node)
        return _show(findings), not done and all(finding.level == 'OK' for finding in findings)
    if name == 'preflight':
        return _show(stages.preflight(node)), False
    return _show(stages.check(node, [stage for stage in stages.ORDER if stage not in stages.AFTER_SERVICES])), False


def report(outcome):
    # type: (object) -> None
    """A line about a step: what, why, and how it went."""
    step = outcome.step
    write(sys.stdout, '{0}: {1} ({2}) {3}\n'.format(step.stage, step.subject, step.reason, outcome.line()))


def _why_idle(name, astute):
    """Why a hook has nothing to do, told from the raw bytes of published data; None when it has to look."""
    try:
        with io.open(astute, 'rb') as stream:
            raw = stream.read()
    except EnvironmentError:
        raw = b''
    if b'network_scheme' not in raw:
        return None  # reading it in earnest says what is wrong with it
    if name in SWITCHED:
        setting, traces = SWITCHED[name]
        is_on = any(_may_be_on(rest) for rest in raw.split(setting)[1:])
        return None if is_on or any(os.path.exists(path) for path in traces) else 'it is not switched on'
    if not modes.may_name_infiniband(raw):
        return 'Fuel publishes no InfiniBand port for this node'
    return None


def _may_be_on(rest):
    """Of what follows a setting's name; without a regular expression, since these take longer to come than to look."""
    rest = rest.lstrip(b'"\'')
    return rest.startswith(b':') and not rest[1:].lstrip(b' ').startswith(b'false')


def _show(findings):
    from plugin_lib.views import findings as view
    write(sys.stdout, view.table(findings))
    return EXIT_CHECK_FAILED if view.failed(findings) else EXIT_OK
