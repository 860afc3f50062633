# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What a partition file means: the P_Keys that OpenSM 3.3.23 programs into each port."""
from __future__ import absolute_import, print_function, unicode_literals

from collections import namedtuple

from plugin_lib.pkey import DEFAULT_KEY, PKey

CHANNEL_ADAPTER, SWITCH, ROUTER = 'channel adapter', 'switch', 'router'

# Of a broadcast group: 2048 bytes, 10 Gbit/s.
DEFAULT_MTU, DEFAULT_RATE = 4, 3

_KINDS = {'ALL_CAS': CHANNEL_ADAPTER, 'ALL_SWITCHES': SWITCH, 'ALL_ROUTERS': ROUTER}
# Of a partition's name OpenSM keeps so many bytes, and looks for whole names among them.
_NAME_BYTES = 31


class EndPort(namedtuple('EndPort', 'guid kind is_manager')):
    """A port that has a P_Key table: of a channel adapter, of a router, or port 0 of a switch.

    :param is_manager: whether OpenSM runs behind it
    """

    __slots__ = ()


EndPort.__new__.__defaults__ = (CHANNEL_ADAPTER, False)


def tables(partitions, ports, allow_both=False):
    # type: (object, list, bool) -> dict
    """{port GUID: set of PKeys}, as far as the tables hold them all.

    :param partitions: a partition_file.PartitionFile
    :param ports: the EndPorts of the fabric
    :param allow_both: OpenSM's option allow_both_pkeys
    """
    if partitions.is_dropped:
        return dict((port.guid, set([PKey(DEFAULT_KEY, True)])) for port in ports)
    found = dict((port.guid, set()) for port in ports)
    members = {DEFAULT_KEY: dict((port.guid, 'full' if port.is_manager else 'limited') for port in ports)}
    for key, definition in keyed(partitions.definitions):
        of_key = members.setdefault(key, {})
        for member in definition.members:
            for guid in [member.who] if member.who in found else _group(member.who, ports):
                of_key[guid] = member.membership  # the last word counts
    for key in members:
        for guid, membership in members[key].items():
            found[guid].update(_pkeys(key, membership, allow_both))
    return found


def groups(partitions):
    # type: (object) -> dict
    """{key: (code of the MTU, code of the rate)} of the broadcast groups that IPoIB needs, made at OpenSM's start.

    Of several definitions of a key the first makes the group, and no other changes it: neither does one of a file
    that OpenSM reads later, as long as the partition has members.
    """
    found = {}
    for key, definition in keyed(partitions.definitions):
        if definition.ipoib and None not in definition.values.values():
            found.setdefault(key, (definition.values.get('mtu', DEFAULT_MTU),
                                   definition.values.get('rate', DEFAULT_RATE)))
    return found


def keyed(definitions):
    # type: (list) -> list
    """[(key, Definition)]: those without a key of their own have the one that OpenSM finds for them.

    That OpenSM has read no other file before: it remembers the names of those too.
    """
    names, found, last = {DEFAULT_KEY: 'Default'}, [], 0
    for definition in definitions:
        key = definition.key
        if not key and definition.name:
            key = _named(definition.name, names)
        while not key:
            last += 1
            key = 0 if last in names else last
        names.setdefault(key, definition.name or '{0:04x}'.format(key))
        found.append((key, definition))
    return found


def _named(name, names):
    """The key of the partition with that name: the first by the bytes as they stand in a little-endian memory."""
    same = [key for key, other in names.items() if other[:_NAME_BYTES] == name]
    return min(same, key=lambda key: (key & 0xff, key >> 8)) if same else 0


def _group(who, ports):
    """GUIDs of the ports that one of partition_file.EVERYBODY means; of a GUID that is none of theirs, none."""
    return [port.guid for port in ports
            if who == 'ALL' or _KINDS.get(who) == port.kind or (who == 'SELF' and port.is_manager)]


def _pkeys(key, membership, allow_both):
    if membership == 'both':
        return [PKey(key, True), PKey(key, False)] if allow_both else [PKey(key, True)]
    return [PKey(key, membership == 'full')]
