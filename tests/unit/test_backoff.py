# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What fails is tried again at its own pace, and at once when its circumstances change.

Covered: the pace and its cap; each reset (table, port, MAC, interface up or new, an event of the HCA, success); one bad
key beside good ones, for any errno at any operation; a failure that ceases to matter; nothing due means no timer.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_lib.daemon.convergence import converge
from plugin_lib.daemon.history import Failures
from plugin_lib.planning import backoff
from tests.model.listener import Listener
from tests.model.node import Node

BAD, GOOD = 0x8064, [0x8065, 0x8066]


class Refusing(Listener):
    """The driver does not want the child ib0.8064."""

    def __init__(self, number=errno.EBUSY, path='slaves'):
        self.tries = 0
        self._number = number
        self._path = path

    def before(self, verb, target, text):
        if 'ib0.8064' in (target + ' ' + text) and (target.endswith(self._path) or verb == self._path):
            self.tries += 1
            raise OSError(self._number, os.strerror(self._number), target)


class Retrying(object):
    """A node whose service remembers failures."""

    def __init__(self, folder, listener):
        self.node = Node(folder, [0xffff, BAD] + GOOD)
        self.failures = Failures(lambda: self.node.now)
        self.listener = self.node.kernel.listener = listener

    def serve(self, after=0):
        self.node.now += after
        result = converge(self.node.kernel, self.node.executor, self.node.ledger, held=self.failures.held)
        self.failures.note(result)
        return result

    def tries_in_a_pass(self, after=0):
        before = self.listener.tries
        self.serve(after)
        return self.listener.tries - before


@pytest.fixture
def retrying(tmpdir):
    retrying = Retrying(tmpdir, Refusing())
    assert retrying.tries_in_a_pass() == 1
    assert retrying.tries_in_a_pass() == 1  # the interface is up now, which it was not when the first pass began
    assert retrying.tries_in_a_pass() == 0
    return retrying


def test_the_pace():
    assert [backoff.delay(count) for count in (1, 2, 3, 9, 10, 10 ** 6)] == [1, 2, 4, 256, 300, 300]


def test_a_service_that_fails_is_tried_ever_less_often(retrying):
    tried = [second for second in range(1, 1201) if retrying.tries_in_a_pass(after=1)]
    assert tried == [1, 3, 7, 15, 31, 63, 127, 255, 511, 811, 1111]


def test_the_others_are_served_and_the_failure_is_told(retrying):
    assert retrying.node.vlans() == [-1, 101, 102]
    result = retrying.serve()
    assert result.outcomes == ()
    (line,) = [finding.line() for finding in result.findings if finding.state != 'ok']
    assert line.startswith('mlx4_0 port 1 0x8064 full ==> ib0.8064 vlan 100 eth4 failed: cannot enslave ib0.8064')


@pytest.mark.parametrize('path', ['add_link', 'slaves', 'vifs'])
@pytest.mark.parametrize('number', [errno.EBUSY, errno.EINVAL, errno.ENOMEM, errno.EPERM, errno.EIO, errno.EROFS])
def test_whatever_fails_at_whichever_operation_stops_nothing_else(tmpdir, number, path):
    node = Node(tmpdir, [0xffff, BAD] + GOOD)
    listener = node.kernel.listener = Refusing(number, path)
    node.once()
    assert node.vlans() == [-1, 101, 102]
    assert listener.tries == 1
    node.kernel.listener = Listener()
    node.once()
    assert node.vlans() == [-1, 100, 101, 102]


def change_table(node):
    node.port.set_pkeys([0xffff, BAD] + GOOD[:1])


def change_state(node):
    node.port.state = 'INIT'


def change_mac(node):
    node.port.guid = '0002c90300abcdef'


def set_down(node):
    node.eipoib.up = False


def set_parent_down(node):
    node.kernel.netdevs['ib0'].up = False


@pytest.mark.parametrize('change', [change_table, change_state, change_mac, set_down, set_parent_down])
def test_new_circumstances_are_a_new_chance(retrying, change):
    retrying.serve(after=1)
    change(retrying.node)
    assert retrying.tries_in_a_pass() == 1
    assert retrying.failures.by_subject['eth4 vlan 100'].count == 1


def test_an_event_of_the_hca_is_a_new_chance_for_its_interfaces_alone(retrying):
    retrying.failures.forget(frozenset(['eth5', None]))
    assert retrying.tries_in_a_pass() == 0
    retrying.failures.forget(frozenset(['eth4']))
    assert retrying.tries_in_a_pass() == 1
    retrying.failures.forget()
    assert retrying.tries_in_a_pass() == 1


def test_the_timer_runs_only_while_something_failed(retrying):
    assert retrying.failures.pause() == 1
    retrying.serve(after=1)
    assert retrying.failures.pause() == 2
    retrying.node.kernel.listener = Listener()
    retrying.serve(after=2)
    assert retrying.failures.pause() is None
    assert retrying.node.vlans() == [-1, 100, 101, 102]


def test_what_nobody_wants_any_more_is_forgotten(retrying):
    retrying.node.port.set_pkeys([0xffff] + GOOD)
    retrying.serve()
    assert retrying.failures.by_subject == {}


def test_a_pass_that_does_not_come_to_it_does_not_spin(retrying):
    """Stopped, or without the memory for it: what was due and not tried must not be due for ever."""
    retrying.node.now += 10
    retrying.failures.note(converge(retrying.node.kernel, retrying.node.executor, retrying.node.ledger,
                                    held=retrying.failures.held, stop=lambda: True))
    assert retrying.failures.pause() is None


@given(st.lists(st.tuples(st.integers(0, 400), st.booleans()), max_size=30))
def test_it_is_held_exactly_until_it_is_due(history):
    present, failures, now = {'eth4': 'as always'}, {}, 0
    for passed, event in history:
        now += passed
        if event:
            failures = {}
        waiting = backoff.held(failures, present, now)
        if not waiting:
            before = failures.get('eth4 vlan 1')
            count = before.count + 1 if before else 1
            failures = {'eth4 vlan 1': backoff.Failure('eth4', count, now, 'as always', None)}
        else:
            assert now < failures['eth4 vlan 1'].due <= failures['eth4 vlan 1'].since + backoff.LONGEST
