# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Findings of the checks: one line each, ``OK``, ``WARN`` or ``FAIL`` first."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib import tables


def document(findings):
    # type: (list) -> dict
    """The findings for machines."""
    return {'ok': not failed(findings), 'findings': [dict(finding._asdict()) for finding in findings]}


def table(findings):
    # type: (list) -> str
    """The findings for people."""
    if not findings:
        return 'nothing to check: Fuel publishes no InfiniBand port for this node\n'
    return tables.render(['', 'what', 'finding', 'next'], findings)


def failed(findings):
    # type: (list) -> bool
    """Whether any finding is a FAIL."""
    return any(finding.level == 'FAIL' for finding in findings)
