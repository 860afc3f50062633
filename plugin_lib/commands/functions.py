# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``fuel-infiniband functions``, for the init system: see packaging/fuel-infiniband-sriov.*."""
from __future__ import absolute_import, print_function, unicode_literals

import time

from plugin_lib._compat import monotonic
from plugin_lib.errors import EXIT_OK

SUMMARY = 'give virtual functions what a reboot took from them; the init system calls this'

# The subnet manager may take its time to bring a port up and to give it its P_Keys: seconds.
TIMEOUT = 300.0
PAUSE = 5.0


def arguments(parser):
    pass


def run(_):
    from plugin_lib import hooks, stages
    from plugin_lib.cli import ASTUTE
    deadline = monotonic() + TIMEOUT
    node = stages.Node('/', ASTUTE)
    while True:
        complete = monotonic() >= deadline or all(finding.level == 'OK' for finding in stages.fabric(node))
        for stage in hooks.STAGES['passthrough']:
            stages.apply(node, stage, hooks.report)  # what is there already need not wait
        if complete:
            return EXIT_OK
        time.sleep(PAUSE)
