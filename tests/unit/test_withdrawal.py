# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""A vanished P_Key keeps its VLAN for a while, and longer when most of them vanished.

Covered: the grace, the hold for many at once, keys that come in the place of others, a port that is not active, an
unreadable table, a key that comes back, demotion to limited membership and back, a single pass without a history.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno

import pytest

from tests.model.node import GRACE, MASS_HOLD, Node

KEYS = [0x8000 | vlan for vlan in range(100, 110)]


@pytest.fixture
def node(tmpdir):
    node = Node(tmpdir, [0xffff] + KEYS)
    node.serve()
    assert node.vlans() == [-1] + list(range(100, 110))
    return node


def test_a_vanished_key_is_given_up_after_the_grace(node):
    node.port.set_pkeys([0xffff] + KEYS[:-1])
    result = node.serve()
    assert [finding.line() for finding in result.findings if finding.state != 'ok'] == [
        'mlx4_0 port 1 0x806d full ==> ib0.806d vlan 109 eth4 held: its P_Key is not in the table']
    assert node.serve(after=GRACE - 1).outcomes == ()
    assert not node.serve(after=1).errors
    assert node.vlans() == [-1] + list(range(100, 109))
    assert 'ib0.806d' not in node.children()


def test_a_key_that_comes_back_begins_anew(node):
    node.port.set_pkeys([0xffff] + KEYS[:-1])
    node.serve()
    node.port.set_pkeys([0xffff] + KEYS)
    node.serve(after=GRACE - 1)
    node.port.set_pkeys([0xffff] + KEYS[:-1])
    node.serve(after=1)
    assert node.serve(after=GRACE - 1).outcomes == ()


def test_the_fallback_table_of_a_subnet_manager_takes_nothing_down(node):
    node.port.set_pkeys([0xffff])
    node.serve()
    result = node.serve(after=MASS_HOLD - 1)
    assert result.outcomes == ()
    assert result.warnings == ('eth4: 10 of 10 P_Keys have vanished and no others came; their VLANs are kept until'
                               ' they have been away for 600 seconds',)
    node.port.set_pkeys([0xffff] + KEYS)
    assert node.serve(after=10).outcomes == ()
    assert node.vlans() == [-1] + list(range(100, 110))


def test_even_all_keys_are_given_up_in_the_end(node):
    node.port.set_pkeys([0xffff])
    node.serve()
    node.serve(after=MASS_HOLD)
    assert node.vlans() == [-1]
    assert node.children() == ['ib0.1']


def test_keys_that_come_in_the_place_of_others_are_a_change_and_no_loss(node):
    node.port.set_pkeys([0xffff] + [0x8000 | vlan for vlan in range(200, 210)])
    assert node.serve().warnings == ()
    assert node.serve(after=GRACE).warnings == ()
    assert node.vlans() == [-1] + list(range(200, 210))


@pytest.mark.parametrize('state', ['DOWN', 'INIT', 'ARMED'])
def test_while_the_port_is_not_active_nothing_counts(node, state):
    node.port.set_pkeys([0xffff] + KEYS[:-1])
    node.serve()
    node.port.state = state
    assert node.serve(after=10 * MASS_HOLD).outcomes == ()
    node.port.state = 'ACTIVE'
    assert node.serve(after=1).outcomes == ()
    assert node.serve(after=GRACE).outcomes


def test_an_unreadable_table_is_not_an_empty_one(node):
    node.port.table_errno = errno.EIO
    node.serve()
    assert node.serve(after=10 * MASS_HOLD).outcomes == ()
    assert node.vlans() == [-1] + list(range(100, 110))


def test_demotion_to_limited_and_back(node):
    node.port.set_pkeys([0xffff] + KEYS[:-1] + [0x006d])
    node.serve()
    node.serve(after=GRACE)
    assert node.vlans() == [-1] + list(range(100, 109))
    node.port.set_pkeys([0xffff] + KEYS)
    node.serve()
    assert node.vlans() == [-1] + list(range(100, 110))


def test_a_single_pass_has_no_history_and_removes_nothing(node):
    node.port.set_pkeys([0xffff])
    assert node.once().outcomes == ()


def test_a_restart_begins_the_grace_anew(node):
    node.port.set_pkeys([0xffff] + KEYS[:-1])
    node.serve()
    node.start()
    assert node.serve(after=GRACE).outcomes == ()
    assert node.serve(after=GRACE).outcomes
