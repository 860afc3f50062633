# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The plugin's deployment tasks, as Fuel runs them: ``fuel-infiniband hook NAME``."""
from __future__ import absolute_import, print_function, unicode_literals

import sys

from plugin_lib import stages
from plugin_lib.errors import EXIT_CHECK_FAILED, EXIT_OK

# The stages that each hook applies; preflight and verify only look.
STAGES = {'drivers': ('packages', 'drivers'), 'vlans': ('vlans', 'service'), 'ovs': ('ovs',)}
CHECKS = {'preflight': stages.preflight, 'verify': stages.check}


def run(name, astute):
    # type: (str, str) -> int
    """Run a hook; returns the exit status.

    :param astute: the file of published data
    :raises InfinibandError: when the node could not be configured
    """
    node = stages.Node('/', astute)
    if name in CHECKS:
        return _check(CHECKS[name](node))
    done = [outcome for stage in STAGES[name] for outcome in stages.apply(node, stage, report)]
    if not done:
        sys.stdout.write('{0}: nothing to do\n'.format(name))
    return EXIT_OK


def report(outcome):
    # type: (object) -> None
    """A line about a step: what, why, and how it went."""
    step = outcome.step
    sys.stdout.write('{0}: {1} ({2}) {3}\n'.format(
        step.stage, step.subject, step.reason, 'failed' if outcome.error else 'done'))
    sys.stdout.flush()


def _check(findings):
    from plugin_lib.views import findings as view
    sys.stdout.write(view.table(findings))
    return EXIT_CHECK_FAILED if view.failed(findings) else EXIT_OK
