# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``fuel-infiniband capture``."""
from __future__ import absolute_import, print_function, unicode_literals

import sys

from plugin_lib._compat import to_text, write
from plugin_lib.commands import options as shared
from plugin_lib.errors import EXIT_OK
from plugin_lib.host import capture, source

SUMMARY = 'record this machine, to replay it elsewhere with --root; no secrets'


def arguments(parser):
    shared.root(parser)
    parser.add_argument('directory', metavar='DIR', type=to_text, help='a new folder')


def run(options):
    capture.capture(source.open_root(options.root), options.directory, capture.written_by_us(options.root))
    write(sys.stdout, 'recorded this machine in {0}; look at it with: fuel-infiniband discover --root {0}\n'.format(
        options.directory))
    return EXIT_OK
