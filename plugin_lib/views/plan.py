# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Plans and what came of them: the ordered operations, and why each is needed."""
from __future__ import absolute_import, print_function, unicode_literals


def document(steps):
    # type: (tuple) -> dict
    """The steps for machines."""
    return {'steps': [{'stage': step.stage, 'subject': step.subject, 'reason': step.reason,
                       'operations': [operation.describe() for operation in step.operations]} for step in steps]}


def table(steps):
    # type: (tuple) -> str
    """The steps for people: a line a step, its operations below."""
    if not steps:
        return 'nothing to do: the node is as planned\n'
    lines = []
    for step in steps:
        lines.append('{0}: {1} ({2})\n'.format(step.stage, step.subject, step.reason))
        lines += ['  {0}\n'.format(operation.describe()) for operation in step.operations]
    return ''.join(lines)
