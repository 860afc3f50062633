# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What else keeps an InfiniBand port from carrying its networks, or carries too much: findings beside the P_Keys'."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib.planning import budget, checks
from plugin_lib.planning.checks import FAIL, OF_SM_CHECK, WARN, Finding
from plugin_lib.published import vlans

# Of an interface for which Fuel publishes none.
DEFAULT_MTU = 1500


def fabric(data, host, sm_check, managers):
    # type: (object, object, str, dict) -> list
    """Whether each InfiniBand port has a subnet manager, the default P_Key where it needs it, and no more VLANs.

    :param data: published.Published
    :param sm_check: as for checks.keys
    :param managers: {interface: host.manager.Manager} of those that could be asked for
    """
    found = []
    if sm_check == 'off':
        return found
    level = OF_SM_CHECK[sm_check]
    needed = checks.needed_vlans(data)
    for nic, port in _ports(data, host):
        if port is None or port.pkeys is None or port.state != 'ACTIVE':
            continue  # checks.keys says so
        name = checks.port_name(nic, host)
        found += _manager(name, port, managers.get(nic), level) + _untagged(data, nic, name, port, level)
        surplus = set(pkey.vlan for pkey in port.pkeys if pkey.full and pkey.vlan).difference(
            vlans.numbers(needed.get(nic, ())))
        if surplus:
            found.append(Finding(WARN, name, 'P_Keys for VLAN {0}, which no network of this port has: eipoibd serves '
                                 'them too, and each takes memory'.format(vlans.of_numbers(surplus)),
                                 'leave the port out of these partitions, if others do not need them'))
    return found


def mtu(data, host):
    # type: (object, object) -> list
    """Whether each EIPOIB interface has the MTU that Fuel publishes for it; its smallest slave sets it."""
    found = []
    for nic, _ in _ports(data, host):
        published = data.scheme.mtus.get(nic, DEFAULT_MTU)
        have = host.interfaces[nic].mtu if nic in host.interfaces else None
        if have is None or have >= published:
            continue
        slaves = [(host.interfaces[name].mtu, name) for name in host.eipoibs[nic].slaves if name in host.interfaces]
        least = ' ({0} has {1})'.format(*reversed(min(slaves))) if slaves else ''
        found.append(Finding(FAIL, nic, 'MTU {0}{1}, Fuel publishes {2}'.format(have, least, published),
                             'give the partitions a larger MTU (fuel-infiniband partitions --mtu), or the networks a '
                             'smaller one'))
    return found


def memory(data, host, free, queue_size):
    # type: (object, object, object, int) -> list
    """Whether memory suffices for the IPoIB children that are still to be made, each with the most that it may take.

    :param free: host.memory.Memory, None when it cannot be told
    :param queue_size: buffers a child
    """
    if free is None:
        return []
    needed = checks.needed_vlans(data)
    new = 0
    for nic in checks.infiniband(data):
        port = host.port_of(host.eipoibs[nic.name]) if nic.name in host.eipoibs else None
        wanted = set(vlans.numbers(needed.get(nic.name, ())))
        wanted.update(pkey.vlan for pkey in (port.pkeys if port else None) or () if pkey.full and pkey.vlan)
        made = len(host.eipoibs[nic.name].slaves) if nic.name in host.eipoibs else 0
        new += max(0, len(wanted) + 1 - made)  # one more for untagged traffic
    fit = budget.children_that_fit(free, queue_size)
    if new <= fit:
        return []
    return [Finding(WARN, 'memory', 'it may suffice for only {0} of the {1} IPoIB children that are to be made: with '
                    'queue_size {2} each takes up to {3} MiB'.format(
                        fit, new, queue_size, -(-queue_size * budget.BUFFER // budget.MIB)),
                    'lower queue_size in the settings of the environment, or add memory')]


def service(status):
    # type: (dict) -> list
    """What eipoibd says that it could not do.

    :param status: daemon.status.read's document, None where it has not run
    """
    if status is None:
        return []
    todo = 'see: fuel-infiniband status'
    found = [Finding(FAIL, 'eipoibd', status['error'], todo)] if status['error'] else []
    found += [Finding(FAIL, subject, 'eipoibd has tried {0} times: {1}'.format(failure['failures'], failure['error']),
                      todo) for subject, failure in sorted(status['backoff'].items())]
    return found + [Finding(WARN, 'eipoibd', line, todo) for line in status['warnings']]


def _ports(data, host):
    """[(name, state.Port or None)] of the published InfiniBand interfaces that the machine has."""
    return [(nic.name, host.port_of(host.eipoibs[nic.name])) for nic in checks.infiniband(data)
            if nic.name in host.eipoibs]


def _manager(name, port, manager, level):
    todo = 'start the subnet manager: without it nothing that is new on the fabric works'
    if port.sm_lid == 0:
        return [Finding(level, name, 'the port is ACTIVE, but knows no subnet manager (sm_lid is 0)', todo)]
    if manager is not None and manager.state != 'master':
        return [Finding(level, name, 'at LID {0}, where its subnet manager was, {1} answers'.format(
            port.sm_lid, 'nobody' if manager.state is None else 'one that is {0}'.format(manager.state)), todo)]
    return []


def _untagged(data, nic, name, port, level):
    roles = sorted(role.name for role in data.roles.values() if nic in role.interfaces and not role.vlans)
    if not roles or any(pkey.is_default and pkey.full for pkey in port.pkeys):
        return []
    limited = any(pkey.is_default for pkey in port.pkeys)
    return [Finding(level, name, '{0} of the default partition, which carries {1} untagged'.format(
        'limited member' if limited else 'no member', ', '.join(roles)),
        'give the port full membership: Default=0x7fff, ipoib, defmember=full : ALL ;')]
