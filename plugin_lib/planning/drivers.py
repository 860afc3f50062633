# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The stage ``drivers``: modprobe's configuration, and the modules that are not loaded yet."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib import modes
from plugin_lib.errors import InfinibandError
from plugin_lib.host.state import EIPOIB_MODULES
from plugin_lib.planning.operations import LoadModule, Step, WriteFile

STAGE = 'drivers'
MODPROBE_FILE = '/etc/modprobe.d/fuel-infiniband.conf'


def modprobe_text(queue_size):
    # type: (int) -> str
    """The modprobe configuration for an IPoIB queue of ``queue_size`` entries.

    Every link of the chain is a softdep of its own: kmod does not keep the order
    of several modules in one ``post:``.  There is no port_type_array, so a port
    senses its link type (ConnectX-3).
    """
    lines = ['# Written by the Fuel plugin infiniband; its settings are in the Fuel UI.',
             'options ib_ipoib recv_queue_size={0} send_queue_size={0}'.format(queue_size)]
    lines += ['softdep {0} post: {1}'.format(first, then) for first, then in zip(EIPOIB_MODULES, EIPOIB_MODULES[1:])]
    return '\n'.join(lines) + '\n'


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
    wanted = modprobe_text(settings.queue_size)
    if current != wanted:
        steps.append(Step(STAGE, 'modprobe', 'Fuel publishes eth_ipoib on {0}'.format(', '.join(ports)),
                          (WriteFile(MODPROBE_FILE, wanted, 0o644, current),)))
    for name in EIPOIB_MODULES:
        if name not in modules.loaded:
            steps.append(Step(STAGE, name, 'not loaded', (LoadModule(name),)))
    return tuple(steps)


def lacking(missing, release, source):
    # type: (list, str, str) -> InfinibandError
    """The error for a kernel that lacks modules of the chain.

    eth_ipoib exists in MLNX_OFED only, which the plugin cannot redistribute.
    """
    todo = {'inbox': 'put the MLNX_OFED packages of this kernel into the plugin\'s repository on the master and choose '
                     '"repository" as driver source',
            'repository': 'put the packages of this kernel into the plugin\'s repository on the master'}[source]
    return InfinibandError('the InfiniBand drivers are not complete', '/lib/modules/{0}'.format(release),
                           'no module {0} for this kernel (driver source: {1})'.format(', '.join(missing), source),
                           todo)
