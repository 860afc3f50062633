# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""How many IPoIB children the machine's memory allows, and which come first.

A child fills its whole receive queue when it is made; what a buffer takes (some KB, up to 68 KB in connected mode) is
only known afterwards.  So as many children are made as fit at 68 KB a buffer, then the memory is looked at again.

What serves untagged traffic comes first, since discovery needs it, then VLANs from the lowest on, then in the same
order whoever else talks through the interface.
"""
from __future__ import absolute_import, print_function, unicode_literals

from collections import namedtuple

from plugin_lib.pkey import TABLE_SIZE
from plugin_lib.planning.operations import CreateChild, DeleteChild
from plugin_lib.planning.vlan_services import vlan_words

BUFFER = 68 * 1024  # 64 KB of data and what the kernel keeps beside it (ib_ipoib in connected mode)
MIB = 1024 * 1024

# Kept free for the rest of the node.
_LEAST_RESERVE = 64 * MIB
_RESERVED_PART = 20

_NEARLY_FULL = 120


class Fit(namedtuple('Fit', 'steps left_out')):
    """:param steps: tuple of the Steps that may be done now; :param left_out: frozenset of the others' subjects"""

    __slots__ = ()


def children_that_fit(memory, queue_size):
    # type: (object, int) -> int
    """How many children may be made at once.

    :param memory: host.memory.Memory
    :param queue_size: buffers a child
    """
    reserve = max(_LEAST_RESERVE, memory.total // _RESERVED_PART)
    return max(0, memory.available - reserve) // (queue_size * BUFFER)


def fit(steps, findings, memory, queue_size):
    # type: (tuple, tuple, object, int) -> Fit
    """The steps of planning.vlans for which there is memory.

    :param findings: the Findings of the same plan
    :param memory: host.memory.Memory; None when it cannot be told: then everything fits
    """
    replaced = set(step.subject for step in steps if _has(step, DeleteChild))  # these only take what they give back
    new = set(step.subject for step in steps if _has(step, CreateChild)) - replaced
    if not new or memory is None:
        return Fit(steps, frozenset())
    order = sorted((finding.mac is not None, finding.vlan or 0, finding.eipoib, finding.subject)
                   for finding in findings if finding.subject in new)
    subjects = [subject for _, _, _, subject in order]
    left_out = frozenset(subjects[children_that_fit(memory, queue_size):])
    return Fit(tuple(step for step in steps if step.subject not in left_out), left_out)


def shortage(left_out, queue_size):
    # type: (tuple, int) -> tuple
    """Lines about the Findings for which memory did not suffice, one for each EIPOIB interface."""
    lines = []
    for name in sorted(set(finding.eipoib for finding in left_out)):
        own = sorted(finding.vlan or 0 for finding in left_out if finding.eipoib == name and not finding.mac)
        others = sum(1 for finding in left_out if finding.eipoib == name and finding.mac)
        lacking = ['{0} of its VLANs, from {1} on'.format(len(own), vlan_words(own[0] or None))] if own else []
        lacking += ['{0} others who talk through it'.format(others)] if others else []
        lines.append(
            '{0}: no memory for {1}: the queue of each child takes up to {2} MiB; lower queue_size (recv_queue_size of'
            ' ib_ipoib is {3}), add memory, or give the port fewer partitions'.format(
                name, ' and '.join(lacking), -(-queue_size * BUFFER // MIB), queue_size))
    return tuple(lines)


def vif_warnings(findings, most):
    # type: (tuple, int) -> tuple
    """Lines about EIPOIB interfaces through which more talk than may.

    :param findings: planning.vlan_services.Findings
    :param most: how many may
    """
    over = [finding.eipoib for finding in findings if finding.state == 'most']
    return tuple('{0}: {1} who talk through it get no vif, since vif_limit allows {2} beside its own: raise it where'
                 ' the memory suffices'.format(name, over.count(name), most) for name in sorted(set(over)))


def table_warnings(host):
    # type: (object) -> tuple
    """Lines about ports whose P_Key table is nearly full."""
    return tuple('{0} port {1} holds {2} of at most {3} P_Keys: partitions beyond these do not reach it'.format(
        port.hca, port.number, len(port.pkeys), TABLE_SIZE)
        for port in host.ports if port.pkeys and len(port.pkeys) > _NEARLY_FULL)


def _has(step, kind):
    return any(isinstance(operation, kind) for operation in step.operations)
