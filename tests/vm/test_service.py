# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""eipoibd as a service on the real ib_core and ib_ipoib, with the HCA's asynchronous events through ib_uverbs.

Covered: keys come and go on one port and on both, on Python 3 and 2.7; with no grace their children are gone within a
second of the event; all keys replaced at once; no events but the resync; a port goes down and comes up; the card's
drivers are reloaded under the service; the card is pulled out and put back; the service is killed at random moments and
started again.
"""
import os
import sys
import time

import pytest

from tests.vm import eipoibd, inside
from tests.vm.kernel import CHECKOUT

AT_ONCE = {'removal_grace': 0, 'mass_removal_hold': 0}
PYTHON27 = f'{CHECKOUT}/.venv27/bin/python'
EVENTS_ONLY = dict(AT_ONCE, resync_interval=3600)


def full(vlans):
    """A table with the default key and these."""
    return [0xffff] + [0x8000 | vlan for vlan in vlans]


@pytest.fixture
def names(guest):
    """{IPoIB interface: EIPOIB interface}."""
    return {parent: name for name, parent in guest.call(inside.eipoibs).items()}


def program_and_wait(number, values, expected):
    """In the guest: seconds from the subnet manager's change to the end of what it brings about."""
    inside.program(number, values)
    return eipoibd.until_vlans(expected)


@pytest.mark.parametrize('python', [sys.executable, PYTHON27], ids=['python3', 'python2.7'])
def test_keys_come_and_go(guest, names, python):
    if not os.path.exists(python):
        pytest.skip('no environment for Python 2.7 (.venv27) here')
    guest.call(eipoibd.start, EVENTS_ONLY, python)
    guest.call(eipoibd.until_vlans, {names['ib0']: [-1], names['ib1']: [-1]})
    guest.call(program_and_wait, 1, full([100, 101]), {names['ib0']: [-1, 100, 101], names['ib1']: [-1]})
    guest.call(program_and_wait, 2, full([200]), {names['ib0']: [-1, 100, 101], names['ib1']: [-1, 200]})
    took = guest.call(program_and_wait, 1, full([101]), {names['ib0']: [-1, 101], names['ib1']: [-1, 200]})
    assert took < 1
    assert guest.call(inside.children) == ['ib0.1', 'ib0.8065', 'ib1.1', 'ib1.80c8']
    assert guest.call(eipoibd.stop) == 0
    assert guest.call(inside.vlans, names['ib0']) == [-1, 101], 'the network outlives the service'


def test_126_keys_are_replaced_by_126_others(guest, names):
    first, second = list(range(100, 226)), list(range(978, 1104))
    guest.call(inside.program, 1, full(first))
    guest.call(eipoibd.start, dict(EVENTS_ONLY, mass_removal_hold=600))
    guest.call(eipoibd.until_vlans, {names['ib0']: [-1] + first})
    guest.call(program_and_wait, 1, full(second), {names['ib0']: [-1] + second})
    assert len(guest.call(inside.children)) == 128, '126 keys and the default one; the default one of the other port'


def test_full_becomes_limited_and_full_again(guest, names):
    guest.call(inside.program, 1, full([100, 101]))
    guest.call(eipoibd.start, EVENTS_ONLY)
    guest.call(eipoibd.until_vlans, {names['ib0']: [-1, 100, 101]})
    guest.call(program_and_wait, 1, [0xffff, 0x0064, 0x8065], {names['ib0']: [-1, 101]})
    guest.call(program_and_wait, 1, [0xffff, 0x0064, 0x8064, 0x8065], {names['ib0']: [-1, 100, 101]})


def test_without_events_the_resync_finds_it(guest, names):
    guest.call(inside.silence, True)
    guest.call(eipoibd.start, dict(AT_ONCE, resync_interval=1))
    guest.call(eipoibd.until_vlans, {names['ib0']: [-1]})
    guest.call(program_and_wait, 1, full([100]), {names['ib0']: [-1, 100]})


def test_nothing_is_taken_from_a_port_that_is_down(guest, names):
    guest.call(inside.program, 1, full([100, 101]))
    guest.call(eipoibd.start, EVENTS_ONLY)
    guest.call(eipoibd.until_vlans, {names['ib0']: [-1, 100, 101]})
    guest.call(inside.set_port, 1, 'state', 'DOWN')
    guest.call(inside.program, 1, full([]))
    guest.call(until_port_is, names['ib0'], 'DOWN')
    time.sleep(0.5)
    assert guest.call(inside.vlans, names['ib0']) == [-1, 100, 101]
    guest.call(inside.program, 1, full([101, 102]))
    guest.call(inside.set_port, 1, 'state', 'ACTIVE')
    guest.call(eipoibd.until_vlans, {names['ib0']: [-1, 101, 102]})


def until_port_is(name, state):
    """In the guest: wait until the service says so."""
    inside.until(lambda: (eipoibd.status() or {}).get('interfaces', {}).get(name, {}).get('state') == state)


def test_the_drivers_are_reloaded_under_it(guest, names):
    guest.call(inside.program, 1, full([100]))
    guest.call(eipoibd.start, EVENTS_ONLY)
    guest.call(eipoibd.until_vlans, {names['ib0']: [-1, 100]})
    guest.call(inside.reload_drivers)
    guest.call(inside.program, 1, full([100, 101]))
    again = {parent: name for name, parent in guest.call(inside.eipoibs).items()}
    guest.call(eipoibd.until_vlans, {again['ib0']: [-1, 100, 101], again['ib1']: [-1]})
    guest.call(program_and_wait, 1, full([101]), {again['ib0']: [-1, 101]})
    assert guest.call(eipoibd.stop) == 0, guest.call(eipoibd.log)


def test_the_card_is_pulled_out_and_put_back(guest, names):
    guest.call(inside.program, 1, full([100]))
    guest.call(eipoibd.start, EVENTS_ONLY)
    guest.call(eipoibd.until_vlans, {names['ib0']: [-1, 100]})
    guest.call(inside.must, 'modprobe', '-r', 'standin_pci')
    guest.call(until_there_is_nothing)
    guest.call(inside.must, 'modprobe', 'standin_pci')
    guest.call(inside.program, 1, full([101]))
    again = {parent: name for name, parent in guest.call(inside.eipoibs).items()}
    guest.call(eipoibd.until_vlans, {again['ib0']: [-1, 101], again['ib1']: [-1]})
    assert guest.call(eipoibd.stop) == 0, guest.call(eipoibd.log)


def until_there_is_nothing():
    """In the guest: wait until the service has seen it."""
    inside.until(lambda: (eipoibd.status() or {}).get('interfaces') == {})


@pytest.mark.parametrize('seed', [1, 2])
def test_killed_at_random_moments(guest, names, seed):
    guest.call(inside.program, 1, full(range(100, 140)))
    guest.call(eipoibd.kill_at_random, AT_ONCE, 4, seed, 0.3)
    guest.call(inside.program, 1, full(range(120, 160)))
    guest.call(eipoibd.kill_at_random, AT_ONCE, 4, seed + 100, 0.3)
    guest.call(eipoibd.start, AT_ONCE)
    guest.call(eipoibd.until_vlans, {names['ib0']: [-1, *range(120, 160)], names['ib1']: [-1]})
    assert len(guest.call(inside.children)) == 42, 'no orphan is left'
    assert len(guest.call(inside.served_vifs, names['ib0'])) == 41
