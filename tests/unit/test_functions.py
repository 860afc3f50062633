# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``fuel-infiniband functions``: what a boot gives back, keys that come to other places, what somebody else changes,
and who may keep them so.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno

import pytest

from plugin_lib import paths, stages
from plugin_lib.commands import functions as boot
from plugin_lib.daemon import locks
from plugin_lib.effect import sriov as effect
from plugin_lib.errors import ApplyError
from plugin_lib.planning.passthrough import NOVA


@pytest.fixture
def service(monkeypatch, tmpdir):
    """serve(made, world): ``fuel-infiniband functions`` on a case; each of ``world`` happens when it is at rest, and
    eipoibd sees it unless it says True.
    """
    real = effect.write

    def serve(made, world):
        left, status = list(world), [0]

        def pause(_):
            status[0] += not left.pop(0)()
        monkeypatch.setattr(boot.time, 'sleep', pause)
        monkeypatch.setattr(boot, '_status', lambda: status[0])
        monkeypatch.setattr(paths, 'RUN_FOLDER', str(tmpdir.join('run')))
        monkeypatch.setattr(stages, 'Node', lambda root, astute: made.node())
        monkeypatch.setattr(stages, 'apply', lambda node, stage, report: made.run_stage(stage))
        monkeypatch.setattr(effect, 'write', lambda it, write=made.kernel.write: real(it, write))
        return boot.run(None)
    return serve


def test_after_a_boot_functions_get_their_keys_when_the_port_has_them(case, service):
    made = case('connectx3-compute')
    made.play()
    whole, nova = made.virtual(), made.read(NOVA)
    made.reboot()
    port = made.kernel.hcas['mlx4_0'].ports[1]
    pkeys = list(port.pkeys)
    port.set_pkeys([0xffff])
    seen = []

    def has_them():
        seen.append(made.virtual())
        port.set_pkeys(pkeys)

    def is_complete():
        seen.append(made.virtual())
        made.switch('sriov', 'false')
    assert service(made, [has_them, is_complete]) == 0
    assert '0x83e8' not in ''.join(seen[0])
    assert seen[1] == whole and made.read(NOVA) == nova


def test_keys_that_come_to_other_places_are_followed(case, service):
    made = case('connectx3-compute')
    made.play()
    whole = made.virtual()
    port = made.kernel.hcas['mlx4_0'].ports[1]

    def move():
        port.set_pkeys([0x83ea, 0x83e8, 0, 0xffff, 0x83e9])
        assert made.virtual() != whole, 'a guest would have the keys of others'
    assert service(made, [move, lambda: made.switch('sriov', 'false')]) == 0
    assert made.virtual() == whole


def test_keys_whose_order_stays_are_followed_too(case, service):
    made = case('connectx3-compute')
    made.play()
    whole, port, seen = made.virtual(), made.kernel.hcas['mlx4_0'].ports[1], []
    table = [0] + [key for key in port.pkeys if key]

    def move():
        port.set_pkeys(table)
        assert made.virtual() != whole

    def later():
        seen.append(made.virtual())
        return made.switch('sriov', 'false')
    assert service(made, [move, later]) == 0
    assert seen == [whole]


def test_a_guest_keeps_its_keys_when_those_of_the_port_could_not_be_read(case, service):
    made = case('guest-runs')
    port, function = made.kernel.hcas['mlx4_0'].ports[1], made.kernel.hcas['mlx4_0'].sriov.virtual[1]
    function.pkeys[1][:2] = [2, 0]
    meant = [port.pkeys[index] for index in function.pkeys[1][:2]]

    def fail():
        port.table_errno = errno.EIO

    def move():
        port.table_errno = None
        port.set_pkeys([key for key in port.pkeys if key][::-1])
    assert service(made, [fail, move, lambda: made.switch('sriov', 'false')]) == 0
    assert [port.pkeys[index] for index in function.pkeys[1][:2]] == meant


def test_a_guest_keeps_the_keys_that_its_agent_gave_it_wherever_they_move(case, service):
    made = case('guest-runs')
    port, function = made.kernel.hcas['mlx4_0'].ports[1], made.kernel.hcas['mlx4_0'].sriov.virtual[1]
    function.pkeys[1][:3] = [2, 0, 77]  # VLAN 1001, the default key; what is at 77 nobody knows

    def keys():
        return [port.pkeys[index] for index in function.pkeys[1] if index not in (None, 77)]
    assert keys() == [0x83e9, 0xffff]
    seen = []

    def move(table):
        def world():
            seen.append(keys())
            port.set_pkeys(table)
        return world
    tables = [[0x83e8, 0xffff, 0x83ea, 0x83e9],  # others move
              [0xffff, 0x83e8, 0x83ea, 0x03e9],  # membership becomes limited
              [0xffff, 0x83e8, 0x83ea],          # it is gone, and its place is empty
              [0xffff, 0x83e8, 0x83ea, 0x83eb],  # another key is at its place
              [0xffff], [0x83ea, 0x83eb, 0x83e8, 0x83e9, 0xffff]]
    assert service(made, [move(table) for table in tables] + [lambda: seen.append(keys()) or made.switch(
        'sriov', 'false')]) == 0
    assert seen == [[0x83e9, 0xffff], [0x83e9, 0xffff], [0x03e9, 0xffff], [0, 0xffff], [0xffff], [0xffff],
                    [0x83e9, 0xffff]]
    assert function.pkeys[1][2] == 77


def test_what_somebody_else_changed_is_found_when_its_turn_comes(case, service):
    made = case('connectx3-compute')
    made.play()
    whole, hca = made.virtual(), made.kernel.hcas['mlx4_0']
    turns = len(hca.sriov.virtual)

    def change():
        hca.sriov.virtual[turns - 1].pkeys[1][100] = 0
        assert made.virtual() != whole
        return True
    rest = [lambda: True] * (turns - 2)
    assert service(made, [change] + rest + [lambda: made.switch('sriov', 'false')]) == 0
    assert made.virtual() == whole


def test_what_an_agent_gave_a_guest_since_the_last_look_is_known(case, service):
    made = case('guest-runs')
    port, function = made.kernel.hcas['mlx4_0'].ports[1], made.kernel.hcas['mlx4_0'].sriov.virtual[1]
    meant = port.pkeys[2]

    def give():
        function.pkeys[1][0] = 2
        return True

    def move():
        port.set_pkeys([key for key in port.pkeys if key][::-1])
    turns = len(made.kernel.hcas['mlx4_0'].sriov.virtual)
    assert service(made, [give] + [lambda: True] * turns + [move, lambda: made.switch('sriov', 'false')]) == 0
    assert port.pkeys[function.pkeys[1][0]] == meant


def test_one_of_them_is_enough(tmpdir, monkeypatch):
    monkeypatch.setattr(paths, 'RUN_FOLDER', str(tmpdir))
    with locks.held(str(tmpdir), paths.FUNCTIONS_LOCK):
        with pytest.raises(ApplyError) as caught:
            boot.run(None)
    assert 'another fuel-infiniband functions is at work' in caught.value.what
