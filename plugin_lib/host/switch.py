# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What Open vSwitch's database says, as plain values, and how its rows become them.

Rows come as RFC 7047 (5.1) writes them in JSON.  Standard library only: eipoibd follows the database without the
``ovs`` library (:mod:`plugin_lib.host.ovs_monitor`).
"""
from __future__ import absolute_import, print_function, unicode_literals

from collections import namedtuple

from plugin_lib._compat import quoted, string_types, to_text

SOCKET = 'var/run/openvswitch/db.sock'
DATABASE = 'Open_vSwitch'

# What is read.  Columns that an older database lacks read as empty.
COLUMNS = {
    'Bridge': ('name', 'datapath_type', 'external_ids', 'ports'),
    'Port': ('_uuid', 'name', 'tag', 'trunks', 'vlan_mode', 'external_ids', 'interfaces'),
    'Interface': ('_uuid', 'name', 'type', 'options', 'external_ids', 'mac_in_use'),
}
# And what tells who talks.
ALL_COLUMNS = dict(COLUMNS, Port=COLUMNS['Port'] + ('other_config',),
                   Interface=COLUMNS['Interface'] + ('mac', 'ofport'))


class Bridge(namedtuple('Bridge', 'name datapath_type external_ids')):
    """A bridge; ``datapath_type`` is empty for the kernel's datapath."""

    __slots__ = ()


class Port(namedtuple('Port', 'name bridge tag trunks vlan_mode external_ids interfaces other_config')):
    """A port of a bridge.

    :param bridge: the bridge's name
    :param tag: its VLAN, or None
    :param trunks: sorted tuple of VLANs; **empty means all of them**
    :param vlan_mode: ``trunk``, ``access``, ``native-untagged``..., None where it follows from tag and trunks
    :param interfaces: names, sorted: several on a bond
    :param other_config: {name: text}: where Neutron notes the network of a port
    """

    __slots__ = ()


class Interface(namedtuple('Interface', 'name type options external_ids mac_in_use mac ofport')):
    """An interface of a port.

    :param type: empty for a network interface of the system, ``internal``, ``patch``...
    :param options: {name: text}: ``peer`` of a patch port
    :param mac_in_use: its MAC as text, None where ovs-vswitchd has not told
    :param mac: the MAC that it is to have, None where nobody asked for one
    :param ofport: its OpenFlow port, -1 where ovs-vswitchd cannot use it, None where it has not looked yet
    """

    __slots__ = ()


Port.__new__.__defaults__ = ({},)
Interface.__new__.__defaults__ = (None, None)


class Snapshot(namedtuple('Snapshot', 'bridges ports interfaces problems')):
    """One consistent state of the database: {name: Bridge}, {name: Port}, {name: Interface}, lines about other rows."""

    __slots__ = ()


Snapshot.__new__.__defaults__ = ((),)


def known_columns(columns, schema):
    # type: (dict, dict) -> dict
    """{table: list of those ``columns`` that the schema has}, as native strings, as the ``ovs`` library wants."""
    known = {}
    for table, names in columns.items():
        there = schema.get('tables', {}).get(table, {}).get('columns', {})
        known[str(table)] = [str(name) for name in names if name in there or name == '_uuid']
    return known


class Tables(object):
    """The rows of a database, and the Snapshot that they are.

    A row is understood once, when it comes; one that makes no sense is left out and told in ``problems``.
    """

    def __init__(self):
        # type: () -> None
        self.problems = {}  # {uuid: line}
        self._rows = dict((table, {}) for table in _PARSERS)  # {table: {uuid: (value, uuids that it refers to)}}

    def put(self, table, uuid, row):
        # type: (str, str, dict) -> None
        """Add or replace a row; None removes it."""
        self._rows[table].pop(uuid, None)
        self.problems.pop(uuid, None)
        if row is None:
            return
        try:
            self._rows[table][uuid] = _PARSERS[table](row)
        except (KeyError, IndexError, TypeError, ValueError, OverflowError, AttributeError):
            name = row.get('name') if isinstance(row, dict) else row
            self.problems[uuid] = 'Open vSwitch: a row of {0} that makes no sense: {1}'.format(
                table, quoted(to_text(name)))

    def snapshot(self):
        # type: () -> Snapshot
        """What the rows are together; references to rows that are not there are left out."""
        found = Snapshot({}, {}, {}, tuple(sorted(self.problems.values())))
        ports, interfaces = self._rows['Port'], self._rows['Interface']
        for bridge, of_bridge in self._rows['Bridge'].values():
            found.bridges[bridge.name] = bridge
            for port, of_port in [ports[uuid] for uuid in of_bridge if uuid in ports]:
                members = [interfaces[uuid][0] for uuid in of_port if uuid in interfaces]
                found.interfaces.update((interface.name, interface) for interface in members)
                found.ports[port.name] = port._replace(
                    bridge=bridge.name, interfaces=tuple(sorted(interface.name for interface in members)))
        return found


def _bridge(row):
    return (Bridge(to_text(row['name']), to_text(row.get('datapath_type', '')), _map(row, 'external_ids')),
            _references(row['ports']))


def _port(row):
    trunks = tuple(sorted(int(vlan) for vlan in _set(row.get('trunks'))))
    return Port(to_text(row['name']), None, _one(row.get('tag'), int), trunks, _one(row.get('vlan_mode'), to_text),
                _map(row, 'external_ids'), (), _map(row, 'other_config')), _references(row['interfaces'])


def _interface(row):
    return Interface(to_text(row['name']), to_text(row.get('type', '')), _map(row, 'options'),
                     _map(row, 'external_ids'), _one(row.get('mac_in_use'), to_text), _one(row.get('mac'), to_text),
                     _one(row.get('ofport'), int)), ()


_PARSERS = {'Bridge': _bridge, 'Port': _port, 'Interface': _interface}


def _set(value):
    """The members of a set of RFC 7047: ``["set", [...]]``, or a single member as it is; uuids as text."""
    if value is None:
        return []
    members = value[1] if isinstance(value, list) and value[0] == 'set' else [value]
    return [member[1] if isinstance(member, list) else member for member in members]


def _references(value):
    """The uuids of a set of them."""
    uuids = _set(value)
    if not all(isinstance(uuid, string_types) for uuid in uuids):
        raise TypeError
    return uuids


def _one(value, kind):
    """The only member of a set as a ``kind``, None when it is empty."""
    members = _set(value)
    return kind(members[0]) if members else None


def _map(row, name):
    """The map in a column: ``["map", [[key, value], ...]]``."""
    return dict((to_text(key), to_text(value)) for key, value in row[name][1]) if name in row else {}
