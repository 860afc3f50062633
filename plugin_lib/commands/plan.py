# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``fuel-infiniband plan``."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib import stages
from plugin_lib.commands import options as shared
from plugin_lib.views import plan

SUMMARY = 'show what apply would do, in order; changes nothing'


def arguments(parser):
    shared.root(parser)
    shared.astute(parser)
    shared.shape(parser)


def run(options):
    node = stages.Node(options.root, shared.published_data(options))
    return shared.show(options, plan, [stages.plan(node, stage) for stage in stages.ORDER])
