# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""P_Key tables and GUIDs of virtual functions, for any keys; ports that tell less than they should.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_lib import stages
from plugin_lib.pkey import PKey
from plugin_lib.planning import vfs
from tests.model.sysfs import refuse

KEYS = st.dictionaries(st.builds(PKey, st.integers(1, 0x7fff) | st.integers(1000, 1010) | st.just(0x7fff),
                                 st.booleans()), st.integers(0, 126), max_size=40)


@given(KEYS, st.lists(st.integers(1000, 1010), unique=True), st.integers(2, 127))
def test_a_table_holds_the_needed_keys_and_the_default_one_and_nothing_else(keys, needed, size):
    table = vfs.table(keys, needed, size)
    assert len(table) == size
    default = [keys[PKey(0x7fff, full)] for full in (False, True) if PKey(0x7fff, full) in keys]
    assert table[vfs.DEFAULT_INDEX] == (default[0] if default else None)
    tenants = [index for place, index in enumerate(table) if place != vfs.DEFAULT_INDEX and index is not None]
    expected = [keys.get(PKey(vlan, True), keys.get(PKey(vlan, False))) for vlan in needed]
    assert tenants == [index for index in expected if index is not None][:size - 1]


@given(st.integers(0, 2 ** 40 - 1), st.integers(0, 2 ** 24 - 1), st.sets(st.integers(0, 61)))
def test_guids_differ_from_each_other_and_from_every_physical_one(high, low, numbers):
    physical = (high & ~2 ** 33 & 2 ** 32 - 1) << 32 | low
    guids = [vfs.guid_of(physical, number) for number in numbers]
    assert len(set(guids)) == len(guids)
    assert all(guid & vfs.LOCAL and guid & 0xffffff == low for guid in guids)
    assert vfs.guid_of(physical | 1 << vfs.FIFTH_BYTE, 0) is None


def test_functions_keep_their_guids_where_ours_could_be_anothers(case):
    made = case('connectx4-compute')
    for port in made.kernel.hcas['mlx5_0'].ports.values():
        port.guid = '7cfe900317292501'
    told = made.play()
    assert 'found: mlx5_0: GUID 7cfe900317292501 was not made of a MAC: virtual functions keep the GUIDs that they ' \
        'have' in told
    assert all(each.guids == {'node': 0, 'port': 0} for each in made.kernel.hcas['mlx5_0'].sriov.virtual)


def test_a_port_without_gid_leaves_guids_alone(case):
    made = case('connectx3-6.1')
    made.kernel.hcas['mlx4_0'].ports[1].guid = None
    made.play()
    assert set(made.kernel.hcas['mlx4_0'].sriov.admin_guids[1]) == set([0])


@pytest.mark.parametrize('trouble', [{'table_errno': errno.EIO}, {'garbled': {3: '0x83'}}])
def test_functions_keep_their_keys_while_those_of_the_port_cannot_be_read(case, trouble):
    made = case('connectx3-compute')
    made.play()
    before = made.virtual()
    for name, value in trouble.items():
        setattr(made.kernel.hcas['mlx4_0'].ports[1], name, value)
    (line,) = made.run()
    assert line == 'found: mlx4_0 port 1: its P_Keys cannot be read: virtual functions keep those that they have'
    assert made.virtual() == before


@pytest.mark.parametrize('name', ['refused-nova-network', 'refused-ethernet-port', 'refused-other-nic'])
def test_where_no_guest_can_have_one_the_check_says_so_and_goes_on(case, name):
    found = stages.check(case(name).node())
    assert [finding for finding in found if finding.text.startswith('cannot give virtual functions to guests')]


def test_functions_are_left_alone_while_it_is_not_known_which_port_carries_the_private_network(case):
    made = case('bond-all-in-one')
    made.play()
    for name in ('ib0', 'ib1'):
        made.kernel.unregister(name)
    assert stages.plan(made.node(), 'vfs') == stages.NOTHING


def test_a_table_of_a_function_that_cannot_be_read_is_left_alone(case, monkeypatch):
    made = case('connectx3-compute')
    made.play()
    pkeys = made.kernel.hcas['mlx4_0'].sriov.virtual[0].pkeys
    pkeys[1][77] = 3
    folder, table = '/sys/class/infiniband/mlx4_0/iov/0000:03:00.1/ports/1/pkey_idx', made.kernel.tree.table
    monkeypatch.setattr(made.kernel.tree, 'table',
                        lambda path: refuse(errno.EIO, path) if path == folder else table(path))
    assert made.run() == []
    monkeypatch.undo()
    assert len(made.run()) == 2 and pkeys[1][77] is None
