# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What systemd and its watchdog hear from eipoibd's loop, on a modelled machine."""
from __future__ import absolute_import, print_function, unicode_literals

import os
import signal
import socket

import pytest

from plugin_lib.daemon.notify import Notifier
from tests.model.listener import Listener
from tests.model.service import Machine, too_many_files


@pytest.fixture
def machine(tmpdir, monkeypatch):
    return Machine(tmpdir, monkeypatch)


class Manager(object):
    """The receiving end of NOTIFY_SOCKET."""

    def __init__(self, address):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(address.replace('@', '\0', 1)))
        self._socket.setblocking(False)

    def heard(self):
        """What was sent since the last time."""
        lines = []
        while True:
            try:
                lines.append(self._socket.recv(4096).decode('utf-8'))
            except EnvironmentError:
                return lines

    def close(self):
        self._socket.close()


@pytest.fixture
def manager(tmpdir, monkeypatch):
    address = str(tmpdir.join('notify'))
    monkeypatch.setenv(str('NOTIFY_SOCKET'), str(address))
    manager = Manager(address)
    yield manager
    manager.close()


def test_systemd_hears_of_each_state(machine, manager):
    machine.run(lambda: machine.service._on_reload(signal.SIGHUP, None))
    ready = 'READY=1\nSTATUS=1 interfaces, 2 VLANs, 0 to be tried again'
    assert manager.heard() == [ready, 'RELOADING=1', ready, 'STOPPING=1']


def test_systemd_hears_of_a_pass_that_cannot_work(machine, manager, monkeypatch):
    monkeypatch.setattr(machine.node.kernel, 'links', too_many_files)
    machine.run()
    assert manager.heard()[0].startswith('READY=1\nSTATUS=cannot list the network interfaces')


def test_the_watchdog_hears_from_the_loop_and_wakes_it_no_more_often_than_it_must(machine, manager, monkeypatch):
    monkeypatch.setenv(str('WATCHDOG_USEC'), str('90000000'))
    script = machine.run(None, None, None)
    assert script.waits == [30, 30, 30, 30], 'the resync is enough'
    assert manager.heard().count('WATCHDOG=1') == 3
    machine.config.write('[eipoibd]\nresync_interval = 3600\n')
    script = machine.run(None, None)
    assert script.waits == [45, 45, 45]
    assert script.passes == 1
    assert manager.heard().count('WATCHDOG=1') == 2


def test_the_watchdog_hears_between_the_steps_of_a_long_pass(machine, manager, monkeypatch):
    monkeypatch.setenv(str('WATCHDOG_USEC'), str('90000000'))

    class Slow(Listener):
        def before(self, verb, target, text):
            machine.clock.now += 12
    machine.node.kernel.listener = Slow()
    machine.run()
    assert manager.heard().count('WATCHDOG=1') >= 3


def test_the_watchdog_of_another_process_is_none_of_ours(manager, monkeypatch):
    for pid, interval in ((str(os.getpid()), 5.0), ('1', None)):
        told = Notifier({'NOTIFY_SOCKET': '', 'WATCHDOG_USEC': '10000000', 'WATCHDOG_PID': pid})
        assert (told.pause() is None) == (interval is None)
    for text in ('', '-1', 'soon', '9' * 16):
        assert Notifier({'WATCHDOG_USEC': text}).pause() is None


@pytest.mark.parametrize('address', ['', 'relative', '/nowhere/at/all'])
def test_a_manager_that_does_not_listen_is_no_error(address):
    Notifier({'NOTIFY_SOCKET': address}).send('READY=1')


def test_a_path_with_the_sign_of_abstract_addresses(tmpdir):
    address = str(tmpdir.join('notify@host'))
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.bind(address)
    receiver.setblocking(False)
    Notifier({'NOTIFY_SOCKET': address}).send('READY=1')
    assert receiver.recv(4096) == b'READY=1'
    receiver.close()


def test_an_abstract_address(manager):
    address = '@eipoibd-test-{0}'.format(os.getpid())
    abstract = Manager(address)
    Notifier({'NOTIFY_SOCKET': address}).send('READY=1', 'STATUS=a')
    assert abstract.heard() == ['READY=1\nSTATUS=a']
    abstract.close()
