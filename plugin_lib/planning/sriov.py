# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The stage ``sriov``: how many virtual functions the devices under the private network have.

mlx4_core makes them when it is loaded, as its option num_vfs says; other drivers when sriov_numvfs is written.  What a
device had before is kept in SRIOV_MEMORY, so that it gets it back when the setting is off or the private network moves.
"""
from __future__ import absolute_import, print_function, unicode_literals

import json
from collections import namedtuple

from plugin_lib import modes
from plugin_lib.errors import InputError, InputErrors
from plugin_lib.host.sriov import DEVICES, MLX4, MLX5, is_address
from plugin_lib.paths import SRIOV_MEMORY
from plugin_lib.planning.file_operations import rewritten
from plugin_lib.planning.operations import Plan, Step, WriteAttribute

STAGE = 'sriov'
MODPROBE_FILE = '/etc/modprobe.d/fuel-infiniband-sriov.conf'
PRIVATE_ROLES = ('neutron/private', 'private')  # since Fuel 7.0, and in 6.1
GUEST_ROLE = 'compute'
# What libvirt binds to a function that it gives to a guest.
GUEST_DRIVERS = ('vfio-pci', 'pci-stub')
WHAT = 'cannot give virtual functions to guests'


class Carrier(namedtuple('Carrier', 'interface pci port')):
    """An InfiniBand port under the private network: published interface, PCI address of its HCA, port number.

    The address is None where it cannot be told, the number where the drivers are not loaded yet.
    """

    __slots__ = ()


class Files(namedtuple('Files', 'memory modprobe others')):
    """The files that count, as texts, None where they do not exist.

    :param memory: SRIOV_MEMORY
    :param modprobe: MODPROBE_FILE
    :param others: {path: text} of modprobe's other configuration
    """

    __slots__ = ()


def private_role(published):
    # type: (object) -> object
    """The Role of the guests' networks, None without one: Neutron has it with VLAN segmentation only."""
    roles = [published.roles[name] for name in PRIVATE_ROLES if name in published.roles]
    return next((role for role in roles if role.endpoint in published.physical_networks), None)


def has_guests(published):
    # type: (object) -> bool
    """Whether guests run on the node."""
    return GUEST_ROLE in published.node_roles


def carriers(published, host):
    # type: (object, object) -> tuple
    """The Carriers of the private network, by interface.

    The way leads from the interface that Fuel publishes to its EIPOIB interface, the IPoIB interface under that, and
    the HCA port under that; before the drivers are loaded a published bus_info may tell the device.
    """
    role = private_role(published)
    found = []
    for name in role.interfaces if role else ():
        nic = published.interfaces.get(name)
        if nic is None or nic.mode != modes.INFINIBAND:
            continue
        port = host.port_of(host.eipoibs[name]) if name in host.eipoibs else None
        if port:
            found.append(Carrier(name, port.pci, port.number))
        else:
            found.append(Carrier(name, nic.bus_info if is_address(nic.bus_info) else None, None))
    return tuple(found)


def problems(published, settings, host, functions, others):
    # type: (object, object, object, dict, dict) -> list
    """Every InputError that says why ``sriov`` cannot work on this node; empty where it can, or is off.

    :param functions: {PCI address: host.sriov.Function} of the carriers
    :param others: {path: text} of modprobe's other configuration
    """
    if not settings.sriov:
        return []
    role = private_role(published)
    if role is None:
        return [_refuse(published.path, 'this environment has no private network with a VLAN range: virtual functions '
                        'need Neutron with VLAN segmentation, not nova-network or tunnels',
                        'disable SR-IOV in the settings of the plugin, or make an environment with VLAN segmentation')]
    found = [_refuse('{0} -> {1}'.format(published.path, name), 'the private network is on {0} (driver {1}), which is '
                     'no InfiniBand port'.format(name, nic.driver if nic else None),
                     'put the private network on an InfiniBand port, or disable SR-IOV')
             for name, nic in ((name, published.interfaces.get(name)) for name in role.interfaces)
             if nic is None or nic.mode != modes.INFINIBAND]
    if not role.interfaces:
        found.append(_refuse(published.path, 'the private network is on no interface', 'give it an InfiniBand port'))
    if not has_guests(published):
        return found
    for carrier in carriers(published, host):
        if carrier.pci is None and carrier.interface in host.eipoibs:
            found.append(_refuse(carrier.interface, 'the PCI device under it cannot be told',
                                 'run: fuel-infiniband discover'))
    for pci in _addresses(published, host):
        found += _of_function(pci, functions.get(pci), settings.num_of_vfs)
    return found + _elsewhere(functions, others)


def plan(published, settings, host, functions, files):
    # type: (object, object, object, dict, Files) -> Plan
    """The Step after which the devices have their virtual functions, once mlx4_core is loaded again where it has to.

    :param functions: {PCI address: host.sriov.Function} of the carriers and of what SRIOV_MEMORY names
    :raises InputErrors: every reason
    """
    memory = recall(files.memory)
    wanted = {}
    refused = problems(published, settings, host, functions, files.others)
    if settings.sriov and has_guests(published):
        refused += [_refuse(carrier.interface, 'there is no such EIPOIB interface', 'run: fuel-infiniband discover')
                    for carrier in carriers(published, host) if carrier.interface not in host.eipoibs]
        wanted = dict((pci, settings.num_of_vfs) for pci in _addresses(published, host))
    targets = dict((pci, was) for pci, was in memory.items() if pci in functions)  # others are not there any more
    remembered = dict((pci, targets.get(pci, len(functions[pci].virtual))) for pci in set(wanted) | set(targets)
                      if pci in functions)
    targets.update(wanted)
    changes = [(functions[pci], count) for pci, count in sorted(targets.items())
               if pci in functions and len(functions[pci].virtual) != count]
    by_writing = [(function, count) for function, count in changes if function.driver != MLX4]
    by_loading = [(function, count) for function, count in changes if function.driver == MLX4]
    refused += [_in_use(function) for function, _ in by_writing if _guests(function)]
    if refused:
        raise InputErrors(refused)
    loading = [function.pci for function, _ in by_loading]
    kept = dict((pci, was) for pci, was in remembered.items() if pci in wanted or pci in loading)
    operations = rewritten(SRIOV_MEMORY, files.memory, _memory_text(remembered))
    options = modprobe_text(dict((pci, count) for pci, count in wanted.items() if functions[pci].driver == MLX4))
    operations += rewritten(MODPROBE_FILE, files.modprobe, options)
    for function, count in by_writing:
        operations += write_count(function, count)
    operations += rewritten(SRIOV_MEMORY, _memory_text(remembered), _memory_text(kept))
    steps = ()
    if operations:
        devices = sorted(set(memory).union(wanted)) or [MODPROBE_FILE]
        steps = (Step(STAGE, ', '.join(devices), _reason(wanted, settings), operations),)
    return Plan(steps, tuple(_loading(function, count, options) for function, count in by_loading))


def modprobe_text(counts):
    # type: (dict) -> str
    """modprobe's configuration for {PCI address: number of virtual functions}, None for no address.

    mlx4_core of MLNX_OFED takes ``address-count``; probe_vf is how many of them the node itself would take.
    """
    if not counts:
        return None
    return ('# Written by the Fuel plugin infiniband; its settings are in the Fuel UI.\n'
            'options mlx4_core num_vfs={0} probe_vf={1}\n'.format(
                ','.join('{0}-{1}'.format(pci, counts[pci]) for pci in sorted(counts)),
                ','.join('{0}-0'.format(pci) for pci in sorted(counts))))


def recall(text):
    # type: (str) -> dict
    """{PCI address: virtual functions that it had before} of the text of SRIOV_MEMORY.

    :raises InputError: when it is not one of ours
    """
    try:
        memory = json.loads(text or '{}')
        if all(is_address(pci) and isinstance(was, int) and 0 <= was < 256 for pci, was in memory.items()):
            return memory
    except (AttributeError, RuntimeError, ValueError):
        pass
    raise InputError('cannot tell what virtual functions there were before', SRIOV_MEMORY,
                     'it is not what this plugin writes', 'remove the file')


def _refuse(where, why, todo):
    return InputError(WHAT, where, why, todo)


def _addresses(published, host):
    return sorted(set(carrier.pci for carrier in carriers(published, host) if carrier.pci))


def _of_function(pci, function, count):
    """Why a device cannot have ``count`` virtual functions."""
    where = '{0}/{1}'.format(DEVICES, pci)
    if function is None:
        return [_refuse(where, 'there is no such PCI device', 'discover the node again')]
    if function.driver not in (MLX4, MLX5, None):  # None: not loaded yet
        return [_refuse(where, 'its driver is {0}, not {1} or {2}'.format(function.driver, MLX4, MLX5),
                        'load the driver of the HCA')]
    if function.total is None:
        return [_refuse(where, 'its firmware offers no virtual functions',
                        'enable SR-IOV in the firmware (mlxconfig: SRIOV_EN, NUM_OF_VFS) and in the BIOS')]
    if count > function.total:
        return [_refuse(where + '/sriov_totalvfs',
                        '{0} virtual functions are asked for, its firmware allows {1}'.format(count, function.total),
                        'ask for at most {0}, or allow more in the firmware (mlxconfig: NUM_OF_VFS)'.format(
                            function.total))]
    return []


def _elsewhere(functions, others):
    """Of the same options in two files the last counts, so another one would undo ours or be undone by it."""
    if not any(function.driver == MLX4 for function in functions.values()):
        return []
    return [_refuse(path, 'it sets {0} of mlx4_core too'.format(option), 'remove that option there')
            for path in sorted(others) for option in ('num_vfs', 'probe_vf') if any(
                words[:2] == ['options', 'mlx4_core'] and any(word.startswith(option + '=') for word in words)
                for words in (line.split() for line in others[path].splitlines()))]


def _guests(function):
    return [each for each in function.virtual if each.driver in GUEST_DRIVERS]


def _in_use(function):
    return _refuse('{0}/{1}/sriov_numvfs'.format(DEVICES, function.pci), 'guests use {0}; to change their number all '
                   'virtual functions of a device go'.format(', '.join(each.pci for each in _guests(function))),
                   'stop these guests or move them to another node, and run it again')


def _memory_text(memory):
    return json.dumps(memory, sort_keys=True) + '\n' if memory else None


def write_count(function, count):
    # type: (object, int) -> tuple
    """The operations after which a device has ``count`` virtual functions.

    The kernel takes another number only from 0 (drivers/pci/iov.c: EBUSY).
    """
    path = '{0}/{1}/sriov_numvfs'.format(DEVICES, function.pci)
    now = len(function.virtual)
    steps = ([(now, 0)] if now else []) + ([(0, count)] if count else [])
    return tuple(WriteAttribute(path, str(after), str(before)) for before, after in steps)


def _reason(wanted, settings):
    if wanted:
        return '{0} virtual functions for guests of the private network'.format(settings.num_of_vfs)
    return 'no guest needs virtual functions'


def _loading(function, count, options):
    """What is still to be done for a device whose driver makes its virtual functions when it is loaded."""
    if function.loaded_with and options and 'num_vfs={0} '.format(function.loaded_with) in options:
        return '{0}: mlx4_core was loaded with {1} virtual functions and made {2}: see dmesg'.format(
            function.pci, count, len(function.virtual))
    return '{0}: reboot the node: it has {1} virtual functions, and mlx4_core makes {2} when it is loaded'.format(
        function.pci, len(function.virtual), count)
