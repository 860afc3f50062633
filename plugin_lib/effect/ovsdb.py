# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""An OvsTransaction, done: one transaction of OVSDB, and proof that ovs-vswitchd took it.

Everything that is read before it is written is verified by the server when it
commits.  When somebody else changed that in between, nothing is written, and
the changes are composed again on what is there now.
"""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib.errors import ApplyError
from plugin_lib.host.ovsdb import CHECK_SERVER, CHECK_SWITCH, LATE, SILENT, TIME_LIMIT, Server
from plugin_lib.host.switch import known_columns
from plugin_lib.planning.ovs_changes import (
    MARK,
    OWNED,
    TRUNKS,
    AddBond,
    AddBridge,
    AddPort,
    DelBridge,
    DelPort,
    RequestMtu,
    SetVlans,
)

ATTEMPTS = 5
COLUMNS = {
    'Open_vSwitch': ('bridges', 'cur_cfg', 'next_cfg'),
    'Bridge': ('name', 'datapath_type', 'external_ids', 'ports'),
    'Port': ('name', 'tag', 'trunks', 'vlan_mode', 'external_ids', 'interfaces', 'bond_mode'),
    'Interface': ('name', 'type', 'options', 'error', 'mtu_request'),  # 2.0 has neither error nor mtu_request
}


def apply(transaction, root='/', time_limit=TIME_LIMIT):
    # type: (OvsTransaction, str, float) -> None
    """Make the changes of an OvsTransaction, as far as they are not there already.

    :param root: the folder that holds ``var/run/openvswitch/db.sock``
    :param time_limit: seconds that the database, and then ovs-vswitchd, may take to answer
    :raises ApplyError: when nothing was changed (no answer, refused, the plan is out of date),
        or when ovs-vswitchd does not take what was committed
    """
    database = _Database(root, time_limit)
    try:
        for _ in range(ATTEMPTS):
            seen = database.idl.change_seqno
            done, serial = _commit(database, transaction)
            if done:
                break
            database.run_until(lambda before=seen: database.idl.change_seqno != before)
        else:
            raise database.failure('other programs changed it in each of {0} attempts'.format(ATTEMPTS), 'run again')
        errors = _errors(database, serial, transaction) if serial is not None else ()
        if errors:
            raise database.failure('ovs-vswitchd cannot use a port: {0}'.format('; '.join(errors)),
                                   'see the log of ovs-vswitchd')
    finally:
        database.close()


def _commit(database, transaction):
    """One attempt: (whether it is done, the next_cfg to wait for or None when nothing had to be written)."""
    from ovs.db.idl import Transaction

    txn = Transaction(database.idl)
    try:
        draft = _Draft(database, txn)
        for change in transaction.changes:
            draft.add(change)
    except ApplyError:
        txn.abort()
        raise
    txn.add_comment(str('fuel-infiniband: ' + transaction.describe()))
    draft.root.increment('next_cfg')  # without it nobody could tell when ovs-vswitchd is done
    status = database.committed(txn)
    if status == Transaction.UNCHANGED:
        return True, None
    if status == Transaction.SUCCESS:
        return True, txn.get_increment_new_value()
    if status == Transaction.TRY_AGAIN:
        return False, None
    raise database.failure('it refused the transaction: {0}'.format(txn.get_error()),
                           'see the log of ovsdb-server, then run again')


def _errors(database, serial, transaction):
    """The errors about ports that we added, sorted, when ovs-vswitchd works with the configuration ``serial``."""
    database.run_until(lambda: database.rows('Open_vSwitch')[0].cur_cfg >= serial, LATE, CHECK_SWITCH)
    added = set(name for change in transaction.changes if isinstance(change, (AddBond, AddPort))
                for name in getattr(change, 'interfaces', (change.name,)))
    return sorted('{0}: {1}'.format(row.name, row.error[0]) for row in database.rows('Interface')
                  if row.name in added and database.has('Interface', 'error') and row.error)


class _Database(object):
    """A copy of the database that follows it: ``idl`` is the ovs.db.idl.Idl.

    :raises ApplyError: when the database does not answer in time, or the ``ovs`` library is missing
    """

    def __init__(self, root, time_limit):
        self._server = Server(root, time_limit)
        self.failure = self._server.failure
        try:
            schema = self._server.schema()
        finally:
            self._server.close()
        import ovs.db.idl
        helper = ovs.db.idl.SchemaHelper(schema_json=schema)
        for table, columns in known_columns(COLUMNS, schema).items():
            helper.register_columns(table, columns)
        self.idl = ovs.db.idl.Idl(self._server.remote, helper)
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

    def has(self, table, name):
        """Whether the database has a column; reading one that it lacks fails in another way in each library."""
        return name in self.idl.tables[table].columns

    def committed(self, txn):
        """Commit a Transaction; its last status."""
        status = txn.commit()
        if status == txn.INCOMPLETE:
            self.run_until(lambda: txn.commit() != txn.INCOMPLETE)
            status = txn.commit()
        return status

    def run_until(self, done, why=SILENT, todo=CHECK_SERVER):
        """Follow the database until ``done()`` is true; see Server.wait."""
        def step():
            self.idl.run()
            return done()
        self._server.wait(step, self.idl.wait, why, todo)


class _Draft(object):
    """The rows of an open transaction, changed one by one."""

    def __init__(self, database, txn):
        roots = database.rows('Open_vSwitch')
        if not roots:
            raise database.failure('it is empty', 'initialise it: ovs-vsctl init')
        self.root = roots[0]
        self.txn = txn
        self.database = database
        self.tables = database.idl.tables
        self.kinds = {AddBridge: self._add_bridge, DelBridge: self._del_bridge, AddPort: self._add_port,
                      AddBond: self._add_port, DelPort: self._del_port, SetVlans: self._set_vlans,
                      RequestMtu: self._request_mtu}

    def add(self, change):
        """Make one change, unless it is made already.

        :raises ApplyError: when the rows are not what they were when the plan was made
        """
        self.kinds[type(change)](change)

    def _add_bridge(self, change):
        if self._find('Bridge', change.name):
            return
        bridge = self._insert('Bridge', change.name, external_ids={MARK: OWNED}, datapath_type=change.datapath_type,
                              ports=[self._insert('Port', change.name, interfaces=[
                                  self._insert('Interface', change.name, type='internal', options={})])])
        self._write(self.root, 'bridges', self.root.bridges + [bridge])

    def _del_bridge(self, change):
        bridge = self._find('Bridge', change.name)
        if bridge is None:
            return
        if not _is_ours(bridge) or any(port.name != change.name for port in bridge.ports):
            raise self._outdated('bridge {0} is not ours alone'.format(change.name))
        for column_name in ('ports', 'external_ids'):
            bridge.verify(column_name)
        self._write(self.root, 'bridges', [row for row in self.root.bridges if row != bridge])
        self._delete_ports(bridge.ports)
        bridge.delete()

    def _add_port(self, change):
        bridge = self._find('Bridge', change.bridge)
        if bridge is None:
            raise self._outdated('there is no bridge {0}'.format(change.bridge))
        port = self._find('Port', change.name)
        if port is None:
            interfaces, more = self._interfaces(change)
            port = self._insert('Port', change.name, interfaces=interfaces, external_ids={MARK: OWNED},
                                tag=_as_set(change.tag), trunks=list(change.trunks), **more)
            self._write(bridge, 'ports', bridge.ports + [port])
        elif not _is_ours(port) or port not in bridge.ports:
            raise self._outdated('there is another port {0} by now'.format(change.name))
        else:
            self._set_vlans(change)

    def _interfaces(self, change):
        """The new Interfaces of a port that is added, and the columns that it has beside."""
        if isinstance(change, AddBond):
            return [self._insert('Interface', name, type='', options={}) for name in change.interfaces], {
                'bond_mode': ['active-backup']}
        kind = 'patch' if change.peer else 'internal' if change.internal else ''
        return [self._insert('Interface', change.name, type=kind,
                             options={'peer': change.peer} if change.peer else {})], {}

    def _del_port(self, change):
        port, bridge = self._find('Port', change.name), self._find('Bridge', change.bridge)
        if port is None:
            return
        if not _is_ours(port) or bridge is None or port not in bridge.ports:
            raise self._outdated('port {0} is not ours, or not on {1}'.format(change.name, change.bridge))
        port.verify('external_ids')
        self._write(bridge, 'ports', [row for row in bridge.ports if row != port])
        self._delete_ports([port])

    def _set_vlans(self, change):
        port = self._find('Port', change.name)
        if port is None:
            raise self._outdated('there is no port {0}'.format(change.name))
        self._write(port, 'tag', _as_set(change.tag))
        if sorted(port.trunks) != list(change.trunks):
            self._write(port, 'trunks', list(change.trunks))
        if self.database.has('Port', 'vlan_mode'):
            self._write(port, 'vlan_mode', [])
        if MARK not in port.external_ids:
            self._write(port, 'external_ids', dict(port.external_ids, **{str(MARK): TRUNKS}))

    def _request_mtu(self, change):
        interface = self._find('Interface', change.name)
        if interface is None:
            raise self._outdated('there is no interface {0}'.format(change.name))
        if self.database.has('Interface', 'mtu_request'):
            self._write(interface, 'mtu_request', [change.mtu])

    def _insert(self, table, name, **columns):
        row = self.txn.insert(self.tables[table])
        for column_name, value in dict(columns, name=name).items():
            setattr(row, column_name, value)
        return row

    def _write(self, row, column_name, value):
        """Set a column to ``value``, on condition that it still is what was read."""
        if getattr(row, column_name) != value:
            row.verify(column_name)
            setattr(row, column_name, value)

    def _delete_ports(self, ports):
        for port in ports:
            for interface in port.interfaces:
                interface.delete()
            port.delete()

    def _find(self, table, name):
        for row in self.tables[table].rows.values():
            if row.name == name:
                return row
        return None

    def _outdated(self, why):
        return self.database.failure('the plan is out of date: {0}'.format(why), 'plan and apply again')


def _is_ours(row):
    return row.external_ids.get(MARK) == OWNED


def _as_set(value):
    """An optional value as the library writes it."""
    return [] if value is None else [value]
