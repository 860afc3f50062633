# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""eipoibd's loop on a modelled machine, with a clock that only waiting moves.

Covered: what ends a wait (events, the resync, a retry, a withdrawal that has become due) and that nothing else does;
an event of an HCA gives what failed there another chance, a link event does not; a pass that fails is tried again ever
less often; SIGHUP, with a good file and a bad one; SIGTERM in the middle of a pass; what systemd and its watchdog hear.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import io
import os
import signal
import socket

import pytest

from plugin_lib.daemon import history, notify, service
from plugin_lib.daemon.log import Log
from plugin_lib.daemon.notify import Notifier
from plugin_lib.daemon.service import Service
from plugin_lib.effect.ledger import Ledger
from plugin_lib.errors import ApplyError
from tests.model.kernel import Listener
from tests.model.node import Node


class Clock(object):
    now = 1000.0

    def __call__(self):
        return self.now


class Script(object):
    """Takes the place of Events: each wait does the next thing of a script, then the service is stopped.

    A thing is a set of what happened, a function that makes something happen, or None: nothing does.
    """

    def __init__(self, clock, things, stop):
        self._clock = clock
        self._things = list(things)
        self._stop = stop
        self.waits = []   # seconds that each wait was to last at most
        self.passes = 0
        self.closed = False

    def follow(self, hcas):
        self.passes += 1

    def wait(self, seconds):
        self.waits.append(round(seconds, 3))
        if not self._things:
            self._stop()
            return set([None])
        thing = self._things.pop(0)
        if callable(thing):
            thing()
            return set([None])
        if thing is None:
            self._clock.now += seconds
        return thing or set()

    def close(self):
        self.closed = True


class Refusing(Listener):
    """VLAN 100 cannot be served."""

    tries = 0

    def before(self, verb, target, text):
        if text == '+ib0.8064':
            self.tries += 1
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), target)


class Machine(object):
    """A node and its service, in one process with the test."""

    def __init__(self, folder, monkeypatch):
        self.clock, self.folder, self.log = Clock(), str(folder), io.StringIO()
        self.node = Node(folder, [0xffff, 0x8064, 0x8065])
        self.config = folder.join('eipoibd.conf')
        self.config.write('[eipoibd]\n')
        for module in (service, notify):
            monkeypatch.setattr(module, 'monotonic', self.clock)
        monkeypatch.setattr(service, 'Withdrawals', lambda: history.Withdrawals(self.clock))
        monkeypatch.setattr(service, 'Failures', lambda: history.Failures(self.clock))
        self._monkeypatch = monkeypatch

    def run(self, *things):
        """The Script that the service went through."""
        made = Service(self.node.kernel, self.node.executor, Ledger(os.path.join(self.folder, 'children.json')),
                       self.folder, str(self.config), Log(self.log, 'debug'))
        script = Script(self.clock, things, lambda: made._on_stop(signal.SIGTERM, None))
        self._monkeypatch.setattr(service, 'Events', lambda tree, surroundings, log: script)
        before = [(number, signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]
        self.service = made
        try:
            made.run()
        finally:
            for number, handler in before:
                signal.signal(number, handler)
        assert script.closed
        return script


@pytest.fixture
def machine(tmpdir, monkeypatch):
    for name in (str('NOTIFY_SOCKET'), str('WATCHDOG_USEC'), str('WATCHDOG_PID')):
        monkeypatch.delenv(name, raising=False)
    return Machine(tmpdir, monkeypatch)


def too_many_files():
    raise EnvironmentError(errno.EMFILE, os.strerror(errno.EMFILE))


def test_an_idle_service_wakes_for_the_resync_alone(machine):
    script = machine.run(None, None)
    assert script.waits == [30, 30, 30]
    assert script.passes == 3
    assert machine.node.vlans() == [-1, 100, 101]


def test_an_event_brings_a_pass(machine):
    script = machine.run(lambda: machine.node.port.set_pkeys([0xffff, 0x8066, 0x8064, 0x8065]), set([('mlx4_0', 1)]))
    assert script.passes == 3
    assert machine.node.vlans() == [-1, 100, 101, 102]


def test_nothing_is_no_pass(machine):
    assert machine.run(set(), set(), set()).passes == 1


def test_what_failed_is_tried_again_at_its_own_pace(machine):
    listener = machine.node.kernel.listener = Refusing()
    script = machine.run(set([None]), None, None, None)
    # The second pass: the interface was not up when the first began.
    assert script.waits == [1, 1, 2, 4, 8]
    assert listener.tries == 5


def test_link_events_do_not_hasten_what_failed_and_events_of_its_hca_do(machine):
    listener = machine.node.kernel.listener = Refusing()
    machine.run(set([None]), set([None]), set([None]), set([('mlx4_1', 1)]))
    assert listener.tries == 2
    listener.tries = 0
    machine.run(set([('mlx4_0', 1)]), set([('mlx4_0', 1), None]))
    assert listener.tries == 3


def test_a_withdrawal_has_its_own_time(machine):
    script = machine.run(lambda: machine.node.port.set_pkeys([0xffff, 0x8064]), None, None, None)
    assert script.waits == [30, 30, 30, 30, 30]
    assert machine.node.vlans() == [-1, 100]
    machine.config.write('[eipoibd]\nresync_interval = 3600\nremoval_grace = 7\n')
    machine.node.port.set_pkeys([0xffff, 0x8064, 0x8065])
    script = machine.run(lambda: machine.node.port.set_pkeys([0xffff, 0x8064]), None)
    assert script.waits == [3600, 7, 3600]
    assert machine.node.vlans() == [-1, 100]


def test_a_pass_that_fails_is_tried_again_ever_less_often_and_after_any_event(machine, monkeypatch):
    def refuse(ledger, ours):
        raise ApplyError('cannot note which children are ours', '/run', 'Read-only file system')
    monkeypatch.setattr(Ledger, 'write', refuse)
    script = machine.run(None, None, set([None]), None)
    assert script.waits == [1, 2, 4, 8, 16]
    assert script.passes == 5
    assert machine.node.children() == []
    assert machine.log.getvalue().count('event=pass') == 1


def test_what_was_due_when_a_pass_failed_does_not_make_it_spin(machine, monkeypatch):
    machine.node.kernel.listener = Refusing()

    def break_netlink():
        monkeypatch.setattr(machine.node.kernel, 'links', too_many_files)
        machine.clock.now += 100
    assert machine.run(set([None]), break_netlink, None, None).waits == [1, 1, 1, 2, 4]


def test_sighup_reads_the_configuration_again(machine):
    def reload(text):
        def act():
            machine.config.write(text)
            machine.service._on_reload(signal.SIGHUP, None)
        return act
    script = machine.run(reload('[eipoibd]\nresync_interval = 5\n'), reload('[eipoibd]\nresync_interval = never\n'))
    assert script.waits == [30, 5, 5]
    errors = [line for line in machine.log.getvalue().splitlines() if 'level=error' in line]
    assert len(errors) == 1
    assert 'where="{0} -> eipoibd -> resync_interval"'.format(machine.config) in errors[0]


def test_sighup_gives_what_failed_another_chance(machine):
    listener = machine.node.kernel.listener = Refusing()
    machine.run(set([None]), lambda: machine.service._on_reload(signal.SIGHUP, None))
    assert listener.tries == 3


class Stopping(Listener):
    """SIGTERM comes while a child is made."""

    def __init__(self, machine):
        self._machine = machine

    def before(self, verb, target, text):
        if target == 'ib0.8064':
            self._machine.service._on_stop(signal.SIGTERM, None)


def test_sigterm_waits_for_the_end_of_a_step_and_leaves_the_network(machine):
    machine.node.kernel.listener = Stopping(machine)
    script = machine.run()
    assert machine.node.vlans() == [-1, 100]
    assert machine.node.children() == ['ib0.1', 'ib0.8064']
    assert script.passes == 1
    assert machine.log.getvalue().splitlines()[-1] == 'level=info event=stop'


# systemd

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


def test_an_abstract_address(manager):
    address = '@eipoibd-test-{0}'.format(os.getpid())
    abstract = Manager(address)
    Notifier({'NOTIFY_SOCKET': address}).send('READY=1', 'STATUS=a')
    assert abstract.heard() == ['READY=1\nSTATUS=a']
    abstract.close()
