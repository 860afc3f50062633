# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``fuel-infiniband drivers add``, ``drivers remove`` and ``drivers check``, on the Fuel master."""
from __future__ import absolute_import, print_function, unicode_literals

import sys

from plugin_lib._compat import to_text, write
from plugin_lib.commands import options as shared
from plugin_lib.errors import EXIT_CHECK_FAILED, EXIT_OK

SUMMARY = 'the driver packages in the plugin\'s repository on the Fuel master'


def arguments(parser):
    actions = parser.add_subparsers(metavar='ACTION', dest='action')
    actions.required = True
    add = actions.add_parser('add', help='verify package files, put them there and index them')
    add.add_argument('files', metavar='FILE', nargs='+', type=to_text,
                     help='a .deb of MLNX_OFED for the nodes, an .rpm for the discovery image of Fuel 6.1 and 7.0')
    remove = actions.add_parser('remove', help='take packages out again; nodes that have them keep them')
    remove.add_argument('files', metavar='FILE', nargs='+', type=to_text, help='as "drivers check" names it')
    check = actions.add_parser('check', help='tell what is missing, for each kernel')
    check.add_argument('--kernel', metavar='RELEASE', action='append', default=[], type=to_text, dest='kernels',
                       help='a kernel, beside the discovery image\'s, that nodes run, as uname -r says it; can repeat')
    shared.shape(check)


def run(options):
    from plugin_lib import installation
    if options.action in ('add', 'remove'):
        from plugin_lib.driver_repository import store
        change = store.add if options.action == 'add' else store.remove
        for line in change(installation.REPOSITORIES, options.files):
            write(sys.stdout, line + '\n')
        return EXIT_OK
    from plugin_lib.driver_repository import check, kernels
    from plugin_lib.views import findings
    found = check.check(installation.REPOSITORIES, kernels.known(options.kernels))
    shared.show(options, findings, found)
    return EXIT_CHECK_FAILED if findings.failed(found) else EXIT_OK
