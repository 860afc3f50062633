# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""VLANs as Fuel spells them: 101, '101', '1000:1030', lists of these; and ranges."""
from __future__ import absolute_import, print_function, unicode_literals

import re

from plugin_lib._compat import integer_types, quoted, string_types
from plugin_lib.pkey import LAST_VLAN

_SPELLING = re.compile(r'^([0-9]{1,9})(?:\s*:\s*([0-9]{1,9}))?\Z')  # int() takes more, and not the same on each Python


def parse(value):
    # type: (object) -> list
    """The VLANs that ``value`` spells, as sorted inclusive ranges [(first, last)].

    :param value: a number, text of numbers and ``first:last`` ranges with
        commas between them, or a list of these; None is no VLAN
    :raises ValueError: with the reason, when it spells no VLANs
    """
    if value is None:
        return []
    if isinstance(value, bool):
        raise ValueError('true or false is not a VLAN')
    if isinstance(value, integer_types):
        return [_spelled('{0}'.format(value))]
    if isinstance(value, string_types):
        return merge([_spelled(part.strip()) for part in value.split(',')])
    if isinstance(value, list) and not any(isinstance(item, list) for item in value):
        return merge([vlan for item in value for vlan in parse(item)])
    raise ValueError('expected a VLAN or a range first:last')


def merge(ranges):
    # type: (list) -> list
    """Ranges sorted, without overlap, neighbours joined."""
    merged = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def numbers(ranges):
    # type: (list) -> list
    """Every VLAN of the ranges, one by one."""
    return [vlan for first, last in ranges for vlan in range(first, last + 1)]


def show(ranges):
    # type: (list) -> str
    """The ranges for a person: ``201, 1000-1030``."""
    return ', '.join('{0}'.format(first) if first == last else '{0}-{1}'.format(first, last) for first, last in ranges)


def of_numbers(found):
    # type: (object) -> str
    """Single VLANs for a person, in any order: ``201, 1000-1030``."""
    return show(merge([(vlan, vlan) for vlan in found]))


def _spelled(text):
    match = _SPELLING.match(text)
    first, last = (int(match.group(1)), int(match.group(2) or match.group(1))) if match else (0, 0)
    if not 1 <= first <= last <= LAST_VLAN:
        raise ValueError('{0} is not a VLAN (1-{1}) or a range first:last'.format(quoted(text), LAST_VLAN))
    return first, last
