# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``fuel-infiniband report``."""
from __future__ import absolute_import, print_function, unicode_literals

import sys
import time

from plugin_lib._compat import to_text, write
from plugin_lib.commands import check
from plugin_lib.commands import options as shared
from plugin_lib.effect.files import write_atomically
from plugin_lib.errors import EXIT_OK, ApplyError
from plugin_lib.planning import environment_checks
from plugin_lib.views import report

SUMMARY = 'make a page for a browser about a node or a whole environment'
WHAT = 'cannot write the report'


def arguments(parser):
    shared.root(parser)
    shared.astute(parser)
    check.environment_option(parser)
    parser.add_argument('-o', '--output', metavar='FILE', type=to_text, required=True, help='the HTML file to write')


def run(options):
    shared.require_folder(options.output, WHAT)
    when = time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())
    if options.environment:
        members = check.members(options)
        findings, title = environment_checks.findings(members), 'environment of {0} nodes'.format(len(members))
    else:
        findings, member = check.node(options)
        members, title = [member], member.name
    gaps = dict(((member.name, nic), environment_checks.gaps(member, nic))
                for member in members for nic in member.needs)
    text = report.page(title, when, findings, members, gaps)
    try:
        write_atomically(options.output, text, 0o644)
    except EnvironmentError as error:
        raise ApplyError(WHAT, options.output, error.strerror, 'name another file', error.errno)
    write(sys.stdout, 'written: {0}\n'.format(options.output))
    return EXIT_OK
