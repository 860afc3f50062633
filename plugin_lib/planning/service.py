# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The stage ``service``: eipoibd's configuration, and eipoibd running."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib.paths import CONFIG_FILE
from plugin_lib.planning.operations import StartService, Step, WriteFile

STAGE = 'service'
NAME = 'eipoibd'


def config_text(settings):
    # type: (object) -> str
    """eipoibd's configuration file for the plugin's Settings."""
    return ('# Written by the Fuel plugin infiniband; its settings are in the Fuel UI.\n'
            '[eipoibd]\n'
            'resync_interval = {0.resync_interval}\n'
            'queue_size = {0.queue_size}\n'.format(settings))


def plan(settings, current, running):
    # type: (object, str, bool) -> tuple
    """The Steps after which eipoibd runs with the plugin's settings.

    :param current: the text of CONFIG_FILE, None when it does not exist
    :param running: whether eipoibd runs
    """
    wanted = config_text(settings)
    operations = ()
    if current != wanted:
        operations += (WriteFile(CONFIG_FILE, wanted, 0o644, current),)
    if operations or not running:
        reason = 'its configuration changed' if operations else 'it does not run'
        return (Step(STAGE, NAME, reason, operations + (StartService(NAME, running),)),)
    return ()
