# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``fuel-infiniband status``."""
from __future__ import absolute_import, print_function, unicode_literals

import os

from plugin_lib.commands import options as shared
from plugin_lib.daemon import main as eipoibd
from plugin_lib.daemon import status
from plugin_lib.views import status as view

SUMMARY = 'show what eipoibd serves'


def arguments(parser):
    shared.root(parser)
    shared.shape(parser)


def run(options):
    return shared.show(options, view, status.read(os.path.join(options.root, eipoibd.RUN_FOLDER.lstrip('/'))))
