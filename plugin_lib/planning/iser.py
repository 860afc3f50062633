# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The stage ``rdma``: Cinder offers its LVM volumes over iSER at the address that storage has, computes can take them.

Cinder reads a volume driver's options in the sections that ``enabled_backends`` names, and in DEFAULT where it names
none (Fuel 6.1 to 8.0).  Since Kilo (7.0) iSER is a protocol of the LVM driver; in Juno (6.1) it is a driver of its own,
with an address option of its own (cinder/volume/drivers/lvm.py).
"""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib.errors import InputError, InputErrors
from plugin_lib.host.state import RDMA_MODULES
from plugin_lib.paths import RDMA_MODULES_FILE
from plugin_lib.planning import ini_edit
from plugin_lib.planning.file_operations import rewritten
from plugin_lib.planning.operations import LoadModule, Plan, Step
from plugin_lib.planning.services import reconfigure

STAGE = 'rdma'
CINDER_FILE = '/etc/cinder/cinder.conf'
CINDER_SERVICE = 'cinder-volume'

INITIATOR, TARGET_OF_TGT, TARGET_OF_LIO = RDMA_MODULES

_LVM_DRIVERS = ('LVMVolumeDriver', 'LVMISCSIDriver', 'LVMISERDriver')
_JUNO_DRIVER = 'cinder.volume.drivers.lvm.LVMISERDriver'


def plan(published, moves, text, pending, modules_text, loaded):
    # type: (object, tuple, str, frozenset, str, frozenset) -> Plan
    """The Plan.

    :param moves: tuple of storage.Moves; none: everything is put back
    :param text: of CINDER_FILE, None where there is no Cinder
    :param pending: names of the services that have not read their configuration yet
    :param modules_text: of RDMA_MODULES_FILE, None when it does not exist
    :param loaded: names of those of RDMA_MODULES that are loaded
    :raises InputErrors: when Cinder's file is not understood
    """
    try:
        backends = _backends(text) if text is not None and moves else []
        changes = tuple(change for section in backends
                        for change in _changes(section, text, published.release, _address(published, moves)))
        wanted = text and ini_edit.edit(text, changes, CINDER_FILE)
    except InputError as error:
        raise InputErrors([error])
    modules = _modules(published, moves, text, backends)
    steps = []
    operations = _modules_file(modules, modules_text)
    operations += tuple(LoadModule(name) for name in modules if name not in loaded)
    if operations:
        steps.append(Step(STAGE, 'modules', _reason(moves), operations))
    operations = reconfigure(CINDER_FILE, text, wanted, (CINDER_SERVICE,), pending)
    if operations:
        steps.append(Step(STAGE, CINDER_SERVICE, _reason(moves), operations))
    if not moves:
        steps.reverse()  # its modules file tells that there is something to put back
    return Plan(tuple(steps), ())


def _reason(moves):
    return 'storage uses RDMA' if moves else 'storage uses RDMA no longer'


def _backends(text):
    """Names of the sections of LVM backends."""
    enabled = _last(text, 'DEFAULT', 'enabled_backends')
    names = [name.strip() for name in enabled.split(',') if name.strip()] if enabled else ['DEFAULT']
    return [name for name in names if _is_lvm(text, name)]


def _is_lvm(text, section):
    driver = _last(text, section, 'volume_driver')
    if driver:
        return driver.rpartition('.')[2] in _LVM_DRIVERS
    return bool(_last(text, section, 'volume_group'))  # then it is Cinder's default driver


def _changes(section, text, release, address):
    changes = (ini_edit.Set(section, 'iscsi_ip_address', address),)
    if release == '6.1':
        return changes + (ini_edit.Set(section, 'volume_driver', _JUNO_DRIVER),
                          ini_edit.Set(section, 'iser_ip_address', address))
    return changes + (ini_edit.Set(section, 'iscsi_protocol', 'iser'),)


def _address(published, moves):
    """The address of cinder/iscsi, else of storage: Fuel 6.1 has that role alone."""
    moved = [move.endpoint for move in moves]
    for name in ('cinder/iscsi', 'storage'):
        role = published.roles.get(name)
        if role and role.endpoint in moved:
            return role.ip[0].partition('/')[0]
    return moves[0].addresses[0].partition('/')[0]


def _modules(published, moves, text, backends):
    modules = []
    if moves and ('compute' in published.node_roles or backends):
        modules.append(INITIATOR)  # Cinder attaches volumes too, to copy images
    for section in backends:
        helper = _last(text, section, 'iscsi_helper') or _last(text, 'DEFAULT', 'iscsi_helper')
        target = TARGET_OF_LIO if helper == 'lioadm' else TARGET_OF_TGT
        modules += [target] if target not in modules else []
    return modules


def _modules_file(modules, current):
    wanted = '# Written by the Fuel plugin infiniband: storage over RDMA.\n' + ''.join(
        name + '\n' for name in modules) if modules else None
    return rewritten(RDMA_MODULES_FILE, current, wanted)


def _last(text, section, name):
    found = ini_edit.values(text, section, name, CINDER_FILE)
    return found[-1] if found else None
