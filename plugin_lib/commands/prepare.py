# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``fuel-infiniband prepare``, for ifupdown: see packaging/if-pre-up."""
from __future__ import absolute_import, print_function, unicode_literals

import os

from plugin_lib._compat import monotonic, readable, to_text
from plugin_lib.errors import EXIT_OK

SUMMARY = 'make the interface that storage uses as it was before a reboot; ifupdown calls this'

# The driver may still be looking for its ports while the init system brings networks up.
TIMEOUT = 60.0


def arguments(parser):
    parser.add_argument('interface', metavar='INTERFACE', type=to_text)


def run(options):
    from plugin_lib.daemon import locks
    from plugin_lib.effect.apply import apply
    from plugin_lib.effect.executor import Executor
    from plugin_lib.host import machine, source, storage
    from plugin_lib.paths import RUN_FOLDER
    from plugin_lib.planning import storage_steps
    live = source.open_root()
    links = [link for link in machine.read(live).storage if link.name == options.interface and link.mode]
    for link in links:
        _wait_for(link.parent or link.name)
        with locks.held(RUN_FOLDER, locks.PASS, locks.PASS_TIMEOUT):
            steps = storage_steps.links_up(links, machine.read(live), storage.modes(live.tree, [link.name]))
            for outcome in apply(steps, Executor()):
                if outcome.error:
                    raise outcome.error
    return EXIT_OK


def _wait_for(name):
    """Wait until an interface is there; what follows says what is wrong when it never comes."""
    from plugin_lib.host import links, netlink
    connection = links.subscribe()
    try:
        deadline = monotonic() + TIMEOUT
        while not os.path.exists('/sys/class/net/' + name) and monotonic() < deadline:
            if readable([connection], max(0.0, min(1.0, deadline - monotonic()))):
                netlink.drain(connection)
    finally:
        connection.close()
