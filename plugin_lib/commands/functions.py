# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``fuel-infiniband functions``, for the init system: see packaging/fuel-infiniband-sriov.*.

A virtual function's P_Key table holds indexes of the port's.  When the subnet manager gives the port its keys at other
places, a guest has other keys from then on, so the tables follow: those of functions that a guest has, too, whoever has
configured them.  And one virtual function after the other is looked at, so that what somebody else has changed is seen
within as many seconds as there are: a free one gets back what it should have, of a guest's one it is known what is
meant.
"""
from __future__ import absolute_import, print_function, unicode_literals

import itertools
import os
import time

from plugin_lib.errors import EXIT_OK

SUMMARY = 'keep the P_Keys and GUIDs of virtual functions as they should be; the init system calls this'

# eipoibd is who the kernel tells of changes, and it replaces its status when it finds other keys or other places: each
# look at a port's table is a command to the firmware for every entry (mlx4_ib_query_pkey), too much for every second.
PAUSE = 1.0


def arguments(parser):
    pass


def run(_):
    from plugin_lib import guests, hooks, stages
    from plugin_lib.cli import ASTUTE
    from plugin_lib.daemon import locks
    from plugin_lib.paths import FUNCTIONS_LOCK, RUN_FOLDER
    todo, meant, repeated = hooks.STAGES['passthrough'], {}, False
    with locks.held(RUN_FOLDER, FUNCTIONS_LOCK, program='fuel-infiniband functions'):
        while True:
            node, seen = stages.Node('/', ASTUTE), _status()
            functions = guests.tables(node, node.host())
            done, meant = _follow(functions, meant)
            done += [outcome for stage in todo for outcome in stages.apply(node, stage, hooks.report)]
            if not node.settings.sriov:
                return EXIT_OK
            todo = ('vfs',)  # files of services are for Fuel's hooks while they run
            repeated = bool(done) and not repeated
            if repeated:
                continue  # what was read is of before it was changed
            turns = itertools.cycle([(function, each) for _, function in sorted(functions.items()) if function.hca
                                     for each in function.virtual])
            while _status() == seen and not _changed(node, *next(turns, ())):
                time.sleep(PAUSE)


def _follow(functions, meant):
    """Let the functions that guests have follow their keys; (what was done, what their entries mean then)."""
    from plugin_lib import hooks
    from plugin_lib.effect import sriov
    from plugin_lib.effect.apply import apply
    from plugin_lib.effect.executor import Executor
    from plugin_lib.planning import vfs
    from plugin_lib.planning.operations import WriteAttribute
    steps, means = vfs.follow(functions, meant)
    done = list(apply(steps, Executor(more={WriteAttribute: sriov.write})))
    for outcome in done:
        hooks.report(outcome)
        if outcome.error:
            raise outcome.error
    return done, means


def _changed(node, function=None, virtual=None):
    """Whether the tables of a virtual function, if there is any, are not as they were."""
    from plugin_lib.host import sriov
    from plugin_lib.host.sysfs import Reader
    return bool(virtual) and sriov.virtual_with_tables(Reader(node.source.tree), function, virtual) != virtual


def _status():
    """What tells one status of eipoibd from another, None without one."""
    from plugin_lib.paths import RUN_FOLDER, STATUS_FILE
    try:
        found = os.stat(os.path.join(RUN_FOLDER, STATUS_FILE))
    except EnvironmentError:
        return None
    return found.st_ino, found.st_mtime
