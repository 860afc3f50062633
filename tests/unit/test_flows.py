# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""VLANs that flows change: which bridges are asked, what their answers mean, and answers that are none."""
from __future__ import absolute_import, print_function, unicode_literals

import os
import shutil
import socket
import struct
import tempfile
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin_lib.host import flows
from plugin_lib.planning.talkers import find
from tests.model.network import Network

MAC = 'fa:16:3e:00:00:01'
FROM_BR_INT = 'br-prv--br-int'
ERROR, BARRIER = struct.pack(str('!BBHI'), 1, 1, 8, 1), struct.pack(str('!BBHI'), 1, 19, 8, 1)
HELLO = struct.pack(str('!BBHI'), 6, 0, 16, 1) + b'\0\1\0\x08\0\0\0\x12'


@pytest.fixture
def net():
    """A router's port on br-int, whose network Neutron has told nobody but the flows of br-prv; eth4 in br-prv."""
    net = Network()
    net.add_switch('br-int', 'br-prv')
    net.patch('br-int', 'br-prv', near={'ofport': 1}, far={'ofport': 7})
    net.plug('br-prv', 'eth4')
    net.add_port('br-int', 'qr-1', tag=2, mac=MAC, external_ids={'iface-id': 'x'})
    return net


class Bridge(object):
    """A management socket ``br-prv.mgmt`` that answers every connection with these bytes, and then closes it."""

    def __init__(self, answer):
        self.folder = tempfile.mkdtemp()
        self._answer = answer
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(os.path.join(self.folder, 'br-prv.mgmt'))
        self._listener.listen(1)
        self._thread = threading.Thread(target=self._serve)
        self.asked = b''

    def _serve(self):
        connection, _ = self._listener.accept()
        connection.sendall(self._answer)
        while len(self.asked) < 64:  # a hello and a request for flows
            self.asked += connection.recv(64)
        connection.close()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._thread.join()
        self._listener.close()
        shutil.rmtree(self.folder)


def flow(vlan, *actions):
    match = struct.pack(str('!IH12xHBxHBB2xIIHH'), 0x3ffffe if vlan is None else 0x3ffffc, 7, vlan or 0,
                        0, 0, 0, 0, 0, 0, 0, 0)
    body = b''.join(struct.pack(str('!HHHH'), kind, 8, number, 0) for kind, number in actions)
    return struct.pack(str('!HBx'), 88 + len(body), 0) + match + b'\0' * 44 + body


def reply(*entries, **more):
    body = struct.pack(str('!HH'), 1, 1 if more else 0) + b''.join(entries)
    return struct.pack(str('!BBHI'), 1, 17, 8 + len(body), 1) + body


def asked(net, answer):
    with Bridge(answer) as bridge:
        found = flows.changes(bridge.folder, net.topology().switch)
    assert struct.unpack(str('!H'), bridge.asked[24:26]) == (7,), 'only the flows of the patch are asked for'
    return found


def test_the_network_of_a_silent_port_is_that_of_the_flows(net):
    found = asked(net, HELLO + BARRIER + reply(flow(2, (1, 1001), (0, 0xfffa)), flow(3, (1, 1002)), more=True) +
                  reply(flow(4, (3, 0)), flow(0xffff, (1, 5)), flow(5, (0, 1)), flow(None, (1, 6)), flow(6)))
    assert found == {(FROM_BR_INT, 2): 1001, (FROM_BR_INT, 3): 1002, (FROM_BR_INT, 4): 0, (FROM_BR_INT, 0): 5}
    topology = net.topology()._replace(flows=found)
    assert list(find(topology, ('eth4',)).by_eipoib['eth4']) == [(MAC, 1001)]


@pytest.mark.parametrize('port', [
    {'tag': 2, 'other_config': {'network_type': 'vlan', 'segmentation_id': '1001'}, 'external_ids': {'iface-id': 'x'}},
    {'tag': 2},
    {'external_ids': {'iface-id': 'x'}},
    {'tag': 4095, 'external_ids': {'iface-id': 'x'}},
])
def test_nobody_is_asked_where_no_port_is_silent(net, port):
    net.unplug('qr-1')
    net.add_port('br-int', 'qr-1', mac=MAC, **port)
    assert flows.changes('/nowhere', net.topology().switch) == {}


@pytest.mark.parametrize('answer', [b'', HELLO, HELLO + ERROR, reply(b'\0' * 88), reply(flow(2, (1, 1001))[:-4]),
                                    struct.pack(str('!BBHI'), 1, 17, 0, 1), struct.pack(str('!BBHI'), 4, 19, 8, 1)])
def test_an_answer_that_is_none_is_an_error_with_the_socket(net, answer):
    with pytest.raises(EnvironmentError) as caught:
        asked(net, answer)
    assert caught.value.filename.endswith('br-prv.mgmt')


def test_a_bridge_that_is_not_there_is_an_error(net):
    with pytest.raises(EnvironmentError):
        flows.changes('/nowhere', net.topology().switch)


@settings(max_examples=200)
@given(st.binary(max_size=400))
def test_any_answer(body):
    try:
        flows._entries(body)
    except struct.error:
        pass
