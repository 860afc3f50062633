# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""When a VLAN whose P_Key has vanished may be taken down.

A subnet manager that restarts with a broken partition file gives every port the
default partition alone (OpenSM 3.3.23, observed): that must not take down a
node's networks.  So a key has to stay away for a while, and longer when most
of the keys went and no others came.
"""
from __future__ import absolute_import, print_function, unicode_literals

from collections import namedtuple

from plugin_lib.memo import remembering
from plugin_lib.planning import vifs
from plugin_lib.planning.vlan_services import services, untagged_child
from plugin_lib.planning.vlans import is_ours


class Withdrawal(namedtuple('Withdrawal', 'removable warnings next_removal')):
    """What may be taken down.

    :param removable: frozenset of names of our children
    :param warnings: tuple of lines
    :param next_removal: seconds until the next one may be removed, None without one
    """

    __slots__ = ()


NOTHING = Withdrawal(frozenset(), (), None)


@remembering
def absent(host, ours):
    # type: (object, dict) -> dict
    """Our children whose P_Key is not in the table, by EIPOIB interface.

    Interfaces whose port is not ACTIVE or whose table cannot be read, or not
    wholly, are left out: what is absent there is not known.

    :returns: {EIPOIB name: (names that are absent, how many P_Keys these are, how many these and the table's are)}
    """
    found = {}
    for eipoib in host.eipoibs.values():
        port = host.port_of(eipoib)
        if port is None or port.state != 'ACTIVE' or port.pkeys is None or port.problem:
            continue
        wanted = [service.child for service in services(eipoib, port)[0]]
        mine = dict((child.name, vifs.own_child(eipoib.parent, child.name)) for child in host.children.values()
                    if child.parent == eipoib.parent and is_ours(host, ours, child.name)
                    and not _serves_untagged(eipoib.parent, child.name))
        gone = sorted(name for name in mine if mine[name] not in wanted)
        found[eipoib.name] = gone, len(set(mine[name] for name in gone)), len(set(mine.values()) | set(wanted))
    return found


def _serves_untagged(parent, name):
    return name == untagged_child(parent) or vifs.is_one_more(parent, name) and vifs.own_child(parent, name) == name


def decide(host, ours, ages, grace, mass_hold):
    # type: (object, dict, dict, float, float) -> Withdrawal
    """Which of our children may be removed now.

    :param ages: {name: seconds for which its key has been absent without a
        break, on an ACTIVE port with a readable table}; a name that is not in
        it is not removed, so without a history nothing is
    :param grace: seconds of absence after which a key is given up
    :param mass_hold: the same where more than half of the keys are absent
    """
    removable, warnings, later = [], [], []
    for eipoib, (gone, keys, known) in sorted(absent(host, ours).items()):
        en_masse = 2 * keys > known  # where others came in their place it is at most half
        limit = max(grace, mass_hold) if en_masse else grace
        due = [name for name in gone if name in ages and ages[name] >= limit]
        removable.extend(due)
        later.extend(limit - ages[name] for name in gone if name in ages and name not in due)
        if en_masse and len(due) < len(gone):
            warnings.append('{0}: {1} of {2} P_Keys have vanished and no others came; their VLANs are kept until'
                            ' they have been away for {3:g} seconds'.format(eipoib, keys, known, limit))
    return Withdrawal(frozenset(removable), tuple(warnings), min(later) if later else None)
