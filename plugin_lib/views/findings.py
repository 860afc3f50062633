# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Findings of the checks: a line each, ``OK``, ``WARN`` or ``FAIL`` first, and below it what to do."""
from __future__ import absolute_import, print_function, unicode_literals


def document(findings):
    # type: (list) -> dict
    """The findings for machines."""
    return {'ok': not failed(findings), 'findings': [dict(finding._asdict()) for finding in findings]}


def table(findings):
    # type: (list) -> str
    """The findings for people."""
    lines = []
    for finding in findings:
        lines.append('{0:<4}  {1}: {2}\n'.format(*finding))
        lines += ['      next: {0}\n'.format(finding.todo)] if finding.todo else []
    levels = [finding.level for finding in findings]
    counts = tuple('{0} {1}'.format(levels.count(level), level) for level in ('OK', 'WARN', 'FAIL'))
    return ''.join(lines) + ', '.join(counts) + '\n'


def failed(findings):
    # type: (list) -> bool
    """Whether any finding is a FAIL."""
    return any(finding.level == 'FAIL' for finding in findings)
