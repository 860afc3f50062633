# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``fuel-infiniband bootstrap build``, ``status``, ``restore`` and ``restart-nodes``, on the Fuel master."""
from __future__ import absolute_import, print_function, unicode_literals

import sys

from plugin_lib._compat import write
from plugin_lib.commands import options as shared
from plugin_lib.errors import EXIT_NOT_APPLIED, EXIT_OK

SUMMARY = 'the discovery image with InfiniBand, on the Fuel master'


def arguments(parser):
    actions = parser.add_subparsers(metavar='ACTION', dest='action')
    actions.required = True
    build = actions.add_parser('build', help='make the image')
    build.add_argument('--dry-run', action='store_true', help='tell what would be done, and change nothing')
    build.add_argument('--activate', action='store_true', help='have nodes boot it')
    status = actions.add_parser('status', help='tell which image nodes boot')
    shared.shape(status)
    actions.add_parser('restore', help='put back the image that was active before, and remove ours')
    actions.add_parser('restart-nodes', help='restart the nodes in status discover, so that they boot the active image')


def run(options):
    from plugin_lib import bootstrap_image as images
    from plugin_lib.bootstrap_image import nodes
    from plugin_lib.views import bootstrap as view
    if options.action == 'restart-nodes':
        return EXIT_OK if nodes.restart(_say) else EXIT_NOT_APPLIED
    master = images.this_master()
    if options.action == 'status':
        return shared.show(options, view, images.status(master))
    if options.action == 'restore':
        images.restore(master, _say)
    elif options.dry_run:
        for line in images.foresee(master):
            _say(line)
    else:
        images.build(master, options.activate, _say)
    return EXIT_OK


def _say(line):
    write(sys.stdout, line + '\n')
