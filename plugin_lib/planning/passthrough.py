# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The stage ``passthrough``: nova and neutron know the virtual functions that guests may have.

Compute nodes list them for nova, one by one with their full PCI addresses: another plugin's, and those of other
devices, are not ours to give away.  Controllers schedule guests by them and bind their ports.  The driver of Open
vSwitch stays first, and the security groups of its ports as they are.
"""
from __future__ import absolute_import, print_function, unicode_literals

import json
from collections import namedtuple

from plugin_lib.errors import InputError, InputErrors
from plugin_lib.paths import PASSTHROUGH_NOTE
from plugin_lib.planning import sriov
from plugin_lib.planning.ini_edit import Add, Append, edit
from plugin_lib.planning.operations import Plan, RemoveFile, Step, WriteFile
from plugin_lib.planning.services import reconfigure

STAGE = 'passthrough'
ON, OFF = 'virtual functions for guests', 'no virtual functions for guests'
NOTE = 'Written by the Fuel plugin infiniband: it has edited configuration files of nova or neutron.\n'
NOVA = '/etc/nova/nova.conf'
ML2 = '/etc/neutron/plugins/ml2/ml2_conf.ini'
COMPUTE, SCHEDULER, SERVER = READERS = 'nova-compute', 'nova-scheduler', 'neutron-server'
FILTER = 'PciPassthroughFilter'
# Of nova in OpenStack Mitaka, nova/scheduler/host_manager.py; they count where the option is not set, as Fuel does.
DEFAULT_FILTERS = ('RetryFilter', 'AvailabilityZoneFilter', 'RamFilter', 'DiskFilter', 'ComputeFilter',
                   'ComputeCapabilitiesFilter', 'ImagePropertiesFilter', 'ServerGroupAntiAffinityFilter',
                   'ServerGroupAffinityFilter')
# The driver for InfiniBand: networking-mlnx's, and neutron's own before that (OpenStack Juno).
MECHANISMS = ('mlnx_infiniband', 'mlnx')
CONTROLLERS = ('primary-controller', 'controller')


class Services(namedtuple('Services', 'nova ml2 note mechanisms pending')):
    """What nova and neutron have.

    :param nova: text of NOVA, None when there is no such file
    :param ml2: text of ML2, None likewise
    :param note: text of PASSTHROUGH_NOTE, None likewise: it tells that there is something to be put back
    :param mechanisms: names of the mechanism drivers that are installed, on controllers
    :param pending: names of services that have to be restarted
    """

    __slots__ = ()


def plan(published, settings, host, functions, services):
    # type: (object, object, object, dict, Services) -> Plan
    """The Steps after which nova and neutron offer the virtual functions that there are, and no other.

    :param functions: {PCI address: host.sriov.Function} of the carriers
    :param services: Services
    :raises InputErrors: every file that cannot be edited, and where neutron has no driver for InfiniBand
    """
    is_on = settings.sriov and sriov.private_role(published) is not None
    steps, findings, ours = [], [], False
    refused = _without_mechanism(published, services) if is_on else []
    for path, text, changes, readers in (
            (NOVA, services.nova) + _of_nova(published, host, functions, is_on),
            (ML2, services.ml2) + _of_neutron(published, services.mechanisms, is_on)):
        if text is None:
            findings += ['{0}: not there yet: its service is not installed'.format(path)] if changes else []
            continue
        try:
            operations = reconfigure(path, text, edit(text, changes, path), readers, services.pending)
        except InputError as error:
            refused.append(error)
            continue
        ours = ours or bool(changes)
        if operations:
            steps.append(Step(STAGE, path, ON if changes else OFF, operations))
    if refused:
        raise InputErrors(refused)
    if ours and services.note is None:
        steps.insert(0, Step(STAGE, 'note', ON, (WriteFile(PASSTHROUGH_NOTE, NOTE, 0o644, None),)))
    elif services.note is not None and not ours:
        steps.append(Step(STAGE, 'note', OFF, (RemoveFile(PASSTHROUGH_NOTE, services.note, 0o644),)))
    return Plan(tuple(steps), tuple(findings))


def _of_nova(published, host, functions, is_on):
    """(changes of nova's file, services that read it)."""
    changes, readers = (), ()
    if sriov.has_guests(published):
        readers += (COMPUTE,)
        changes += _whitelist(published, host, functions) if is_on else ()
    if is_controller(published):
        readers += (SCHEDULER,)
        changes += (Append('DEFAULT', 'scheduler_default_filters', FILTER, DEFAULT_FILTERS),) if is_on else ()
    return changes, readers


def _of_neutron(published, mechanisms, is_on):
    """(changes of neutron's file, services that read it)."""
    if not is_controller(published):
        return (), ()
    offered = [name for name in MECHANISMS if name in mechanisms]
    changes = tuple(Append('ml2', 'mechanism_drivers', name, ()) for name in offered[:1]) if is_on else ()
    return changes, (SERVER,)


def _without_mechanism(published, services):
    if not is_controller(published) or services.ml2 is None or services.mechanisms.intersection(MECHANISMS):
        return []
    return [InputError(
        sriov.WHAT, ML2, 'neutron has no mechanism driver for InfiniBand ({0})'.format(', '.join(MECHANISMS)),
        'put the package of networking-mlnx into a repository of the environment and install it on the controllers')]


def is_controller(published):
    # type: (object) -> bool
    """Whether the services that schedule guests and bind their ports run on the node."""
    return any(role in CONTROLLERS for role in published.node_roles)


def _whitelist(published, host, functions):
    network = published.physical_networks[sriov.private_role(published).endpoint].name
    addresses = sorted(set(carrier.pci for carrier in sriov.carriers(published, host)))
    return tuple(Add('DEFAULT', 'pci_passthrough_whitelist', json.dumps(
        {'address': virtual.pci, 'physical_network': network}, sort_keys=True))
        for pci in addresses if pci in functions for virtual in functions[pci].virtual)
