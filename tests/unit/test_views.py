# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What all texts for people have in common: names from elsewhere stay on their line and move no terminal's cursor."""
from __future__ import absolute_import, print_function, unicode_literals

import pytest

from plugin_lib import tables
from plugin_lib.planning.checks import Finding
from plugin_lib.planning.operations import LinkUp, Plan, Step
from plugin_lib.views import findings, plan

NAME = 'br\x1b[2J\x9b\nok'
SHOWN = 'br\\x1b[2J\\x9b\\x0aok'


@pytest.mark.parametrize('text', [
    tables.render(['endpoint'], [[NAME]]),
    findings.table([Finding('OK', NAME, NAME, NAME)]),
    plan.table([Plan((Step(NAME, NAME, NAME, (LinkUp('ib0'),)),), (NAME,))]),
], ids=['table', 'findings', 'plan'])
def test_control_characters_are_shown(text):
    assert SHOWN in text
    assert NAME not in text and '\x1b' not in text and '\x9b' not in text
