# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Storage over RDMA on the real ib_ipoib: the child of its P_Key, before a stand-in netconfig puts the address on it.

Covered: made by the hook, from nothing and out of eipoibd's hands, in connected mode with its MTU; one address; eipoibd
beside it; untagged storage on ib0 itself; after a reboot Debian's ifupdown has it made again, also where the driver
comes late; and taken back.
"""
import pytest

from tests.vm import eipoibd, inside, kernel, machine, storage

CHILD, ADDRESS = 'ib0.80ca', '192.168.1.8/24'
TABLE = [0xffff, 0x80ca, 0x80cb, 0x83e8]
READY = {'mode': 'connected', 'mtu': '65520', 'pkey': '0x80ca', 'addresses': [ADDRESS]}


@pytest.fixture
def eipoib(guest):
    """The EIPOIB interface over ib0, on a node that the hook storage can run on."""
    guest.call(inside.program, 1, TABLE)
    name, = [name for name, parent in guest.call(inside.eipoibs).items() if parent == 'ib0']
    guest.call(storage.install, name, '9.2-tagged-cinder')
    return name


@pytest.mark.parametrize('served', [False, True], ids=['from nothing', 'from eipoibd'])
def test_storage_has_its_child_and_gives_it_back(guest, eipoib, served):
    if served:
        assert guest.call(eipoibd.once)['status'] == 0
        assert 202 in guest.call(inside.vlans, eipoib)
    assert f'br-storage moves to {CHILD}' in guest.call(storage.hook)
    guest.call(storage.netconfig, CHILD, ADDRESS)
    assert guest.call(storage.state, CHILD) == READY
    assert guest.call(storage.hook) == 'storage: nothing to do\n'
    assert guest.call(eipoibd.once)['status'] == 0
    assert guest.call(inside.vlans, eipoib) == [-1, 203, 1000]
    assert guest.call(storage.state, CHILD) == READY

    guest.call(storage.switch_off)
    guest.call(storage.hook)
    assert guest.call(storage.state, CHILD) == {}
    assert guest.call(eipoibd.once)['status'] == 0
    assert guest.call(inside.vlans, eipoib) == [-1, 202, 203, 1000]


def test_untagged_storage_has_the_port_s_own_interface(guest, eipoib):
    guest.call(storage.install, eipoib, '9.2-untagged-compute')
    assert guest.call(eipoibd.once)['status'] == 0
    before = guest.call(storage.state, 'ib0')
    guest.call(storage.hook)
    guest.call(storage.netconfig, 'ib0', ADDRESS)
    assert guest.call(storage.state, 'ib0') == dict(READY, pkey='0xffff')
    assert guest.call(storage.hook) == 'storage: nothing to do\n'
    assert guest.call(eipoibd.once)['status'] == 0
    assert guest.call(inside.vlans, eipoib) == [-1, 202, 203, 1000]

    guest.call(storage.switch_off)
    guest.call(storage.hook)
    assert guest.call(storage.state, 'ib0') == before
    assert (before['mode'], before['addresses']) == ('datagram', [])
    assert guest.call(inside.vlans, eipoib) == [-1, 202, 203, 1000]


@pytest.mark.parametrize('late', [False, True], ids=['driver first', 'driver late'])
def test_after_a_reboot_ifupdown_has_it_back(guest_kernel, guest, eipoib, late):
    guest.call(storage.hook)
    guest.call(storage.netconfig, CHILD, ADDRESS)
    files = guest.call(storage.kept)
    with machine.boot(guest_kernel) as rebooted:
        rebooted.call(inside.configure)
        rebooted.call(storage.restore, files)
        if not late:
            rebooted.call(inside.plug_in)
        rebooted.call(storage.start_ifup, kernel.ifup())
        if late:
            rebooted.call(inside.plug_in)
        assert rebooted.call(storage.end_ifup) == [0, '']
        assert rebooted.call(storage.state, CHILD) == READY
        rebooted.call(inside.program, 1, TABLE)
        assert rebooted.call(eipoibd.once)['status'] == 0
        assert rebooted.call(storage.state, CHILD) == READY
