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
    environment_option(parser)


def environment_option(parser):
    # type: (object) -> None
    """``--environment DIR|JSON``; see :func:`members`."""
    parser.add_argument('--environment', metavar='DIR|JSON', type=to_text,
                        help='look at a whole environment instead: a folder for each node, with its astute.yaml (or '
                        'what roles --format json prints, as roles.json) and its /run/eipoibd/status.json; or all in '
                        'one JSON file: {"format": 1, "nodes": {NAME: {"roles": {...}, "status": {...}}}}')


def run(options):
    if options.environment:
        from plugin_lib.planning import environment_checks
        found = environment_checks.findings(members(options))
    else:
        found, _ = node(options)
    shared.show(options, findings, found)
    return EXIT_CHECK_FAILED if findings.failed(found) else EXIT_OK


def node(options):
    # type: (object) -> tuple
    """(Findings, environment.Member) of the node that the options name."""
    from plugin_lib import environment, stages
    node = stages.Node(options.root, shared.published_data(options))
    return stages.check(node), environment.of_node(node.published, node.host())


def members(options):
    # type: (object) -> list
    """The environment.Members that ``--environment`` names; tells on a terminal how far it is."""
    from plugin_lib import environment
    return environment.read(options.environment, _progress if sys.stderr.isatty() else None)


def _progress(done, count):
    sys.stderr.write('\r{0} of {1} nodes read{2}'.format(done, count, '\n' if done == count else ''))
