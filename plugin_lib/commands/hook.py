# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``fuel-infiniband hook``, for people: Fuel's own calls do not come through here, see ``cli.main``."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib import cli

SUMMARY = 'run a deployment task of the plugin'


def arguments(parser):
    parser.add_argument('name', choices=cli.HOOKS, metavar='NAME', help=', '.join(cli.HOOKS))


def run(options):
    return cli.run_hook(options.name)
