# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Plans: the ordered operations and why each is needed, and what is found and left as it is."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib._compat import printable


def document(plans):
    # type: (list) -> dict
    """The Plans of the stages for machines."""
    return {'steps': [{'stage': step.stage, 'subject': step.subject, 'reason': step.reason,
                       'operations': _described(step)}
                      for plan in plans for step in plan.steps],
            'findings': [line for plan in plans for line in plan.findings]}


def table(plans):
    # type: (list) -> str
    """The Plans of the stages for people: a line a step, its operations below; then what is left as it is."""
    lines = []
    for plan in plans:
        for step in plan.steps:
            lines.append('{0}: {1} ({2})'.format(step.stage, step.subject, step.reason))
            lines += ['  {0}'.format(line) for line in _described(step)]
    if not lines:
        lines.append('nothing to do: {0}'.format(
            'but see what was found' if any(plan.findings for plan in plans) else 'the node is as planned'))
    lines += ['found: {0}'.format(line) for plan in plans for line in plan.findings]
    return ''.join(printable(line) + '\n' for line in lines)


def _described(step):
    """What a step's operations do, line by line: that of Open vSwitch has one for each change."""
    return [line for operation in step.operations for line in operation.describe().splitlines()]
