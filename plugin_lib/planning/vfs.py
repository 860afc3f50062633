# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The stage ``vfs``: the P_Keys and GUIDs of the virtual functions, which a reboot forgets.

A virtual function that a guest has is left alone: whoever gave it to the guest (networking-mlnx's eswitchd) has
configured it.
"""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib.host.hca import CLASS
from plugin_lib.host.sriov import DEVICES, MLX5
from plugin_lib.pkey import DEFAULT_KEY, PKey
from plugin_lib.planning import sriov
from plugin_lib.planning.operations import Binding, Plan, StartService, Step, WriteAttribute
from plugin_lib.published import vlans

STAGE = 'vfs'
SERVICE = 'fuel-infiniband-sriov'
# The bit of an EUI-64 that says it is administered locally (IEEE 802: the second of the first byte).
LOCAL = 1 << 57
# Its fifth byte: 0 in the GUIDs that Mellanox makes of a MAC (00:02:c9:03:00:...), so free to tell functions apart.
FIFTH_BYTE = 24
# The subnet manager's answers come in the default partition: networking-mlnx, too, puts its key here and the tenant's
# at index 0, which is what the IPoIB interface of a guest uses.
DEFAULT_INDEX = 1
FOLLOW = 'Follow'


def plan(published, settings, host, functions, running):
    # type: (object, object, object, dict, bool) -> Plan
    """A Step for each device whose virtual functions lack keys or GUIDs, and lines about keys that the port lacks.

    :param functions: {PCI address: host.sriov.Function} of the devices under the private network
    :param running: whether SERVICE runs, which keeps them so
    """
    private = sriov.private_role(published)
    if not (settings.sriov and sriov.has_guests(published) and private):
        return Plan((), ())
    ports = {}
    for carrier in sriov.carriers(published, host):
        if carrier.port is not None:  # else the stage sriov tells that its EIPOIB interface is missing
            ports.setdefault(carrier.pci, set()).add(carrier.port)
    needed = vlans.numbers(private.vlans)
    steps, findings = [], []
    for pci in sorted(pci for pci in ports if pci in functions):
        function = functions[pci]
        free = [each for each in function.virtual if each.driver not in sriov.GUEST_DRIVERS]
        if any(each.ports for each in free):
            findings += [line for number in sorted(ports[pci]) for line in _keyless(function, number, needed)]
        findings += ['{0}: GUID {1:016x} was not made of a MAC: virtual functions keep the GUIDs that they have'.format(
            function.hca, guid) for guid in _guids(function, ports[pci]) if guid_of(guid, 0) is None]
        operations = [operation for each in free for operation in _of_mlx4(function, each, ports[pci], needed)]
        operations += [operation for each in free if each.guids for operation in _of_mlx5(
            function, each, min(ports[pci]))]
        if operations:
            steps.append(Step(STAGE, pci, 'P_Keys and GUIDs of its virtual functions', tuple(operations)))
    if not running and any(function.virtual for function in functions.values()):
        steps.append(Step(STAGE, SERVICE, 'it does not run', (StartService(SERVICE, False),)))
    return Plan(tuple(steps), tuple(findings))


def _keyless(function, number, needed):
    """What is told of the keys of a port."""
    keys = function.ports[number].keys
    if keys is None:
        yield '{0} port {1}: its P_Keys cannot be read: virtual functions keep those that they have'.format(
            function.hca, number)
    elif _lacking(keys, needed):
        yield '{0} port {1}: no P_Key for VLAN {2}: guests cannot use it'.format(
            function.hca, number, vlans.of_numbers(_lacking(keys, needed)))


def follow(functions, meant):
    # type: (dict, dict) -> tuple
    """(Steps after which functions that guests have hold the keys that they were given, what is meant then).

    Whoever gave them a key meant the key, not its place in the port's table: it is looked for wherever the subnet
    manager puts it, also when it has been away.

    :param functions: {PCI address: host.sriov.Function} with tables
    :param meant: {(PCI address of a function, port, index): (place in the port's table or None, PKey)} of the last time
    """
    steps, means = [], {}
    for pci in sorted(functions):
        operations = []
        for each in functions[pci].virtual:
            if each.driver in sriov.GUEST_DRIVERS:
                operations += _follow(functions[pci], each, meant, means)
        if operations:
            steps.append(Step(STAGE, pci, 'keys are at other places of the port\'s table', tuple(operations)))
    return tuple(steps), means


def _follow(function, virtual, meant, means):
    for number, port in sorted(virtual.ports.items()):
        keys = function.ports[number].keys
        if keys is None:
            means.update((place, meant[place]) for place in meant if place[:2] == (virtual.pci, number))
            continue
        held = dict((index, pkey) for pkey, index in keys.items())
        for index, at in enumerate(port.indexes):
            place, pkey = (virtual.pci, number, index), held.get(at)
            if place in meant and meant[place][0] == at:
                pkey = meant[place][1]
            if pkey is None:
                continue
            then = _index(keys, pkey.key, (pkey.full, not pkey.full))
            if then is None and at not in held:
                then = at  # its place is empty: that leads to nothing
            means[place] = then, pkey
            if then != at:
                yield _map(function, virtual, number, index, at, then)


def guid_of(physical, number):
    # type: (int, int) -> int
    """The GUID of virtual function ``number`` of what has the GUID ``physical``: the same one after every boot.

    None where that could be another one's, because the byte that tells them apart is taken.
    """
    if physical >> FIFTH_BYTE & 0xff:
        return None
    return physical | LOCAL | ((number + 1) << FIFTH_BYTE)


def _guids(function, numbers):
    return sorted(set([function.node_guid or 0] + [function.ports[number].guid or 0 for number in numbers]))


def table(keys, needed, size):
    # type: (dict, list, int) -> list
    """The P_Key table of a virtual function: for each index the one in the port's table, None for no key.

    :param keys: {PKey: index in the port's table}
    :param needed: VLANs of the private network
    :param size: entries of the table
    """
    indexes = [_index(keys, vlan, (True, False)) for vlan in needed if vlan not in _lacking(keys, needed)] or [None]
    # Limited membership is enough to talk with the subnet manager, and guests are apart in the default partition.
    indexes.insert(DEFAULT_INDEX, _index(keys, DEFAULT_KEY, (False, True)))
    return (indexes + [None] * size)[:size]


def _lacking(keys, needed):
    held = set(pkey.key for pkey in keys)
    return [vlan for vlan in needed if vlan not in held]


def _index(keys, key, memberships):
    """The index of a key with the first of the memberships that there is."""
    found = [keys[PKey(key, full)] for full in memberships if PKey(key, full) in keys]
    return found[0] if found else None


def _of_mlx4(function, virtual, carrying, needed):
    iov = '{0}/{1}/iov'.format(CLASS, function.hca)
    for number, port in sorted(virtual.ports.items()):
        keys, size = function.ports[number].keys, len(port.indexes)
        wanted = [None] * size  # through a port that does not carry the private network a guest reaches nothing
        if number in carrying:
            wanted = port.indexes if keys is None else table(keys, needed, size)
        for index, (now, then) in enumerate(zip(port.indexes, wanted)):
            if now != then:
                yield _map(function, virtual, number, index, now, then)
        physical = function.ports[number].guid
        if number in carrying and physical and port.guid is not None:
            guid = guid_of(physical, virtual.number)
            if guid not in (None, port.guid):
                yield WriteAttribute('{0}/ports/{1}/admin_guids/{2}'.format(iov, number, port.guid_index),
                                     '{0:016x}'.format(guid), '{0:016x}'.format(port.guid))


def _of_mlx5(function, virtual, number):
    folder = '{0}/{1}/sriov/{2}'.format(DEVICES, function.pci, virtual.number)
    wanted = [('node', function.node_guid, virtual.guids.node),
              ('port', function.ports[number].guid, virtual.guids.port)]
    writes = [WriteAttribute('{0}/{1}'.format(folder, leaf), _with_colons(guid_of(physical, virtual.number)),
                             _with_colons(now or 0))
              for leaf, physical, now in wanted if physical and guid_of(physical, virtual.number) not in (None, now)]
    # Its driver reads GUIDs when it is bound.  Unbound first: who is killed on the way finds that to be finished.
    unbind = [Binding(virtual.pci, MLX5, False)] if writes and virtual.driver == MLX5 else []
    bind = [Binding(virtual.pci, MLX5, True)] if unbind or virtual.driver is None else []
    if virtual.guids.policy != FOLLOW:
        writes.append(WriteAttribute(folder + '/policy', FOLLOW, virtual.guids.policy))
    return unbind + writes + bind


def _map(function, virtual, number, index, now, then):
    """Let an index of the table of a port of a virtual function lead elsewhere."""
    return WriteAttribute('{0}/{1}/iov/{2}/ports/{3}/pkey_idx/{4}'.format(
        CLASS, function.hca, virtual.pci, number, index), _entry(then), _entry(now))


def _entry(index):
    return 'none' if index is None else str(index)


def _with_colons(guid):
    digits = '{0:016x}'.format(guid)
    return ':'.join(digits[at:at + 2] for at in range(0, 16, 2))
