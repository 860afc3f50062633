# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Open vSwitch's database: requests with a time limit, and what the bridges look like.

ovs-vswitchd writes the ``next_cfg`` that it has taken into ``cur_cfg`` (ovs-vswitchd.conf.db(5)).  What it has not
taken is in the database only, and no bridge of this machine.

Runs with the ``ovs`` library from 2.4 to 4.0; Ubuntu 14.04's 2.0 has the same
interface as far as it is used here.  The library is imported when the database's
socket exists, and not before: that takes longer than everything else a hook does
on a node without Open vSwitch.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import json
import os

from plugin_lib._compat import fs_path, integer_types, to_text
from plugin_lib.errors import ApplyError
from plugin_lib.host.switch import COLUMNS, DATABASE, SOCKET, Tables, known_columns

TIME_LIMIT = 10
SILENT = 'ovsdb-server has not answered'
CHECK_SERVER = 'check that ovsdb-server runs: service openvswitch-switch status'
LATE = 'ovs-vswitchd has not taken the configuration'
CHECK_SWITCH = 'check that ovs-vswitchd runs: service openvswitch-switch status; then run again'
_SERIALS = ('cur_cfg', 'next_cfg')
_POLL = 50  # milliseconds


def read(root='/', time_limit=TIME_LIMIT):
    # type: (str, float) -> Snapshot
    """What Open vSwitch on this machine looks like, or None without Open vSwitch.

    :param root: the folder that holds ``var/run/openvswitch/db.sock``
    :param time_limit: seconds that each answer, and ovs-vswitchd with what the database says, may take
    :raises ApplyError: when the database does not answer in time, ovs-vswitchd does not take what it says, or the
        ``ovs`` library is missing
    """
    if not os.path.exists(fs_path(os.path.join(root, SOCKET))):
        return None
    server = Server(root, time_limit)
    try:
        _wait_for_switch(server)
        return _tables(server).snapshot()
    except (AttributeError, IndexError, KeyError, TypeError):
        raise server.failure('what it answers makes no sense', 'see the log of ovsdb-server')
    finally:
        server.close()


def answer(root='/', time_limit=TIME_LIMIT):
    # type: (str, float) -> list
    """What the database answers when it is asked for what :func:`read` reads, as texts; none without Open vSwitch.

    For whoever only wants to know whether something has changed: it takes the standard library alone, and a tenth of
    the time.  The rows are sorted, since the server tells them in another order now and then.

    :raises EnvironmentError: when the database does not answer in time, or not as one does, or ovs-vswitchd has not
        taken what it says
    """
    path = os.path.join(root, SOCKET)
    if not os.path.exists(fs_path(path)):
        return []
    import socket
    # The last, since what comes behind an error is not answered: an old database may lack a column.
    selects = _selects(COLUMNS) + _selects({'Open_vSwitch': _SERIALS})
    request = {'id': 0, 'method': 'transact', 'params': [DATABASE] + selects}
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(time_limit)
        connection.connect(fs_path(path))
        connection.sendall(json.dumps(request).encode('ascii'))
        received, document = b'', None
        while document is None:
            data = connection.recv(65536)
            if not data:
                raise EnvironmentError(errno.ECONNRESET, os.strerror(errno.ECONNRESET), path)
            received += data
            document = _whole(received)
        results = document['result']
        taken, wanted = _serials(results.pop())
        if taken < wanted:
            raise EnvironmentError(errno.EAGAIN, LATE, path)
        return sorted(json.dumps(row, sort_keys=True) for result in results
                      for row in (result or {}).get('rows', [result]))
    except (AttributeError, IndexError, KeyError, TypeError):
        raise EnvironmentError(errno.EPROTO, os.strerror(errno.EPROTO), path)
    finally:
        connection.close()


class Server(object):
    """A connection to ovsdb-server.

    :param root: the folder that holds the socket
    :param time_limit: seconds that each wait may take
    :raises ApplyError: when nothing listens there, or the ``ovs`` library is missing
    """

    def __init__(self, root='/', time_limit=TIME_LIMIT):
        self.remote = str('unix:') + os.path.abspath(fs_path(os.path.join(root, SOCKET)))
        self.time_limit = time_limit
        try:
            import ovs.jsonrpc
            import ovs.stream
        except ImportError as error:
            raise self.failure('{0}'.format(error), 'install python-openvswitch or python3-openvswitch')
        error, stream = ovs.stream.Stream.open(self.remote)
        if error:
            raise self.failure(os.strerror(error))
        self._connection = ovs.jsonrpc.Connection(stream)
        self._message = ovs.jsonrpc.Message

    def close(self):
        self._connection.close()

    def request(self, method, parameters):
        # type: (str, list) -> object
        """The result of a JSON-RPC request of RFC 7047.

        :raises ApplyError: when the server refuses it or does not answer in time
        """
        self._connection.send(self._message.create_request(method, parameters))
        message = self.wait(self._receive, self._register)
        if message.error is not None:
            raise self.failure('it refused {0}: {1}'.format(method, to_text(message.error)))
        return message.result

    def schema(self):
        # type: () -> dict
        """The schema of the database as it runs: the file on the disk may belong to another version."""
        return self.request('get_schema', [DATABASE])

    def wait(self, step, register, why=SILENT, todo=CHECK_SERVER):
        """Call ``step`` until it returns something true, and return that; sleep in between.

        :param register: called with an ovs.poller.Poller, tells it what to wake up for
        :param why: the reason of the error, when that takes longer than the time limit
        :raises ApplyError: at the time limit
        """
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
            register(poller)
            poller.timer_wait(left)
            poller.block()

    def failure(self, why, todo=CHECK_SERVER):
        # type: (str, str) -> ApplyError
        return ApplyError('cannot use the Open vSwitch database', to_text(self.remote[len('unix:'):]), why, todo)

    def _receive(self):
        self._connection.run()
        if self._connection.parser is None:
            self._connection.parser = _Parser()
        error, message = self._connection.recv()
        if error == errno.EAGAIN:
            return None
        if error:
            raise self.failure('the connection was closed' if error < 0 else os.strerror(error))
        return message

    def _register(self, poller):
        self._connection.wait(poller)
        self._connection.recv_wait(poller)


class _Parser(object):
    """Takes the place of ovs.json.Parser, which reads one character at a time where it is not compiled.

    It reads one message: there is never more than one request on its way.
    """

    def __init__(self):
        self._text = []
        self._value = None

    def feed(self, text):
        self._text.append(text)
        if text.endswith('}'):
            try:
                self._value = json.loads(''.join(self._text))
            except ValueError:
                pass  # the brace ends an inner object, where the stream was cut
        return len(text)

    def is_done(self):
        return self._value is not None

    def finish(self):
        return self._value


def _tables(server):
    """The Tables of one moment."""
    rows = _select(server, COLUMNS)
    if rows is None:
        rows = _select(server, known_columns(COLUMNS, server.schema()))
    if rows is None:
        raise server.failure('it does not have the tables of Open vSwitch')
    tables = Tables()
    for table in rows:
        for number, row in enumerate(rows[table]):
            tables.put(table, row['_uuid'][1] if '_uuid' in row else number, row)
    return tables


def _wait_for_switch(server):
    """Wait until ovs-vswitchd works with what the database says now, whatever is asked of it meanwhile."""
    def serials():
        return _serials(server.request('transact', [DATABASE] + _selects({'Open_vSwitch': _SERIALS}))[0])

    taken, wanted = serials()
    if taken < wanted:
        server.wait(lambda: serials()[0] >= wanted, lambda poller: poller.timer_wait(_POLL), LATE, CHECK_SWITCH)


def _serials(result):
    """(the configuration that ovs-vswitchd works with, the one that it is to) from the row of Open_vSwitch, alike where
    there is none.

    :raises TypeError: when they are no numbers
    """
    for row in (result or {}).get('rows', ()):
        serials = tuple(row[name] for name in _SERIALS)
        if not all(isinstance(each, integer_types) for each in serials):
            raise TypeError
        return serials
    return 0, 0


def _select(server, columns):
    """{table: list of rows}; None when a table or column is not there."""
    results = server.request('transact', [DATABASE] + _selects(columns))
    if any(result is None or 'error' in result for result in results):
        return None
    return dict((name, results[index]['rows']) for index, name in enumerate(sorted(columns)))


def _selects(columns):
    return [{'op': 'select', 'table': name, 'where': [], 'columns': list(columns[name])} for name in sorted(columns)]


def _whole(text):
    """A JSON object, None while it is cut, which may be behind the brace of an inner one."""
    if text.endswith(b'}'):
        try:
            return json.loads(text.decode('utf-8'))
        except ValueError:
            pass
    return None
