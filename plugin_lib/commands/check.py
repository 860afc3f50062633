# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``fuel-infiniband check``."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib import stages
from plugin_lib.commands import options as shared
from plugin_lib.errors import EXIT_CHECK_FAILED, EXIT_OK
from plugin_lib.views import findings

SUMMARY = 'check that environment, node and fabric agree'


def arguments(parser):
    shared.root(parser)
    shared.astute(parser)
    shared.shape(parser)


def run(options):
    found = stages.check(stages.Node(options.root, shared.published_data(options)))
    shared.show(options, findings, found)
    return EXIT_CHECK_FAILED if findings.failed(found) else EXIT_OK
