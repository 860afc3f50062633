# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``fuel-infiniband roles``."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib import published
from plugin_lib.commands import options as shared
from plugin_lib.views import roles

SUMMARY = 'show the interfaces and network roles that Fuel publishes'


def arguments(parser):
    shared.root(parser)
    shared.astute(parser)
    shared.shape(parser)


def run(options):
    return shared.show(options, roles, published.read(shared.published_data(options)))
