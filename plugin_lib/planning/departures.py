# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""When the vif of somebody who no longer talks may go: a port that flaps, or is made again, finds its vif still there.
"""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib.memo import remembering
from plugin_lib.planning import vifs
from plugin_lib.planning.vlans import is_ours
from plugin_lib.planning.withdrawal import Withdrawal


@remembering
def gone(host, ours, talkers):
    # type: (object, dict, object) -> tuple
    """Names of our children whose vif nobody asks for; none while some who talk may not have been seen.

    :param ours: {name: vlans.Made}
    :param talkers: planning.talkers.Talkers
    """
    found = []
    for eipoib in host.eipoibs.values() if talkers.known else ():
        asked = frozenset(vif for vif, talker in talkers.by_eipoib.get(eipoib.name, {}).items() if not talker.blocked)
        used = [slave for vif, slave in vifs.serving(eipoib, ours).items() if vif in asked and vif[0] != eipoib.mac]
        found += [child.name for child in host.children.values()
                  if child.parent == eipoib.parent and vifs.is_one_more(eipoib.parent, child.name)
                  and child.name not in used and is_ours(host, ours, child.name)]
    return tuple(sorted(found))


def decide(names, ages, grace):
    # type: (tuple, dict, float) -> Withdrawal
    """Which of those that are gone may be removed now.

    :param names: of :func:`gone`
    :param ages: {name: seconds for which nobody has asked for it}
    :param grace: seconds of absence after which a vif is given up
    """
    later = [grace - ages[name] for name in names if ages[name] < grace]
    return Withdrawal(frozenset(name for name in names if ages[name] >= grace), (), min(later) if later else None)


def both(keys, talkers):
    # type: (Withdrawal, Withdrawal) -> Withdrawal
    """The Withdrawals of vanished P_Keys and of those who no longer talk in one."""
    pauses = [each.next_removal for each in (keys, talkers) if each.next_removal is not None]
    return Withdrawal(keys.removable | talkers.removable, keys.warnings + talkers.warnings,
                      min(pauses) if pauses else None)
