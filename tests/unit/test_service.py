# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""eipoibd's loop on a modelled machine, with a clock that only waiting moves.

Covered: what ends a wait (events, the resync, a retry, a withdrawal that has become due) and that nothing else does;
an event of an HCA gives what failed there another chance, a link event does not; a pass that fails is tried again ever
less often; SIGHUP, with a good file and a bad one; SIGTERM in the middle of a pass and before it. What systemd hears of
it: test_service_notify.py.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import os
import signal

import pytest

from plugin_lib.daemon import locks
from plugin_lib.effect.ledger import Ledger
from plugin_lib.errors import ApplyError
from tests.model.listener import Listener
from tests.model.service import Machine, too_many_files


class Refusing(Listener):
    """VLAN 100 cannot be served."""

    tries = 0

    def before(self, verb, target, text):
        if text == '+ib0.8064':
            self.tries += 1
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), target)


@pytest.fixture
def machine(tmpdir, monkeypatch):
    return Machine(tmpdir, monkeypatch)


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


def test_sigterm_ends_the_wait_for_the_pass_of_another(machine, monkeypatch):
    monkeypatch.setattr(locks.time, 'sleep', lambda seconds: os.kill(os.getpid(), signal.SIGTERM))
    with locks.held(machine.folder, locks.PASS):
        script = machine.run()
    assert script.passes == 1
    assert machine.node.children() == []
    assert [line.split(' ')[1] for line in machine.log.getvalue().splitlines()] == ['event=start', 'event=stop']
