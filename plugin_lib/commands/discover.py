# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``fuel-infiniband discover``."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib.commands import options as shared
from plugin_lib.host import machine, source
from plugin_lib.views import discover

SUMMARY = 'show the interfaces, HCA ports and P_Keys of the machine'


def arguments(parser):
    shared.root(parser)
    shared.shape(parser)


def run(options):
    return shared.show(options, discover, machine.read(source.open_root(options.root)))
