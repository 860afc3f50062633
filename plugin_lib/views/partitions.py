# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""A partition file as the subnet manager reads it."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib import tables
from plugin_lib.pkey import PKey
from plugin_lib.subnet_manager.partition_file import EVERYBODY
from plugin_lib.subnet_manager.tables import keyed

# A line names so many members of a definition.
MOST_MEMBERS = 6


def table(found, remarks):
    # type: (object, list) -> str
    """The definitions of a partition_file.PartitionFile, and the remarks on them."""
    rows = [(definition.line, '0x{0:04x}'.format(key), PKey(key, True).vlan, definition.title,
             'yes' if definition.ipoib else 'no', _members(definition.members))
            for key, definition in keyed(found.definitions)]
    text = tables.render(('line', 'p_key', 'vlan', 'name', 'ipoib', 'members'), rows)
    if found.is_dropped:
        text += 'OpenSM drops this file: every port has the default P_Key alone\n'
    return text + ''.join('{0}\n'.format(remark) for remark in remarks)


def _members(members):
    shown = ['{0}={1}'.format(member.who if member.who in EVERYBODY else '0x{0:016x}'.format(member.who),
                              member.membership) for member in members[:MOST_MEMBERS]]
    more = len(members) - len(shown)
    return ' '.join(shown + ['and {0} more'.format(more)] * (more > 0))
