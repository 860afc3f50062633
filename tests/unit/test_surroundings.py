# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Following Open vSwitch's database on a socket whose other end is played here; the real server: test_ovs_vifs.

Covered: what is asked, of an older schema too; rows that come, change, go and make no sense; answers cut at every byte,
two at once, echo; refusals and nonsense; a server that is not there, goes, comes back; Open vSwitch that is not there.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import json
import os
import shutil
import socket
import sys
import tempfile

import pytest

from plugin_lib._compat import readable
from plugin_lib.host import topology
from plugin_lib.host.links import Link, Links
from plugin_lib.host.namespaces import OWN
from plugin_lib.host.ovs_monitor import Monitor
from plugin_lib.host.switch import ALL_COLUMNS
from plugin_lib.host.topology import Surroundings

SCHEMA = {'tables': dict((table, {'columns': dict((name, {}) for name in names if name != '_uuid')})
                         for table, names in ALL_COLUMNS.items())}
ROWS = {
    'Bridge': {'b': {'new': {'name': 'br-int', 'datapath_type': '', 'external_ids': ['map', []],
                             'ports': ['set', [['uuid', 'p'], ['uuid', 'gone']]]}}},
    'Port': {'p': {'new': {'name': 'qr-1', 'tag': 100, 'trunks': ['set', []], 'vlan_mode': ['set', []],
                           'external_ids': ['map', []], 'interfaces': ['uuid', 'i'],
                           'other_config': ['map', [['network_type', 'vlan']]]}}},
    'Interface': {'i': {'new': {'name': 'qr-1', 'type': 'internal', 'options': ['map', []],
                                'external_ids': ['map', [['attached-mac', 'fa:16:3e:00:00:01']]],
                                'mac_in_use': 'fa:16:3e:00:00:09', 'mac': ['set', []], 'ofport': 3}}},
}


class Server(object):
    """The other end, below a root folder."""

    def __init__(self, root):
        self.path = os.path.join(root, 'var/run/openvswitch/db.sock')
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self.path)
        self._listener.listen(1)
        self._peer = None

    def accept(self):
        self._peer = self._listener.accept()[0]

    def asked(self):
        return json.loads(self._peer.recv(65536).decode('utf-8'))

    def send(self, *messages):
        for message in messages:
            self._peer.sendall(json.dumps(message).encode('utf-8') if isinstance(message, dict) else message)

    def close(self):
        for end in (self._peer, self._listener):
            if end:
                end.close()
        os.unlink(self.path)


@pytest.fixture
def root():
    folder = tempfile.mkdtemp()  # a socket's path is at most 107 characters, which tmpdir's may exceed
    os.makedirs(os.path.join(folder, 'var/run/openvswitch'))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def server(root):
    server = Server(root)
    yield server
    if os.path.exists(server.path):
        server.close()


@pytest.fixture
def monitor(server):
    monitor = Monitor(server.path)
    server.accept()
    yield monitor
    monitor.close()


def answer(server, monitor, rows=None, schema=SCHEMA):
    """Answer the two requests; what was asked for."""
    assert server.asked()['method'] == 'get_schema'
    server.send({'id': 'schema', 'result': schema, 'error': None})
    assert monitor.read() is False
    wanted = server.asked()
    server.send({'id': 'monitor', 'result': ROWS if rows is None else rows, 'error': None})
    assert monitor.read() is True
    return wanted['params'][2]


def update(**tables):
    return {'id': None, 'method': 'update', 'params': [None, tables]}


def refused(call):
    with pytest.raises(EnvironmentError) as caught:
        call()
    return caught.value.errno


def test_the_first_answer(server, monitor):
    assert monitor.snapshot is None
    answer(server, monitor)
    found = monitor.snapshot
    assert found.bridges['br-int'].name == 'br-int'
    port, interface = found.ports['qr-1'], found.interfaces['qr-1']
    assert (port.bridge, port.tag, port.trunks, port.vlan_mode) == ('br-int', 100, (), None)
    assert (port.interfaces, port.other_config) == (('qr-1',), {'network_type': 'vlan'})
    assert (interface.type, interface.mac, interface.ofport) == ('internal', None, 3)
    assert interface.external_ids == {'attached-mac': 'fa:16:3e:00:00:01'}
    assert monitor.snapshot is found, 'it is not made anew while nothing changes'


def test_what_is_asked_for(server, monitor):
    wanted = answer(server, monitor)
    assert dict((table, each[0]['columns']) for table, each in wanted.items()) == dict(
        (table, [name for name in names if name != '_uuid']) for table, names in ALL_COLUMNS.items())


def test_columns_that_an_older_schema_lacks(server, monitor):
    older = json.loads(json.dumps(SCHEMA))
    for table, name in (('Port', 'other_config'), ('Interface', 'mac_in_use'), ('Interface', 'ofport')):
        del older['tables'][table]['columns'][name]
    rows = json.loads(json.dumps(ROWS))
    for name in ('mac_in_use', 'ofport'):
        del rows['Interface']['i']['new'][name]
    del rows['Port']['p']['new']['other_config']
    wanted = answer(server, monitor, rows, older)
    assert 'mac_in_use' not in wanted['Interface'][0]['columns']
    assert monitor.snapshot.interfaces['qr-1'].mac_in_use is None
    assert monitor.snapshot.ports['qr-1'].other_config == {}


def test_rows_that_change_and_go(server, monitor):
    answer(server, monitor)
    new = dict(ROWS['Port']['p']['new'], tag=['set', []], trunks=['set', [7, 5]])
    server.send(update(Port={'p': {'old': {'tag': 100}, 'new': new}}))
    assert monitor.read() is True
    assert (monitor.snapshot.ports['qr-1'].tag, monitor.snapshot.ports['qr-1'].trunks) == (None, (5, 7))
    server.send(update(Port={'p': {'old': new}}, Interface={'i': {'old': ROWS['Interface']['i']['new']}}))
    assert monitor.read() is True
    assert (monitor.snapshot.ports, monitor.snapshot.interfaces) == ({}, {})


@pytest.mark.parametrize('table, row', [
    ('Port', {'name': 'qr-1'}), ('Port', dict(ROWS['Port']['p']['new'], tag='x')), ('Port', 7), ('Interface', {}),
    ('Interface', dict(ROWS['Interface']['i']['new'], external_ids='x')), ('Bridge', {'name': 'b', 'ports': 5}),
    ('Interface', dict(ROWS['Interface']['i']['new'], ofport='x')),
    ('Interface', dict(ROWS['Interface']['i']['new'], ofport=float('inf'))),
    ('Bridge', {'name': 'b', 'external_ids': ['map', []], 'ports': ['set', [['uuid', ['p']]]]}),
])
def test_a_row_that_makes_no_sense_is_one_message_and_the_others_stay(server, monitor, table, row):
    answer(server, monitor)
    server.send(update(**{str(table): {'other': {'new': row}}}))
    monitor.read()
    assert list(monitor.snapshot.ports) == ['qr-1']
    assert [line.startswith('Open vSwitch: a row of {0} that makes no sense'.format(table)) for line in
            monitor.problems] == [True]
    server.send(update(**{str(table): {'other': {'old': row}}}))
    monitor.read()
    assert monitor.problems == []


def test_answers_that_are_cut_at_every_byte(server, monitor):
    answer(server, monitor)
    data = json.dumps(update(Port={'p': {'old': {}}})).encode('utf-8')
    for at in range(len(data) - 1):
        server.send(data[at:at + 1])
        assert monitor.read() is False
    server.send(data[-1:] + json.dumps(update()).encode('utf-8'))
    assert monitor.read() is True
    assert monitor.snapshot.ports == {}


def test_echo_is_answered(server, monitor):
    answer(server, monitor)
    server.send({'id': 'echo', 'method': 'echo', 'params': []})
    assert monitor.read() is False
    assert server.asked() == {'id': 'echo', 'result': [], 'error': None}


@pytest.mark.parametrize('message', [b'nonsense', b'["not", "an", "object"]', b'{"id": "schema", "result": 5}',
                                     b'{"method": "update"}', b'{"method": "update", "params": [null, 5]}'])
def test_nonsense(server, monitor, message):
    server.send(message)
    assert refused(monitor.read) == errno.EBADMSG


def test_a_refusal_and_an_end(server, monitor):
    server.send({'id': 'schema', 'result': None, 'error': 'unknown database'})
    assert refused(monitor.read) == errno.EPROTO
    server.close()
    assert refused(monitor.read) == errno.ECONNRESET


# Surroundings.

class Source(object):
    def __init__(self):
        self.interfaces = dict((name, Link(name, index, kind, 1, 1500, '', 'up', None, None, None, None))
                               for index, (name, kind) in enumerate((('eth4', 1), ('ib0.8064', 32))))

    def links(self):
        return self.interfaces


def test_without_open_vswitch(root):
    shutil.rmtree(os.path.join(root, 'var'))
    sys.modules.pop('plugin_lib.host.ovs_monitor', None)
    around = Surroundings(Source(), root)
    found = around.settle()
    assert (found.switch, found.known, found.problems) == (None, True, ())
    assert list(found.namespaces[OWN]) == ['eth4'], 'InfiniBand interfaces are no part of it'
    assert (around.sources(), around.pause()) == ([], None)
    assert 'plugin_lib.host.ovs_monitor' not in sys.modules


def test_news_is_taken_also_where_nobody_reads_it_yet(root):
    links, (events, kernel) = Links(), socket.socketpair()
    events.setblocking(False)
    links._events, links._links = events, {'qr-1': 'as it was'}
    kernel.send(b'RTM_NEWLINK')
    assert readable([links], 0) == [links]
    assert Surroundings(Source(), root).take(links) is True
    assert readable([links], 0) == [], 'a pass that failed before it read them would never sleep again'
    assert links._links is None, 'the next look asks the kernel'
    events.close()
    kernel.close()


def test_the_database_comes_goes_and_comes_back(root, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(topology, 'monotonic', lambda: now[0])
    around = Surroundings(Source(), root)
    around.follow()
    assert (around.read().known, around.pause()) == (False, None), 'it is installed, and nobody has told yet'
    server = Server(root)
    around.follow()
    server.accept()
    (monitor,) = around.sources()
    answer(server, monitor)
    before = around.read()
    assert (list(before.switch.ports), before.known, before.problems) == (['qr-1'], True, ())
    server.close()
    assert around.take(monitor) is True, 'which is told'
    for pause in (1, 2, 4, 8, 8):
        assert (around.sources(), around.pause()) == ([], pause), 'ever less often'
        now[0] += pause
        around.follow()
    kept = around.read()
    assert (kept.switch, kept.known) == (before.switch, True)
    assert len(kept.problems) == 1 and 'what is known of Open vSwitch is kept' in kept.problems[0]
    server = Server(root)
    now[0] += 8
    around.follow()
    assert around.pause() is None
    assert around.read().switch == before.switch, 'until it has told'
    server.accept()
    assert server.asked()['method'] == 'get_schema'
    for message in ({'id': 'schema', 'result': SCHEMA, 'error': None}, {'id': 'monitor', 'result': {}, 'error': None}):
        server.send(message)
        around.take(around.sources()[0])
    assert (around.read().switch.ports, around.read().problems) == ({}, ())
    around.close()
    server.close()
