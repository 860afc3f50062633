# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Whether the nodes of an environment can talk on every VLAN that they need: findings, problems first.

Two ports talk in a partition when both are members and one of them at least is a full member (InfiniBand Architecture
Specification volume 1, 10.9.3); eipoibd serves full memberships only.
"""
from __future__ import absolute_import, print_function, unicode_literals

from collections import namedtuple

from plugin_lib.pkey import DEFAULT_KEY
from plugin_lib.planning.checks import FAIL, OK, WARN, Finding
from plugin_lib.published import vlans

# Of the nodes that share a problem, as many are named.
MOST_NAMED = 12

_TODO = {
    'no P_Key': 'add the ports to the partitions of these VLANs, with full membership',
    'limited membership': 'give the ports full membership',
}
_ON_NODE = 'on the node: fuel-infiniband check, fuel-infiniband status'


class Gap(namedtuple('Gap', 'why detail')):
    """What keeps a port from serving a VLAN: ``no P_Key``, ``limited membership``, or another clause."""

    __slots__ = ()


def findings(members):
    # type: (list) -> list
    """Findings about nodes (which VLAN is missing on which port), then about VLANs (who cannot talk, and why).

    :param members: environment.Members
    """
    lacking = [(member, nic, gaps(member, nic)) for member in members if member.told for nic in sorted(member.needs)]
    found = [_untold(member) for member in members if member.needs and not member.told]
    for member, nic, missing in lacking:
        found += _of_port(member, nic, missing)
    return found + _of_vlans(lacking) + _unconcerned(members)


def gaps(member, nic):
    # type: (object, str) -> dict
    """{VLAN or None: Gap} of what the EIPOIB interface ``nic`` of an environment.Member needs and does not serve."""
    needed = member.needs[nic]
    port = member.ports.get(nic)
    if port is None:
        whole = Gap('no such EIPOIB interface' if member.told else 'not known', _ON_NODE)
    elif port.keys is None:
        whole = Gap('the P_Key table cannot be read', _ON_NODE)
    elif port.state != 'ACTIVE':
        whole = Gap('the port is {0}'.format(port.state or 'not known'), 'check cable, switch and subnet manager')
    else:
        return _gaps_of_active(needed, port)
    return dict((vlan, whole) for vlan in needed)


def _gaps_of_active(needed, port):
    gaps = {}
    for vlan in needed:
        full = port.keys.get(DEFAULT_KEY if vlan is None else vlan)
        if full is None:
            gaps[vlan] = _gap('no P_Key')
        elif not full:
            gaps[vlan] = _gap('limited membership')
        elif vlan is not None and vlan not in port.served:
            gaps[vlan] = Gap('a P_Key, but eipoibd does not serve it{0}'.format(
                ': ' + port.trouble if port.trouble else ''), _ON_NODE)
    return gaps


def _gap(why):
    return Gap(why, _TODO[why])


def _untold(member):
    return Finding(WARN, member.name, 'there is no status of eipoibd: what its ports hold is not known',
                   'copy /run/eipoibd/status.json of the node')


def _of_port(member, nic, missing):
    port = member.ports.get(nic)
    name = '{0} {1}'.format(member.name, nic)
    if port is not None and port.hca:
        name += ' ({0} port {1})'.format(port.hca, port.number)
    by_gap = {}
    for vlan, gap in missing.items():
        by_gap.setdefault(gap, []).append(vlan)
    return [Finding(FAIL, name, '{0} for {1}'.format(gap.why, _words(by_gap[gap])), gap.detail)
            for gap in sorted(by_gap)]


def _of_vlans(lacking):
    """One finding for all VLANs that fare the same, in the order of the first of them."""
    needing, roles = {}, {}
    for member, nic, missing in lacking:
        for vlan, names in member.needs[nic].items():
            needing.setdefault(vlan, []).append((member.name, missing.get(vlan)))
            roles.setdefault(vlan, set()).update(names)
    alike = {}
    for vlan in needing:
        names = frozenset(name for name, _ in needing[vlan])
        # A node may need it on two ports.
        broken = tuple(sorted(set((name, gap.why) for name, gap in needing[vlan] if gap)))
        alike.setdefault((names, broken), []).append(vlan)
    found = []
    for (names, broken), numbers in sorted(alike.items(), key=lambda item: (not item[0][1], _order(item[1]))):
        named = sorted(set().union(*(roles[vlan] for vlan in numbers)))
        subject = '{0} ({1})'.format(_words(numbers), ', '.join(named))
        if broken:
            found.append(_silence(subject, names, broken))
        elif len(names) > 1:
            found.append(Finding(OK, subject, '{0} nodes can talk with each other'.format(len(names)), ''))
        else:
            found.append(Finding(OK, subject, '{0} alone needs it'.format(*names), ''))
    return found


def _silence(subject, names, broken):
    by_why = {}
    for name, why in broken:
        by_why.setdefault(why, []).append(name)
    cut_off = set(name for name, _ in broken)
    reasons = '; '.join('{0}: {1}'.format(_names(by_why[why]), why) for why in sorted(by_why))
    left = len(names - cut_off)
    if left > 1:
        text = '{0} cannot talk with the {1} others, which can ({2})'.format(_names(sorted(cut_off)), left, reasons)
    elif left == 1:
        text = '{0} cannot talk with {1} ({2})'.format(_names(sorted(cut_off)), *(list(names - cut_off) + [reasons]))
    else:
        text = 'nobody can talk ({0})'.format(reasons)
    return Finding(FAIL, subject, text, 'see the findings of these nodes')


def _unconcerned(members):
    names = [member.name for member in members if not member.needs]
    return [Finding(OK, _names(names), 'Fuel publishes no InfiniBand port', '')] if names else []


def _order(numbers):
    return min(0 if vlan is None else vlan for vlan in numbers)


def _words(numbers):
    """``untagged traffic and VLAN 101-103``."""
    tagged = [vlan for vlan in numbers if vlan is not None]
    parts = ['untagged traffic'] if len(tagged) < len(numbers) else []
    return ' and '.join(parts + (['VLAN ' + vlans.of_numbers(tagged)] if tagged else []))


def _names(names):
    shown = ', '.join(names[:MOST_NAMED])
    return shown + (' and {0} more'.format(len(names) - MOST_NAMED) if len(names) > MOST_NAMED else '')
