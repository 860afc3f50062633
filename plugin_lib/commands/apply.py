# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``fuel-infiniband apply``."""
from __future__ import absolute_import, print_function, unicode_literals

import sys

from plugin_lib import stages
from plugin_lib._compat import write
from plugin_lib.cli import ASTUTE
from plugin_lib.commands import options as shared
from plugin_lib.errors import EXIT_OK
from plugin_lib.hooks import report
from plugin_lib.views import plan

SUMMARY = 'configure this node; does nothing where nothing is to be done'

arguments = shared.astute


def run(options):
    node = stages.Node('/', ASTUTE if options.astute is None else options.astute)
    done = [outcome for stage in stages.ORDER for outcome in stages.apply(node, stage, report)]
    if not done:
        write(sys.stdout, plan.table([stages.plan(node, stage) for stage in stages.ORDER]))
    return EXIT_OK
