# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Open vSwitch's database: a connection with a time limit, and what the bridges look like.

Works with the ``ovs`` library from 2.0 (Ubuntu 14.04) to today's.  The library
is imported when the database's socket exists, and not before: that takes longer
than everything else a hook does on a node without Open vSwitch.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import os
from collections import namedtuple

from plugin_lib._compat import to_text
from plugin_lib.errors import ApplyError

SOCKET = 'var/run/openvswitch/db.sock'
DATABASE = 'Open_vSwitch'
TIME_LIMIT = 10
SILENT = 'ovsdb-server has not answered'
CHECK_SERVER = 'check that ovsdb-server runs: service openvswitch-switch status'

# What is read.  Columns that an older database lacks read as empty.
COLUMNS = {
    'Open_vSwitch': ('bridges', 'cur_cfg', 'next_cfg'),
    'Bridge': ('name', 'datapath_type', 'external_ids', 'ports'),
    'Port': ('name', 'tag', 'trunks', 'vlan_mode', 'external_ids', 'interfaces'),
    'Interface': ('name', 'type', 'options', 'external_ids', 'mac_in_use', 'error'),
}
# Without these there are no bridges to speak of.
NEEDED = ('name', 'bridges', 'ports', 'interfaces')


class Bridge(namedtuple('Bridge', 'name datapath_type external_ids')):
    """A bridge; ``datapath_type`` is empty for the kernel's datapath."""

    __slots__ = ()


class Port(namedtuple('Port', 'name bridge tag trunks vlan_mode external_ids interfaces')):
    """A port of a bridge.

    :param bridge: the bridge's name
    :param tag: its VLAN, or None
    :param trunks: sorted tuple of VLANs; **empty means all of them**
    :param vlan_mode: ``trunk``, ``access``, ``native-untagged``..., None where it follows from tag and trunks
    :param interfaces: names, sorted: several on a bond
    """

    __slots__ = ()


class Interface(namedtuple('Interface', 'name type options external_ids mac_in_use')):
    """An interface of a port.

    :param type: empty for a network interface of the system, ``internal``, ``patch``...
    :param options: {name: text}: ``peer`` of a patch port
    :param mac_in_use: its MAC as text, None where ovs-vswitchd has not told
    """

    __slots__ = ()


class Snapshot(namedtuple('Snapshot', 'bridges ports interfaces')):
    """One consistent state of the database: {name: Bridge}, {name: Port}, {name: Interface}."""

    __slots__ = ()


def read(root='/', time_limit=TIME_LIMIT):
    # type: (str, float) -> Snapshot
    """What Open vSwitch on this machine looks like, or None without Open vSwitch.

    :param root: the folder that holds ``var/run/openvswitch/db.sock``
    :param time_limit: seconds
    :raises ApplyError: when the database does not answer in time, or the ``ovs`` library is missing
    """
    if not os.path.exists(os.path.join(root, SOCKET)):
        return None
    database = Database(root, time_limit)
    try:
        return database.snapshot()
    finally:
        database.close()


class Database(object):
    """A connection to the database, with its content: ``idl`` is the ovs.db.idl.Idl.

    :param root: the folder that holds the socket
    :param time_limit: seconds that each wait may take
    :raises ApplyError: when the database does not answer in time, or the ``ovs`` library is missing
    """

    def __init__(self, root='/', time_limit=TIME_LIMIT):
        self.socket = os.path.abspath(os.path.join(root, SOCKET))
        self.time_limit = time_limit
        self.idl = None
        try:
            import ovs.db.idl
        except ImportError as error:
            raise self.failure('{0}'.format(error), 'install python-openvswitch or python3-openvswitch')
        helper = ovs.db.idl.SchemaHelper(schema_json=self._schema())
        for table, columns in self._known_columns(helper.schema_json).items():
            helper.register_columns(table, columns)
        self.idl = ovs.db.idl.Idl(self._remote(), helper)
        try:
            self.run_until(lambda: self.idl.change_seqno)
        except ApplyError:
            self.close()
            raise

    def close(self):
        self.idl.close()

    def rows(self, table):
        """The rows of a table."""
        return list(self.idl.tables[table].rows.values())

    def snapshot(self):
        # type: () -> Snapshot
        """The database's content now."""
        bridges, ports, interfaces = {}, {}, {}
        for bridge in self.rows('Bridge'):
            bridges[bridge.name] = Bridge(bridge.name, column(bridge, 'datapath_type', ''),
                                          column(bridge, 'external_ids', {}))
            for port in bridge.ports:
                ports[port.name] = _port(port, bridge.name)
                for interface in port.interfaces:
                    interfaces[interface.name] = _interface(interface)
        return Snapshot(bridges, ports, interfaces)

    def run_until(self, done, why=SILENT, todo=CHECK_SERVER):
        """Follow the database until ``done()`` is true.

        :param why: the reason of the error, when that does not happen within the time limit
        :raises ApplyError: at the time limit
        """
        def step():
            self.idl.run()
            return done()
        self._wait(step, self.idl.wait, why, todo)

    def failure(self, why, todo=CHECK_SERVER):
        # type: (str, str) -> ApplyError
        return ApplyError('cannot use the Open vSwitch database', self.socket, why, todo)

    def _remote(self):
        return str('unix:' + self.socket)

    def _wait(self, step, wait, why=SILENT, todo=CHECK_SERVER):
        """Call ``step`` until it returns something true; between calls sleep until what ``wait`` registers happens."""
        import ovs.poller
        import ovs.timeval

        deadline = ovs.timeval.msec() + int(self.time_limit * 1000)
        while True:
            done = step()
            if done:
                return done
            left = deadline - ovs.timeval.msec()
            if left <= 0:
                raise self.failure('{0} within {1:g} s'.format(why, self.time_limit), todo)
            poller = ovs.poller.Poller()
            wait(poller)
            poller.timer_wait(left)
            poller.block()

    def _schema(self):
        """The schema of the database that runs: the file on the disk may belong to another version."""
        import ovs.jsonrpc
        import ovs.stream

        error, stream = ovs.stream.Stream.open(self._remote())
        if error:
            raise self.failure(os.strerror(error))
        connection = ovs.jsonrpc.Connection(stream)
        request = ovs.jsonrpc.Message.create_request('get_schema', [DATABASE])

        def answer():
            connection.run()
            error, message = connection.recv()
            if error == errno.EAGAIN:
                return None
            if error:
                raise self.failure('the connection was closed' if error < 0 else os.strerror(error))
            return message

        def wait(poller):
            connection.wait(poller)
            connection.recv_wait(poller)

        try:
            connection.send(request)
            message = self._wait(answer, wait)
        finally:
            connection.close()
        if message.error is not None or not isinstance(message.result, dict):
            raise self.failure('it has no database {0}: {1}'.format(DATABASE, to_text(message.error)))
        return message.result

    def _known_columns(self, schema):
        """{table: columns that we read and the schema has}; native strings, the library insists on them."""
        known = {}
        for table, columns in COLUMNS.items():
            there = schema.get('tables', {}).get(table, {}).get('columns', {})
            missing = [name for name in columns if name in NEEDED and name not in there and
                       (table, name) != ('Open_vSwitch', 'name')]
            if missing:
                raise self.failure('its table {0} has no column {1}'.format(table, ', '.join(missing)))
            known[str(table)] = [str(name) for name in columns if name in there]
        return known


def column(row, name, default):
    """The value of a column that an older database may lack."""
    return getattr(row, name, default)


def optional(row, name):
    """The value of an optional column, None where it is unset or unknown to the database."""
    values = column(row, name, [])
    return values[0] if values else None


def _port(row, bridge):
    return Port(row.name, bridge, optional(row, 'tag'), tuple(sorted(column(row, 'trunks', []))),
                optional(row, 'vlan_mode'), column(row, 'external_ids', {}),
                tuple(sorted(interface.name for interface in row.interfaces)))


def _interface(row):
    return Interface(row.name, column(row, 'type', ''), column(row, 'options', {}), column(row, 'external_ids', {}),
                     optional(row, 'mac_in_use'))
