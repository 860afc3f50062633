# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The gate of Fuel's discovery agent opens when untagged traffic is served, and not before.

Covered: no gate configured, none there, one to be opened, an interface that waits or fails beside one that serves, a
gate that cannot be removed or is no file; nothing but the configured file is touched.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import os

import pytest

from plugin_lib.daemon import config
from plugin_lib.daemon.convergence import converge
from plugin_lib.effect import files
from tests.model.listener import Listener
from tests.model.node import Node


class Refusing(Listener):
    """No slave can be added to an interface."""

    def __init__(self, eipoib):
        self._path = '/sys/class/net/{0}/eth/slaves'.format(eipoib)

    def before(self, verb, target, text):
        if target == self._path and text.startswith('+'):
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), target)


@pytest.fixture
def gate(tmpdir):
    gate = tmpdir.join('nodiscover')
    gate.write('')
    tmpdir.join('other').write('')
    yield gate
    assert tmpdir.join('other').check()


@pytest.fixture
def node(tmpdir):
    return Node(tmpdir, [0xffff, 0x8064])


def once(node, gate, held=None):
    settings = config.DEFAULTS._replace(discovery_gate=str(gate))
    return converge(node.kernel, node.executor, node.ledger, held=held, settings=settings)


def subjects(result):
    return [outcome.step.subject for outcome in result.outcomes]


def test_it_opens_last_and_once(node, gate):
    result = once(node, gate)
    assert subjects(result)[-1] == 'discovery gate'
    assert result.outcomes[-1].step.reason == 'eth4 can be discovered'
    assert [operation.describe() for operation in result.outcomes[-1].performed] == ['remove {0}'.format(gate)]
    assert not gate.check()
    assert (once(node, gate).outcomes, once(node, gate).warnings) == ((), ())


def test_without_a_gate_nothing_is_removed(node, gate):
    node.once()
    assert gate.check()


@pytest.mark.parametrize('break_it', [
    lambda node: setattr(node.port, 'guid', None), lambda node: node.kernel.unregister('ib0'),
    lambda node: setattr(node.kernel, 'listener', Refusing('eth4'))])
def test_it_stays_shut_while_nothing_serves_untagged_traffic(node, gate, break_it):
    break_it(node)
    assert 'discovery gate' not in subjects(once(node, gate))
    assert gate.check()


def test_a_service_that_is_to_be_tried_later_does_not_count_as_served(node, gate):
    node.kernel.listener = Refusing('eth4')
    error = once(node, gate).errors[0]
    once(node, gate, held=lambda host: {'eth4 untagged': error})
    assert gate.check()


def test_an_interface_that_fails_keeps_no_other_from_being_discovered(node, gate):
    second = node.kernel.add_hca('mlx4_1', '0000:04:00.0').ports[1]
    node.kernel.add_ipoib('ib1', second)
    node.kernel.add_eipoib('eth5', 'ib1')
    node.kernel.listener = Refusing('eth5')
    result = once(node, gate)
    assert result.outcomes[-1].step.reason == 'eth4 can be discovered'
    assert not gate.check()


def test_a_gate_that_cannot_be_removed_is_a_failure_like_any_other(node, gate, monkeypatch):
    def refuse(path):
        raise EnvironmentError(errno.EROFS, os.strerror(errno.EROFS), path)
    monkeypatch.setattr(files, 'remove', refuse)
    result = once(node, gate)
    assert [error.where for error in result.errors] == [str(gate)]
    assert 'discovery gate' in result.wanted
    held = once(node, gate, held=lambda host: {'discovery gate': result.errors[0]})
    assert held.outcomes == ()
    assert node.vlans() == [-1, 100]


def test_a_gate_that_is_no_file_is_told_and_stops_nothing(node, tmpdir, gate):
    result = once(node, tmpdir)
    assert not result.errors
    assert node.vlans() == [-1, 100]
    assert [str(tmpdir) in warning for warning in result.warnings] == [True]
