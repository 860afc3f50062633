# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The map of a node: fabric, HCA port, P_Keys, EIPOIB interface, bridges, roles, as boxes and lines with their places.

Narrow enough for a phone: what belongs to a port hangs below it, a row for each group of VLANs that fare the same.
"""
from __future__ import absolute_import, print_function, unicode_literals

import re
from collections import namedtuple

from plugin_lib.pkey import DEFAULT_KEY, FULL_MEMBER_BIT
from plugin_lib.published import vlans

# Everything is in units of the drawing, which is shown at one to two pixels each.
WIDTH = 360
LINE = 14
GAP = 10
PADDING = 6
# Where a line hangs down from the fabric, and from a port.
TRUNK, BRANCH = 14, 36
PORT = 28
# (left edge, width, characters that fit in a line) of P_Keys, endpoints and roles.
KEYS, ENDPOINTS, ROLES = (44, 120, 16), (172, 86, 11), (266, 94, 12)

OK, FAIL, UNKNOWN = 'ok', 'fail', ''

# What tells them apart without colours, around the middle of a circle: a tick and a cross.
_MARKS = {OK: 'M-3 0l2 2.5l4 -5', FAIL: 'M-2.5 -2.5l5 5m0 -5l-5 5'}

_PIECE = re.compile(r'[^ /]+[/ ]?|[/ ]')


class Box(namedtuple('Box', 'x y width height state lines')):
    """A box with lines of text; ``state`` is OK, FAIL or UNKNOWN."""

    __slots__ = ()

    @property
    def baselines(self):
        """[(y, text)] of its lines."""
        return [(self.y + PADDING + LINE * (row + 1) - 4, text) for row, text in enumerate(self.lines)]

    @property
    def mark(self):
        """The path of the mark of its state, None where nothing is known."""
        return _MARKS.get(self.state)

    @property
    def joint(self):
        """The y at which lines come to it: the middle of its first line."""
        return self.y + PADDING + LINE // 2


class Map(namedtuple('Map', 'title height boxes wires')):
    """A drawing.

    :param wires: (x, y, x, y, state) of straight lines
    """

    __slots__ = ()


class _Row(namedtuple('_Row', 'state keys endpoint roles')):
    __slots__ = ()


def draw(member, gaps):
    # type: (object, dict) -> Map
    """The Map of an environment.Member.

    :param gaps: {EIPOIB interface: {VLAN or None: planning.environment_checks.Gap}}
    """
    boxes, wires = [_box(0, 0, 130, UNKNOWN, ['InfiniBand fabric'])], []
    top = boxes[0].height
    y = top + GAP
    for nic in sorted(member.needs):
        port = member.ports.get(nic)
        state = UNKNOWN if not member.told else OK if port and port.state == 'ACTIVE' else FAIL
        head = _box(PORT, y, WIDTH - PORT, state, _head(nic, port))
        boxes.append(head)
        wires += [(TRUNK, top, TRUNK, head.joint, state), (TRUNK, head.joint, PORT, head.joint, state)]
        y += head.height + GAP
        for row in _rows(member, nic, gaps.get(nic, {})):
            y = _draw_row(row if member.told else row._replace(state=UNKNOWN), y, boxes, wires) + GAP
        wires.append((BRANCH, head.y + head.height, BRANCH, max(wire[1] for wire in wires), state))
        y += GAP
    return Map(member.name, y, boxes, wires)


def _head(nic, port):
    if port is None or port.hca is None:
        return ['{0}: no HCA port is known'.format(nic)]
    return ['{0} port {1}: {2}'.format(port.hca, port.number, port.state), 'EIPOIB interface {0}'.format(nic)]


def _rows(member, nic, gaps):
    """VLANs that have endpoint, roles and trouble in common, in the order of the first of them."""
    alike = {}
    for vlan, names in member.needs[nic].items():
        endpoints = tuple(sorted(set(member.endpoints.get(name) or '-' for name in names)))
        why = gaps[vlan].why if vlan in gaps else ''
        alike.setdefault((endpoints, tuple(sorted(names)), why), []).append(vlan)
    rows = []
    for (endpoints, names, why), numbers in sorted(alike.items(), key=lambda item: _order(item[1])):
        keys = _key_lines(numbers) + ([why] if why else [])
        rows.append(_Row(FAIL if why else OK, keys, ', '.join(endpoints), ', '.join(names)))
    return rows


def _order(numbers):
    return min(0 if vlan is None else vlan for vlan in numbers)


def _key_lines(numbers):
    tagged = sorted(vlan for vlan in numbers if vlan is not None)
    lines = ['untagged 0x{0:04x}'.format(DEFAULT_KEY | FULL_MEMBER_BIT)] if len(tagged) < len(numbers) else []
    if tagged:
        lines.append('VLAN ' + vlans.of_numbers(tagged))
        keys = ['0x{0:04x}'.format(vlan | FULL_MEMBER_BIT) for vlan in (tagged[0], tagged[-1])]
        lines.append(keys[0] if len(tagged) == 1 else '{0} keys {1}..{2}'.format(len(tagged), *keys))
    return lines


def _draw_row(row, y, boxes, wires):
    """Adds the boxes and wires of a row at ``y``; the y of its end."""
    parts = [_box(place[0], y, place[1], state, _wrapped(lines, place[2])) for place, state, lines in (
        (KEYS, row.state, row.keys), (ENDPOINTS, UNKNOWN, [row.endpoint]), (ROLES, UNKNOWN, [row.roles]))]
    boxes.extend(parts)
    ends = [BRANCH] + [part.x + part.width for part in parts]
    wires.extend((end, part.joint, part.x, part.joint, row.state) for end, part in zip(ends, parts))
    return y + max(part.height for part in parts)


def _box(x, y, width, state, lines):
    return Box(x, y, width, len(lines) * LINE + 2 * PADDING, state, lines)


def _wrapped(lines, width):
    """The lines broken at spaces, behind slashes, and anywhere in what is longer than a line."""
    found = []
    for line in lines:
        current = ''
        for piece in _PIECE.findall(line):
            for part in [piece[start:start + width] for start in range(0, len(piece), width)]:
                if len((current + part).rstrip()) > width:
                    found.append(current.rstrip())
                    current = ''
                current += part
        found.append(current.rstrip())
    return found
