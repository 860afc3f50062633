# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Partitions as the text that a subnet manager takes: OpenSM and UFM a file, MLNX-OS commands."""
from __future__ import absolute_import, print_function, unicode_literals

# Codes of the InfiniBand Architecture Specification volume 1, 15.2.5.17; the MTU in bytes, the rate in Gbit/s.
MTUS = {256: 1, 512: 2, 1024: 3, 2048: 4, 4096: 5}
RATES = {'2.5': 2, '10': 3, '30': 4, '5': 5, '20': 6, '40': 7, '60': 8, '80': 9, '120': 10, '14': 11, '56': 12,
         '112': 13, '168': 14, '25': 15, '100': 16, '200': 17, '300': 18}

OPENSM, UFM, MLNX_OS = 'opensm', 'ufm', 'mlnx-os'

# So that no line comes near what OpenSM reads at once.
_GUIDS_A_LINE = 4


def default_line(mtu=None, rate=None):
    # type: (int, str) -> str
    """The line of the default partition, which carries untagged traffic: without it everybody is a limited member."""
    return 'Default=0x7fff, ipoib{0}, defmember=full : ALL, ALL_SWITCHES=full, SELF=full ;'.format(_group(mtu, rate))


def lines(partitions, mtu=None, rate=None):
    # type: (list, int, str) -> list
    """The lines of a partitions.conf, or of UFM's partitions.conf.user_ext, without the default partition.

    :param partitions: needs.Partitions
    :param mtu: of the broadcast groups, a key of MTUS; None: the subnet manager's default (2048)
    :param rate: likewise, a key of RATES; None: 10 Gbit/s
    """
    found = []
    for partition in partitions:
        head = '{0}=0x{1:04x}, ipoib{2}, defmember=full :'.format(partition.name, partition.vlan, _group(mtu, rate))
        names = ', '.join(partition.networks)
        if partition.guids is None:
            found.append('{0} ALL_CAS ; # {1}'.format(head, names))
        else:
            found.append('{0} # {1}'.format(head, names))
            found += _guid_lines(partition)
    return found


def commands(partitions, mtu=None, rate=None):
    # type: (list, int, str) -> list
    """The commands for a switch that runs MLNX-OS, in configuration mode."""
    found = ['# Compare with the manual of the switch: its releases differ.', '# ib smnode SWITCH enable']
    for partition in partitions:
        name = partition.name
        found += ['# VLAN {0}: {1}'.format(partition.vlan, ', '.join(partition.networks)),
                  'ib partition {0} pkey 0x{1:04x}'.format(name, partition.vlan), 'ib partition {0} ipoib'.format(name)]
        found += ['ib partition {0} mtu {1}'.format(name, _short(mtu))] if mtu else []
        found += ['ib partition {0} rate {1}'.format(name, rate)] if rate else []
        found += ['ib partition {0} member {1} type full'.format(name, who) for who in _switch_members(partition.guids)]
    return found


def _group(mtu, rate):
    return (', mtu={0}'.format(MTUS[mtu]) if mtu else '') + (', rate={0}'.format(RATES[rate]) if rate else '')


def _guid_lines(partition):
    """The members; each line tells its partition, or nobody could read a difference."""
    spelled = ['0x{0:016x}'.format(guid) for guid in partition.guids]
    rows = [', '.join(spelled[start:start + _GUIDS_A_LINE]) for start in range(0, len(spelled), _GUIDS_A_LINE)]
    return ['    {0} {1} # {2}'.format(row, end, partition.name)
            for row, end in zip(rows, [','] * (len(rows) - 1) + [';'])]


def _short(mtu):
    """The MTU as the switch spells it: 2K."""
    return '{0}K'.format(mtu // 1024) if mtu >= 1024 else '{0}'.format(mtu)


def _switch_members(guids):
    if guids is None:
        return ['all']
    spelled = ['{0:016x}'.format(guid) for guid in guids]
    return [':'.join(text[start:start + 2] for start in range(0, len(text), 2)) for text in spelled]
