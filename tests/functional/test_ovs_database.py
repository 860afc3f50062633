# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Databases of Open vSwitch that are silent, absent, old, large, or no such thing: one clear error, or read whole.

And ovs-vswitchd being dead, or behind what the database says.
"""
import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import time

import pytest

from plugin_lib.effect import ovsdb as effect
from plugin_lib.errors import ApplyError
from plugin_lib.host import ovsdb, switch
from plugin_lib.planning.ovs_changes import AddBridge, RequestMtu
from tests.functional import ovs_schemas, switches
from tests.functional.switches import PKEYS, PYTHONS, TOP, applied, transaction
from tests.lab import openvswitch

pytestmark = switches.needed


@pytest.mark.parametrize('python', PYTHONS)
def test_a_database_that_does_not_answer_is_one_error_in_bounded_time(nodes, python):
    node = nodes()
    server = node.daemon('ovsdb-server')
    os.kill(server, signal.SIGSTOP)
    begun = time.monotonic()
    done = node.apply(*PKEYS, python=python)
    assert time.monotonic() - begun < 60
    assert done.returncode == 3
    assert done.stderr.startswith('error: cannot use the Open vSwitch database') and 'Traceback' not in done.stderr
    assert 'ovsdb-server has not answered within 10 s' in done.stderr

    os.kill(server, signal.SIGKILL)
    done = node.apply(*PKEYS, python=python)
    assert done.returncode == 3 and 'Connection refused' in done.stderr, done.stderr


@pytest.mark.parametrize('python', PYTHONS)
def test_a_vswitchd_that_is_dead_is_told_until_it_runs_again(nodes, python):
    node = nodes()
    os.kill(node.daemon('ovs-vswitchd'), signal.SIGKILL)
    with pytest.raises(ApplyError) as caught:
        effect.apply(transaction(AddBridge('br-x', '')), str(node.folder), time_limit=1)
    assert ovsdb.LATE in caught.value.why
    done = node.apply(*PKEYS, python=python)  # what it has to do is in the database, or would come after that
    assert done.returncode == 3 and f'{ovsdb.LATE} within 10 s' in done.stderr, done.stderr
    assert 'check that ovs-vswitchd runs' in done.stderr
    with pytest.raises(EnvironmentError, match=ovsdb.LATE):
        ovsdb.answer(str(node.folder))

    openvswitch.start_switch(node.inside, str(node.run_folder), str(node.folder / 'log'))
    assert applied(node, *PKEYS, python=python)['again'] == []
    assert ovsdb.answer(str(node.folder))


def test_a_vswitchd_that_is_a_moment_behind_is_waited_for(nodes):
    node = nodes()
    switch_pid = node.daemon('ovs-vswitchd')
    os.kill(switch_pid, signal.SIGSTOP)
    node.vsctl('--no-wait', 'add-br', 'br-x', '--', 'set', 'Open_vSwitch', '.', 'next_cfg=1000')
    timer = threading.Timer(1, os.kill, (switch_pid, signal.SIGCONT))
    timer.start()
    assert 'br-x' in ovsdb.read(str(node.folder), 60).bridges
    assert node.vsctl('get', 'Open_vSwitch', '.', 'cur_cfg').strip() == '1000'
    timer.join()


def test_more_that_is_asked_of_a_vswitchd_meanwhile_is_not_waited_for(nodes):
    """Somebody who changes the database all the time keeps nobody from reading it."""
    node = nodes()
    os.kill(node.daemon('ovs-vswitchd'), signal.SIGKILL)
    node.vsctl('--no-wait', 'set', 'Open_vSwitch', '.', 'cur_cfg=5', 'next_cfg=7')

    def work():
        for number in range(6, 9):
            time.sleep(0.3)
            node.vsctl('--no-wait', 'set', 'Open_vSwitch', '.', f'cur_cfg={number}', f'next_cfg={number + 2}')

    thread = threading.Thread(target=work)
    thread.start()
    assert ovsdb.read(str(node.folder), 60) is not None
    thread.join()


def test_no_socket_is_no_open_vswitch(tmp_path):
    assert ovsdb.read(str(tmp_path)) is None


@contextlib.contextmanager
def acknowledging(node):
    """Stand-in for the release's ovs-vswitchd: takes every configuration. Today's writes columns of today."""
    os.kill(node.daemon('ovs-vswitchd'), signal.SIGKILL)
    server, ended = ovsdb.Server(str(node.folder)), threading.Event()
    everything = {'table': 'Open_vSwitch', 'where': []}

    def work():
        while not ended.wait(0.02):
            read = server.request('transact', [switch.DATABASE, dict(everything, op='select', columns=['next_cfg'])])
            taken = {'cur_cfg': read[0]['rows'][0]['next_cfg']}
            server.request('transact', [switch.DATABASE, dict(everything, op='update', row=taken)])

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.mark.parametrize('python', PYTHONS)
@pytest.mark.parametrize('release', sorted(ovs_schemas.VERSIONS))
def test_older_databases_get_the_same(nodes, tmp_path, monkeypatch, python, release):
    """Made by ovsdb-tool from the columns that the release has, served by today's ovsdb-server."""
    path = tmp_path / 'vswitch.ovsschema'
    path.write_text(json.dumps(ovs_schemas.schema(release)))
    monkeypatch.setattr(openvswitch, 'SCHEMA', str(path))
    node = nodes()
    with acknowledging(node):
        result = applied(node, *PKEYS, python=python)
        assert len(result['made']) == 4 + 7 and result['again'] == []
        before = node.generation()
        assert applied(node, *PKEYS, python=python)['made'] == []
        assert node.generation() == before
        effect.apply(transaction(RequestMtu('br-mgmt', 1400)), str(node.folder))  # there is no column for it


NONSENSE = [
    {}, [], None, 'x', {'result': 7, 'error': None, 'id': 0}, {'result': [{'rows': 7}] * 3, 'error': None, 'id': 0},
    {'result': [{'rows': [7]}] * 3, 'error': None, 'id': 0}, {'result': [], 'error': None, 'id': 0},
    {'result': [{}] * 3, 'error': None, 'id': 0},
    *({'result': [{'rows': [row]}] * 3, 'error': None, 'id': 0} for row in (
        {'cur_cfg': '1', 'next_cfg': 2}, {'cur_cfg': None, 'next_cfg': 2}, {'cur_cfg': 1, 'next_cfg': ['set', []]},
        {'cur_cfg': 1.5, 'next_cfg': 2}, {'next_cfg': 2}, 'x'))]


@pytest.mark.parametrize('python', PYTHONS)
@pytest.mark.parametrize('answer', NONSENSE, ids=json.dumps)
def test_a_server_that_answers_nonsense_is_one_error(tmp_path, python, answer):
    path = tmp_path / switch.SOCKET
    path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        server = threading.Thread(target=answer_with, args=(listening, answer), daemon=True)
        server.start()
        done = subprocess.run([python, '-c', 'from plugin_lib.host import ovsdb\n'
                               'try: print(ovsdb.read(%r, 1))\n'
                               'except ovsdb.ApplyError as error: print(error.what)' % str(tmp_path)],
                              capture_output=True, text=True, cwd=TOP, check=False)
        server.join()
    assert (done.returncode, done.stderr) == (0, '')
    assert done.stdout in ('cannot use the Open vSwitch database\n', "Snapshot(bridges={}, ports={}, interfaces={}, "
                           "problems=('Open vSwitch: a row of Bridge that makes no sense: \\'7\\''))\n")


def answer_with(listening, answer):
    """Accept one connection and answer each request alike."""
    connection = listening.accept()[0]
    with connection, contextlib.suppress(OSError):
        while connection.recv(65536):
            connection.sendall(json.dumps(answer).encode())


def test_a_database_of_something_else_is_refused(nodes, monkeypatch):
    node = nodes()
    monkeypatch.setitem(ovsdb.COLUMNS, 'No_Table', ('name',))
    with pytest.raises(ApplyError, match='does not have the tables'):
        ovsdb.read(str(node.folder))
    monkeypatch.setattr(ovsdb, 'DATABASE', 'Other')
    with pytest.raises(ApplyError, match='unknown database'):
        ovsdb.read(str(node.folder))


def test_an_answer_in_many_pieces_is_read_whole(nodes):
    """100 ports: 40 KB, which the library reads in pieces of 4 KB."""
    node = nodes()
    node.bridges('br-aux')
    ports = [argument for number in range(100) for argument in (
        '--', 'add-port', 'br-aux', f'port{number}', f'tag={number + 1}', 'external_ids:text="}"',
        '--', 'set', 'interface', f'port{number}', 'type=patch', f'options:peer=peer{number}')]
    node.vsctl('--no-wait', *ports)
    found = ovsdb.read(str(node.folder))
    assert {port.tag for port in found.ports.values()} == {None, *range(1, 101)}
    assert found.interfaces['port7'].options == {'peer': 'peer7'}
    assert found.ports['port7'].external_ids == {'text': '}'}
    assert found.interfaces['br-aux'].mac_in_use.count(':') == 5
