# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Following Open vSwitch's database: ovsdb-server tells of every change in the columns that are looked at.

RFC 7047, 4.1: ``get_schema``, ``monitor``, ``update`` and ``echo`` over the server's unix socket, which never blocks
here.  Without the ``ovs`` library: eipoibd runs where that is not installed, and importing it takes longer than a pass.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import json
import socket

from plugin_lib._compat import fs_path
from plugin_lib.host.switch import ALL_COLUMNS, DATABASE, Tables, known_columns

_CHUNK = 65536
_MOST = 64 * 1024 * 1024  # what no node's answer reaches
_SCHEMA, _MONITOR = 'schema', 'monitor'  # the ids of our two requests
_BLOCKS = (errno.EAGAIN, errno.EWOULDBLOCK)


class Monitor(object):
    """A connection.

    :param path: of the server's socket
    :raises EnvironmentError: when nobody listens there
    """

    def __init__(self, path):
        # type: (str) -> None
        self._path = path
        self._text = b''
        self._tables = None  # until the first answer to the request
        self._snapshot = None
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.setblocking(False)
            self._socket.connect(fs_path(path))
            self._request(_SCHEMA, 'get_schema', [DATABASE])
        except EnvironmentError:
            self._socket.close()
            raise

    def fileno(self):
        # type: () -> int
        return self._socket.fileno()

    def close(self):
        # type: () -> None
        self._socket.close()

    @property
    def snapshot(self):
        # type: () -> object
        """The switch.Snapshot of now, the same object while nothing changes; None until the server has told."""
        if self._snapshot is None and self._tables is not None:
            self._snapshot = self._tables.snapshot()
        return self._snapshot

    @property
    def problems(self):
        # type: () -> list
        """Lines about rows that make no sense."""
        return sorted(self._tables.problems.values()) if self._tables is not None else []

    def read(self):
        # type: () -> bool
        """Take what the server has sent; whether the snapshot is another one.

        :raises EnvironmentError: when the connection is over or the answers are not a database's: then close it
        """
        self._receive()
        changed = False
        for message in self._messages():
            changed = self._take(message) or changed
        return changed

    def _receive(self):
        while True:
            try:
                data = self._socket.recv(_CHUNK)
            except EnvironmentError as error:
                if error.errno in _BLOCKS:
                    return
                if error.errno != errno.EINTR:
                    raise
            else:
                if not data:
                    raise self._failure(errno.ECONNRESET, 'ovsdb-server has closed the connection')
                self._text += data
                if len(self._text) > _MOST:
                    raise self._nonsense()

    def _messages(self):
        """The whole messages that have come.  One can only end where a brace does, so a cut one is rarely looked at."""
        if self._text[:1] not in (b'', b'{'):
            raise self._nonsense()
        if not self._text.endswith(b'}'):
            return []
        text, messages, at = self._text.decode('utf-8', 'replace'), [], 0
        while at < len(text):
            try:
                message, at = _DECODER.raw_decode(text, idx=at)  # by name, else not in Python 2.6
            except ValueError:
                break  # the brace ends an inner object of a message of which more is to come
            except RuntimeError:  # nested beyond what the interpreter bears
                raise self._nonsense()
            messages.append(message)
        self._text = text[at:].encode('utf-8')
        return messages

    def _take(self, message):
        try:
            if message.get('method') == 'echo':
                self._send({'id': message['id'], 'result': message['params'], 'error': None})
            elif message.get('method') == 'update':
                self._update(message['params'][1])
                return True
            elif message.get('error') is not None:
                raise self._failure(errno.EPROTO, 'ovsdb-server has refused: {0}'.format(message['error']))
            elif message.get('id') == _SCHEMA:
                columns = known_columns(ALL_COLUMNS, message['result'])
                if any('name' not in names for names in columns.values()):
                    raise self._nonsense()
                self._request(_MONITOR, 'monitor', [DATABASE, None, dict(
                    (table, [{'columns': [name for name in names if name != '_uuid']}])
                    for table, names in columns.items() if names)])
            elif message.get('id') == _MONITOR:
                self._tables = Tables()
                self._update(message['result'])
                return True
        except (AttributeError, KeyError, IndexError, TypeError, ValueError):
            self._tables = self._snapshot = None  # half of the answer may be in there
            raise self._nonsense()
        return False

    def _update(self, updates):
        for table in ALL_COLUMNS:
            for uuid, change in updates.get(table, {}).items():
                self._tables.put(table, uuid, change.get('new'))
        self._snapshot = None

    def _request(self, name, method, parameters):
        self._send({'id': name, 'method': method, 'params': parameters})

    def _send(self, message):
        self._socket.sendall(json.dumps(message).encode('utf-8'))

    def _nonsense(self):
        return self._failure(errno.EBADMSG, 'its answers are not those of Open vSwitch\'s database')

    def _failure(self, number, why):
        return EnvironmentError(number, why, self._path)


_DECODER = json.JSONDecoder()
