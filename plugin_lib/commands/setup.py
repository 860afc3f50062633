# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``fuel-infiniband setup``, on the Fuel master: the scripts of package 4.0.0 run it, 2.0.0 has no scripts."""
from __future__ import absolute_import, print_function, unicode_literals

import sys

from plugin_lib import installation
from plugin_lib._compat import write
from plugin_lib.errors import EXIT_OK

SUMMARY = 'after the plugin was installed or updated on the Fuel master: put this command on its path'


def arguments(parser):
    parser.add_argument('--remove', action='store_true', help='before the plugin is removed: undo all it did there')


def run(options):
    if options.remove:
        installation.take_down(lambda line: write(sys.stdout, line + '\n'))
    else:
        write(sys.stdout, installation.set_up())
    return EXIT_OK
