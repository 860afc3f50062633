# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Findings of the checks: a line each, ``OK``, ``WARN`` or ``FAIL`` first, and below it what to do."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib._compat import printable


def document(findings):
    # type: (list) -> dict
    """The findings for machines."""
    return {'ok': not failed(findings), 'findings': [dict(finding._asdict()) for finding in findings]}


def table(findings):
    # type: (list) -> str
    """The findings for people."""
    lines = []
    for finding in findings:
        lines.append(printable('{0:<4}  {1}: {2}'.format(*finding)))
        lines += [printable('      next: {0}'.format(finding.todo))] if finding.todo else []
    levels = [finding.level for finding in findings]
    counts = tuple('{0} {1}'.format(levels.count(level), level) for level in ('OK', 'WARN', 'FAIL'))
    return ''.join(line + '\n' for line in lines) + ', '.join(counts) + '\n'


def failed(findings):
    # type: (list) -> bool
    """Whether any finding is a FAIL."""
    return any(finding.level == 'FAIL' for finding in findings)
