# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``eipoibd --once`` on the real ib_ipoib.

Covered: a full table of one port, and of both; a second pass changes nothing; limited members and duplicates; children
that were made and not enslaved, enslaved without a vif, or made by somebody else; --flush; a new name of the interface.
"""
import pytest

from tests.vm import eipoibd, inside

FULL_TABLE = [0xffff] + [0x8000 | vlan for vlan in range(978, 1105)]  # the last rows read as other VLANs when cut
VLANS = [-1] + list(range(978, 1105))


@pytest.fixture
def names(guest):
    """{IPoIB interface: EIPOIB interface}."""
    return {parent: name for name, parent in guest.call(inside.eipoibs).items()}


def once(guest):
    done = guest.call(eipoibd.once)
    assert done['status'] == 0, done['output']
    return done['output']


def test_127_keys_on_both_ports(guest, names):
    for number in (1, 2):
        guest.call(inside.program, number, FULL_TABLE)
    once(guest)
    for parent in ('ib0', 'ib1'):
        assert guest.call(inside.vlans, names[parent]) == VLANS
        assert len(guest.call(inside.served_vifs, names[parent])) == len(VLANS), 'nothing else is served'
    assert 'nothing to do' in once(guest), 'although the page of vifs shows 83 of 128'
    assert guest.call(eipoibd.once, '--flush')['status'] == 0
    assert guest.call(inside.children) == []


def test_membership(guest, names):
    guest.call(inside.program, 1, [0xffff, 0x0064, 0x8065, 0x0065, 0x0066, 0x8066, 0x9001])
    output = once(guest)
    assert guest.call(inside.vlans, names['ib0']) == [-1, 101, 102]
    assert [key for key in ('0x0064', '0x9001') if key not in output] == [], 'what gets no VLAN is told'


def test_what_others_left_half_made_is_repaired_or_left_alone(guest, names):
    eipoib = names['ib0']
    guest.call(inside.program, 1, [0xffff, 0x8064, 0x8065, 0x8066])
    once(guest)
    # A crash in the middle: one child of ours released, another without its vif, a third gone.
    guest.call(inside.write, f'/sys/class/net/{eipoib}/eth/slaves', '-ib0.8064')
    guest.call(inside.write, f'/sys/class/net/{eipoib}/eth/slaves', '-ib0.8065')
    guest.call(inside.write, f'/sys/class/net/{eipoib}/eth/slaves', '+ib0.8065')
    guest.call(inside.must, 'ip', 'link', 'del', 'ib0.8066')
    # And somebody else's child.
    guest.call(inside.write, '/sys/class/net/ib0/create_child', '0x8077')
    once(guest)
    assert guest.call(inside.vlans, eipoib) == [-1, 100, 101, 102]
    assert 'ib0.8077' in guest.call(inside.children)
    guest.call(eipoibd.once, '--flush')
    assert guest.call(inside.children) == ['ib0.8077']


def test_a_child_that_eth_ipoib_refuses_for_ever_is_made_anew(guest, names):
    guest.call(inside.program, 1, [0xffff, 0x8064])
    once(guest)
    # Enslaving it to the other port's interface fails half way, and leaves it claimed.
    guest.call(inside.must, 'ip', 'link', 'set', names['ib1'], 'up')
    guest.call(inside.write, f'/sys/class/net/{names["ib0"]}/eth/slaves', '-ib0.8064')
    slaves = f'/sys/class/net/{names["ib1"]}/eth/slaves'
    assert guest.call(inside.attempt, slaves, '+ib0.8064') == 'EINVAL'
    assert guest.call(inside.attempt, f'/sys/class/net/{names["ib0"]}/eth/slaves', '+ib0.8064') == 'EBUSY'
    once(guest)
    assert guest.call(inside.vlans, names['ib0']) == [-1, 100]


def test_an_interface_gets_another_name(guest, names):
    guest.call(inside.program, 1, [0xffff, 0x8064])
    guest.call(inside.must, 'ip', 'link', 'set', names['ib0'], 'name', 'eipoib0')
    once(guest)
    assert guest.call(inside.vlans, 'eipoib0') == [-1, 100]
    guest.call(inside.must, 'ip', 'link', 'set', 'eipoib0', 'down')
    guest.call(inside.must, 'ip', 'link', 'set', 'eipoib0', 'name', 'eipoib1')
    guest.call(inside.program, 1, [0xffff, 0x8064, 0x8065])
    once(guest)
    assert guest.call(inside.vlans, 'eipoib1') == [-1, 100, 101]
