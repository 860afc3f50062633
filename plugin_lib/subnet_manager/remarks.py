# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What is right in every line of a partition file and yet rarely meant: remarks about the whole."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib._compat import string_types
from plugin_lib.pkey import DEFAULT_KEY, TABLE_SIZE, PKey
from plugin_lib.subnet_manager.partition_file import EVERYBODY, Remark
from plugin_lib.subnet_manager.tables import SWITCH, EndPort, keyed, tables

# P_Keys that port 0 of a switch holds.
SWITCH_ENTRIES = 8

# In the place of GUIDs.
_SOME_HCA, _SOME_SWITCH = 'every HCA', 'every switch'


def of(partitions):
    # type: (object) -> list
    """Remarks on a partition_file.PartitionFile, those of its lines first; by line."""
    if partitions.is_dropped:
        return list(partitions.remarks)
    definitions = keyed(partitions.definitions)
    found = list(partitions.remarks) + _limited_default(partitions, definitions)
    found += _without_group(definitions) + _contradictions(definitions) + _both(definitions) + overfull(partitions)
    found += _overfull(partitions, [EndPort(_SOME_SWITCH, SWITCH)], SWITCH_ENTRIES, ': ALL_CAS leaves switches out')
    return sorted(set(found))


def overfull(partitions):
    # type: (object) -> list
    """Remarks on HCA ports that get more P_Keys than they hold: OpenSM leaves out the rest."""
    guids = set(member.who for definition in partitions.definitions for member in definition.members
                if member.who not in EVERYBODY)
    return _overfull(partitions, [EndPort(guid) for guid in sorted(guids)] + [EndPort(_SOME_HCA)], TABLE_SIZE, '')


def _overfull(partitions, ports, most, advice):
    held = tables(partitions, ports)
    last = max([definition.line for definition in partitions.definitions] or [1])
    return [Remark(last, False, '{0} gets {1} P_Keys and holds {2}{3}'.format(
        _shown(port.guid), len(held[port.guid]), most, advice)) for port in ports if len(held[port.guid]) > most]


def _limited_default(partitions, definitions):
    held = tables(partitions, [EndPort(_SOME_HCA)])[_SOME_HCA]
    if PKey(DEFAULT_KEY, True) in held:
        return []
    lines = [definition.line for key, definition in definitions if key == DEFAULT_KEY]
    return [Remark(lines[-1] if lines else 1, False, 'HCAs are limited members of the default partition{0}: two of '
                   'them cannot talk untagged'.format('' if lines else ', for which there is no line'))]


def _without_group(definitions):
    with_group = set(key for key, definition in definitions if definition.ipoib)
    return [Remark(definition.line, False, 'no ipoib for P_Key 0x{0:04x}: without a broadcast group IPoIB stays '
                   'down'.format(key)) for key, definition in definitions
            if key not in with_group and definition.members and key != DEFAULT_KEY]


def _contradictions(definitions):
    """Members that are full once and limited once: the last word counts, also where it is ALL."""
    seen, found = {}, []
    for key, definition in definitions:
        for member in definition.members:
            before = seen.setdefault((key, member.who), member.membership)
            if before != member.membership:
                found.append(Remark(member.line, False, '{0} is {1} and {2} in P_Key 0x{3:04x}: the last one '
                                    'counts'.format(_shown(member.who), before, member.membership, key)))
                seen[key, member.who] = member.membership
    return found


def _both(definitions):
    return [Remark(member.line, False, 'both is full alone, unless OpenSM has allow_both_pkeys TRUE')
            for _, definition in definitions for member in definition.members if member.membership == 'both']


def _shown(who):
    return who if isinstance(who, string_types) else 'port 0x{0:016x}'.format(who)
