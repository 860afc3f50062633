# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``fuel-infiniband check``."""
from __future__ import absolute_import, print_function, unicode_literals

import sys

from plugin_lib._compat import to_text
from plugin_lib.commands import options as shared
from plugin_lib.errors import EXIT_CHECK_FAILED, EXIT_OK
from plugin_lib.views import findings

SUMMARY = 'check that environment, node and fabric agree'


def arguments(parser):
    shared.root(parser)
    shared.astute(parser)
    shared.shape(parser)
    parser.add_argument('--environment', metavar='DIR|JSON', type=to_text,
                        help='check a whole environment instead: a folder for each node, with its astute.yaml (or what '
                        'roles --format json prints, as roles.json) and its /run/eipoibd/status.json; or all in one '
                        'JSON file: {"format": 1, "nodes": {NAME: {"roles": {...}, "status": {...}}}}')


def run(options):
    found = _environment(options.environment) if options.environment else _node(options)
    shared.show(options, findings, found)
    return EXIT_CHECK_FAILED if findings.failed(found) else EXIT_OK


def _node(options):
    from plugin_lib import stages
    return stages.check(stages.Node(options.root, shared.published_data(options)))


def _environment(path):
    from plugin_lib import environment
    from plugin_lib.planning import environment_checks
    return environment_checks.findings(environment.read(path, _progress if sys.stderr.isatty() else None))


def _progress(done, count):
    sys.stderr.write('\r{0} of {1} nodes read{2}'.format(done, count, '\n' if done == count else ''))
