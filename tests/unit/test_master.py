# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The networks of an environment, asked of the Fuel master's REST API: what it answers, refuses, or leaves unanswered.

A small web server stands in for the master; its answers have the shape of nailgun's and keystone's.
"""
from __future__ import absolute_import, print_function, unicode_literals

import io
import json
import os
import threading

import pytest

from plugin_lib import cli
from plugin_lib.errors import InputError
from plugin_lib.published import master

try:
    from http.server import BaseHTTPRequestHandler, HTTPServer
except ImportError:
    from BaseHTTPServer import BaseHTTPRequestHandler, HTTPServer

NEUTRON, NOVA_NETWORK = {'networks': [{'name': 'management', 'vlan_start': 101}]}, {'networks': []}
NETWORKS = '/api/v1/clusters/1/network_configuration/neutron/'
VERSION = '/api/v1/version'
TOKEN = 'token-of-the-test'


class Nailgun(BaseHTTPRequestHandler):
    """Answers as the master's web server does."""

    def do_GET(self):  # noqa: N802
        if self.path != VERSION and self.headers.get('X-Auth-Token') != TOKEN:
            return self.tell(401, {})
        return self.tell(200 if self.path in self.server.answers else 404, self.server.answers.get(self.path, {}))

    def do_POST(self):  # noqa: N802
        asked = json.loads(self.rfile.read(int(self.headers['Content-Length'])).decode('utf-8'))['auth']
        right = asked == {'tenantName': 'admin', 'passwordCredentials': {'username': 'admin', 'password': 'right'}}
        status = 200 if right and self.path == '/keystone/v2.0/tokens' else 401
        self.tell(status, {'access': {'token': self.server.token}})

    def tell(self, status, answer):
        if answer is None:
            self.server.is_over.wait()
            return
        text = answer if isinstance(answer, bytes) else json.dumps(answer).encode('utf-8')
        self.send_response(status)
        if isinstance(answer, bytes):
            self.send_header(str('Content-Length'), str(len(text) + 1))  # more than comes
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


@pytest.fixture
def api(monkeypatch, tmpdir):
    """The server; ``answers`` is {path: answer}: None for none, bytes for what breaks off."""
    for name in ('OS_USERNAME', 'OS_PASSWORD', 'OS_TENANT_NAME'):
        monkeypatch.delenv(str(name), raising=False)
    access = os.path.join(str(tmpdir), 'fuel.yaml')
    with io.open(access, 'w', encoding='utf-8') as stream:
        stream.write('FUEL_ACCESS: {user: admin, password: right}\n')
    monkeypatch.setattr(master, 'ACCESS', access)
    server = HTTPServer(('127.0.0.1', 0), Nailgun)
    server.url = 'http://127.0.0.1:{0}/'.format(server.server_port)
    server.token, server.is_over = {'id': TOKEN}, threading.Event()
    server.answers = {VERSION: {'auth_required': True, 'release': '9.0'},
                      '/api/v1/clusters/1/': {'net_provider': 'neutron'}, NETWORKS: NEUTRON,
                      '/api/v1/clusters/2/': {'net_provider': 'nova_network'},
                      '/api/v1/clusters/2/network_configuration/nova_network/': NOVA_NETWORK}
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.is_over.set()
    server.shutdown()
    thread.join()
    server.server_close()


def refusal(api, cluster=1):
    """Why the networks of an environment cannot be had."""
    with pytest.raises(InputError) as caught:
        master.Master(api.url).networks(cluster)
    assert caught.value.todo and 'right' not in str(caught.value)
    return caught.value


def test_it_is_asked_with_the_token_of_its_administrator(api, capsys):
    assert master.Master(api.url).networks(1) == (NEUTRON, api.url[:-1] + NETWORKS)
    assert cli.main(['partitions', '--environment', '1', '--api', api.url]) == 0
    assert 'vlan101=0x0065' in capsys.readouterr()[0]


def test_an_environment_with_nova_network_has_another_address(api):
    assert master.Master(api.url).networks(2)[0] == NOVA_NETWORK


def test_what_it_refuses_is_told_without_the_password(api, monkeypatch):
    assert refusal(api, 7).why == 'HTTP status 404'
    monkeypatch.setenv(str('OS_USERNAME'), str('admin'))
    monkeypatch.setenv(str('OS_PASSWORD'), str('not-the-right-one'))
    refused = refusal(api)
    assert refused.why == 'HTTP status 401' and 'OS_PASSWORD' in refused.todo
    assert 'not-the-right-one' not in str(refused)


def test_a_password_that_is_no_text_is_refused_by_the_master(api, monkeypatch):
    monkeypatch.setenv(str('OS_USERNAME'), str('admin'))
    monkeypatch.setenv(str('OS_PASSWORD'), b'\xff' if str is bytes else os.fsdecode(b'\xff'))
    assert refusal(api).why == 'HTTP status 401'


@pytest.mark.parametrize('path', [VERSION, NETWORKS])
@pytest.mark.parametrize('answer', [['not'], 5, '', b'', b'{"networks": [', b'\xff\xfe{}', b'[' * 100000])
def test_what_is_no_master_is_told(api, path, answer):
    api.answers[path] = answer
    assert refusal(api).where.startswith(api.url[:-1])


def test_a_keystone_without_a_token_is_told(api):
    api.token = {}
    assert refusal(api).why == 'keystone answers without a token'


def test_who_never_answers_is_not_waited_for_for_ever(api, monkeypatch):
    monkeypatch.setattr(master, 'TIMEOUT', 0.2)
    api.answers[NETWORKS] = None
    refused = refusal(api)
    assert 'timed out' in str(refused.why) and refused.todo == master.ADDRESS
