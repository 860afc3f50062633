# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Whether environment, node and fabric agree: findings, each with what to do about it."""
from __future__ import absolute_import, print_function, unicode_literals

from collections import namedtuple

from plugin_lib import modes
from plugin_lib.host.state import EIPOIB_MODULES
from plugin_lib.pkey import MOST_VLANS
from plugin_lib.planning import drivers, packages
from plugin_lib.published import vlans

OK, WARN, FAIL = 'OK', 'WARN', 'FAIL'

OF_SM_CHECK = {'fail': FAIL, 'warn': WARN}


class Finding(namedtuple('Finding', 'level subject text todo')):
    """One thing that was looked at.

    :param level: ``OK``, ``WARN`` or ``FAIL``
    :param subject: what it is about: ``eth4 vlan 101``
    :param todo: what the operator does about it, empty when it is OK
    """

    __slots__ = ()


def of_error(error):
    # type: (object) -> Finding
    """An InfinibandError as a finding among others."""
    return Finding(FAIL, error.where, '{0}: {1}'.format(error.what, error.why), error.todo)


def published(data):
    # type: (object) -> list
    """What the published data itself lacks or contradicts."""
    found = [Finding(WARN, data.path, line, 'compare with the networks of the environment') for line in data.warnings]
    if data.settings is None:
        found.append(Finding(WARN, '{0} -> infiniband'.format(data.path),
                             'the plugin is not enabled in this environment: its defaults are used',
                             'enable the plugin in the settings of the environment'))
    if data.mode == modes.NONE:
        found.append(Finding(WARN, data.path, 'no interface of this node has a Mellanox driver: nothing to configure',
                             'boot the node from the plugin\'s discovery image if it has InfiniBand'))
    return found


def machine(data, host, modules, settings, offered):
    # type: (object, object, object, object, tuple) -> list
    """Whether the node has the interfaces that Fuel publishes as InfiniBand, or can have them.

    Before the drivers are loaded the interfaces are not there yet: then it is
    the modules, or the packages that bring them, that must be.

    :param offered: host.packages.Offers of the plugin's repository, where drivers come from there
    """
    found = []
    missing = [name for name in EIPOIB_MODULES if name not in modules.available]
    others = packages.other_kernels(offered, modules.release)
    for nic in infiniband(data):
        if nic.name in host.eipoibs:
            found.append(Finding(OK, nic.name, 'EIPOIB interface over {0}'.format(host.eipoibs[nic.name].parent), ''))
        elif missing and not others and packages.usable(offered, modules.release):
            found.append(Finding(OK, nic.name, 'not there yet: the hook drivers installs its packages', ''))
        elif missing:
            found.append(of_error(drivers.lacking(missing, modules.release, settings.driver_source, others)))
        elif nic.name in host.interfaces and host.interfaces[nic.name].driver not in (None, nic.driver):
            found.append(Finding(
                FAIL, nic.name, 'Fuel publishes driver {0}, the machine has {1}'.format(
                    nic.driver, host.interfaces[nic.name].driver),
                'set the port to InfiniBand, or discover the node again'))
        elif 'eth_ipoib' not in modules.loaded:
            found.append(Finding(OK, nic.name, 'not there yet: eth_ipoib is loaded by the hook drivers', ''))
        else:
            found.append(_absent(nic))
    return found + [Finding(WARN, 'machine', line, 'look at the file') for line in host.problems]


def interfaces(data, host):
    # type: (object, object) -> list
    """The published InfiniBand ports that the machine does not have as EIPOIB interfaces, with the drivers loaded."""
    return [_absent(nic) for nic in infiniband(data) if nic.name not in host.eipoibs]


def _absent(nic):
    return Finding(FAIL, nic.name, 'Fuel publishes it as InfiniBand, but there is no such EIPOIB interface',
                   'compare with /sys/class/net/eth_ipoib_interfaces; discover the node again if ports moved')


def keys(data, host, sm_check):
    # type: (object, object, str) -> list
    """Whether each InfiniBand port holds the P_Keys of the VLANs that its roles need.

    :param sm_check: what a missing key is: ``fail``, ``warn``, or ``off`` not looked at
    """
    found = []
    if sm_check == 'off':
        return found
    for nic, needed in sorted(needed_vlans(data).items()):
        if nic not in host.eipoibs:
            continue
        port = host.port_of(host.eipoibs[nic])
        found += _keys_of_port(port_name(nic, host), port, vlans.merge(needed), OF_SM_CHECK[sm_check])
    return found


def port_name(nic, host):
    # type: (str, object) -> str
    """How findings name the port of an EIPOIB interface: ``eth4 (mlx4_0 port 1)``."""
    port = host.port_of(host.eipoibs[nic])
    if port is None:
        return '{0} over {1}'.format(nic, host.eipoibs[nic].parent)
    return '{0} ({1} port {2})'.format(nic, port.hca, port.number)


def _keys_of_port(name, port, needed, level):
    todo = 'add the partitions to the subnet manager, with full membership'
    if port is None or port.pkeys is None:
        return [Finding(FAIL, name, 'its P_Key table cannot be read: {0}'.format(
            'no HCA port is known for it' if port is None else port.problem), 'run: fuel-infiniband discover')]
    if port.state != 'ACTIVE':
        return [Finding(level, name, 'the port is {0}: the subnet manager has not brought it up'.format(port.state),
                        'check cable, switch and subnet manager')]
    full = set(pkey.key for pkey in port.pkeys if pkey.full)
    limited = set(pkey.key for pkey in port.pkeys) - full
    wanted = vlans.numbers(needed)
    lacking = [vlan for vlan in wanted if vlan not in full and vlan not in limited]
    halves = [vlan for vlan in wanted if vlan in limited]
    found = []
    if lacking:
        found.append(Finding(level, name, 'no P_Key for VLAN {0}'.format(vlans.of_numbers(lacking)), todo))
    if halves:
        found.append(Finding(level, name, 'limited membership for VLAN {0}: two such nodes cannot talk'.format(
            vlans.of_numbers(halves)), todo))
    if len(wanted) > MOST_VLANS:
        found.append(Finding(FAIL, name, '{0} VLANs are needed, a port holds {1}'.format(len(wanted), MOST_VLANS),
                             'make the VLAN range of the environment smaller'))
    if not found:
        found.append(Finding(OK, name, 'P_Keys for VLAN {0}'.format(vlans.of_numbers(wanted)), ''))
    return found


def remaining(steps):
    # type: (tuple) -> list
    """What is still to be done although every hook has run: one FAIL a step."""
    return [Finding(FAIL, step.subject, '{0}: {1}'.format(step.reason, '; '.join(
        operation.describe() for operation in step.operations)), 'run: fuel-infiniband apply') for step in steps]


def left_alone(stage, lines):
    # type: (str, tuple) -> list
    """What a plan found and leaves as it is: one WARN a line."""
    return [Finding(WARN, stage, line, 'see: fuel-infiniband status, fuel-infiniband plan') for line in lines]


def infiniband(data):
    # type: (object) -> list
    """The published interfaces that are InfiniBand ports, by name."""
    return [nic for _, nic in sorted(data.interfaces.items()) if nic.mode == modes.INFINIBAND]


def needed_vlans(data):
    # type: (object) -> dict
    """{interface: VLAN ranges} that the roles on InfiniBand ports need."""
    names = set(nic.name for nic in infiniband(data))
    needed = {}
    for role in data.roles.values():
        for nic in names.intersection(role.interfaces):
            if role.vlans:
                needed.setdefault(nic, []).extend(role.vlans)
    return needed

