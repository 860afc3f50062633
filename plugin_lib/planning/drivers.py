# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The stage ``drivers``: modprobe's configuration, and the modules that are not loaded yet."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib import modes
from plugin_lib.errors import InfinibandError
from plugin_lib.host.state import EIPOIB_MODULES
from plugin_lib.paths import MODPROBE_FILE
from plugin_lib.planning import modprobe
from plugin_lib.planning.operations import LoadModule, Step, WriteFile

STAGE = 'drivers'


def plan(published, settings, modules, current):
    # type: (object, object, object, str) -> tuple
    """The Steps that make the drivers of a node ready.

    :param published: Published of the node; without an InfiniBand port nothing is to be done
    :param settings: Settings
    :param modules: host.state.Modules
    :param current: the text of MODPROBE_FILE, None when it does not exist
    :raises InfinibandError: when the running kernel lacks a module of the chain
    """
    ports = sorted(nic.name for nic in published.interfaces.values() if nic.mode == modes.INFINIBAND)
    if not ports:
        return ()
    missing = [name for name in EIPOIB_MODULES if name not in modules.available]
    if missing:
        raise lacking(missing, modules.release, settings.driver_source)
    steps = []
    wanted = modprobe.text(settings.queue_size)
    if current != wanted:
        steps.append(Step(STAGE, 'modprobe', 'Fuel publishes eth_ipoib on {0}'.format(', '.join(ports)),
                          (WriteFile(MODPROBE_FILE, wanted, 0o644, current),)))
    for name in EIPOIB_MODULES:
        if name not in modules.loaded:
            steps.append(Step(STAGE, name, 'not loaded', (LoadModule(name),)))
    return tuple(steps)


def lacking(missing, release, source, others=()):
    # type: (list, str, str, list) -> InfinibandError
    """The error for a kernel that lacks modules of the chain.

    eth_ipoib exists in MLNX_OFED only, which the plugin cannot redistribute.

    :param others: the kernels that the plugin's repository has modules for instead
    """
    why = 'no module {0} for this kernel (driver source: {1})'.format(', '.join(missing), source)
    if 'eth_ipoib' in missing and source == 'inbox':
        why += '; EIPOIB needs eth_ipoib, which only MLNX_OFED has'
    if others:
        why += '; the plugin\'s repository has modules for {0}'.format(', '.join(others))
    todo = 'add the MLNX_OFED packages of this kernel on the master: fuel-infiniband drivers add FILE...'
    if source == 'inbox':
        todo += '; choose "Packages in the repository of the plugin" as drivers'
    return InfinibandError('the InfiniBand drivers are not complete', '/lib/modules/{0}'.format(release), why, todo)
