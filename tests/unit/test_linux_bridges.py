# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The plan for Linux bridges over EIPOIB interfaces, alone and patched to Open vSwitch, and for the MTU of both."""
from __future__ import absolute_import, print_function, unicode_literals

import os

import pytest

from plugin_lib import published
from plugin_lib.planning import ovs
from plugin_lib.planning.link_operations import AddBridgeLink, AddVethPair, AddVlanLink, SetMaster
from plugin_lib.planning.operations import LinkUp, SetMtu
from plugin_lib.planning.ovs_changes import AddPort, RequestMtu
from tests.model import bridges as model
from tests.model.bridges import bridge, changes, configured, database, machine, operations, patch, port, said, settled

FIXTURES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'fixtures', 'astute')
# Fuel's own: only br-prv is in Open vSwitch.
USUAL = [bridge('br-mgmt', 'lnx'), bridge('br-prv'), bridge('br-aux', 'lnx'), port('eth4', 'br-aux'),
         port('eth4.201', 'br-mgmt'), patch('br-prv', 'br-aux', mtu=65000)]
ROLES = (('management', 'br-mgmt'), ('neutron/private', 'br-prv'))


def without(host, *names):
    return host._replace(interfaces=dict(each for each in host.interfaces.items() if each[0] not in names))


def changed(host, name, **more):
    return host._replace(interfaces=dict(host.interfaces, **{name: host.interfaces[name]._replace(**more)}))


@pytest.mark.parametrize('name', sorted(name for name in os.listdir(FIXTURES) if name.endswith('.yaml')))
def test_after_netconfig_nothing_is_left_to_do(name):
    text = published.read(os.path.join(FIXTURES, name))
    names = [each.name for each in text.interfaces.values() if each.mode == 'infiniband']
    others = [model.nic(each.interface) for each in text.scheme.ports if each.interface not in names]
    keys = [0xffff] + [0x8000 | vlan for vlan in (1, 101, 201, 202) + tuple(range(1000, 1011))]
    assert settled(text, *configured(text, machine(keys, names, others=others))) == ((), ())


def test_all_of_it_is_made_in_an_order_that_is_possible():
    plan = settled(said(USUAL, ROLES), machine(), database())
    assert [change.describe() for change in changes(plan)] == [
        'add bridge br-prv', 'add internal port br-aux-br-prv-0 to br-prv']
    assert [(step.subject, step.reason) for step in plan.steps[1:]] == [
        ('eth4 in br-aux', 'the network scheme has it there'),
        ('eth4.201 in br-mgmt', 'the network scheme has it, netconfig has not made it'),
        ('br-aux-br-prv-0 in br-aux', 'it joins br-aux to Open vSwitch')]
    assert operations(plan) == [
        AddBridgeLink('br-aux'), LinkUp('br-aux'), SetMaster('eth4', 'br-aux'),
        AddBridgeLink('br-mgmt'), LinkUp('br-mgmt'), AddVlanLink('eth4', 'eth4.201', 201),
        SetMaster('eth4.201', 'br-mgmt'), LinkUp('eth4.201'),
        SetMaster('br-aux-br-prv-0', 'br-aux'), LinkUp('br-aux-br-prv-0')]
    assert [operation.describe() for operation in operations(plan)][5:7] == [
        'add eth4.201, VLAN 201 of eth4', 'put eth4.201 into br-mgmt']


@pytest.mark.parametrize('missing, made', [
    (('eth4.201',), [AddVlanLink('eth4', 'eth4.201', 201), SetMaster('eth4.201', 'br-mgmt'), LinkUp('eth4.201')]),
    (('p_1',), [SetMaster('br-aux-br-prv-0', 'br-aux'), LinkUp('br-aux-br-prv-0')])])
def test_only_what_is_missing_is_made(missing, made):
    host, snapshot = configured(said(USUAL, ROLES), machine())
    assert sorted(snapshot.ports) == ['br-prv', 'p_1']
    for name in missing:
        snapshot.ports.pop(name, None)
    assert operations(settled(said(USUAL, ROLES), without(host, *missing), snapshot)) == made


def test_what_is_there_is_put_into_its_bridge_and_set_up():
    host, snapshot = configured(said(USUAL, ROLES), machine())
    host = changed(changed(host, 'eth4', master=None), 'eth4.201', up=False)
    assert operations(settled(said(USUAL, ROLES), host, snapshot)) == [SetMaster('eth4', 'br-aux'), LinkUp('eth4.201')]
    assert operations(settled(said(USUAL, ROLES), changed(host, 'br-aux', up=False), snapshot)) == [
        LinkUp('br-aux'), SetMaster('eth4', 'br-aux'), LinkUp('eth4.201')]


@pytest.mark.parametrize('name, more, finding', [
    ('eth4.201', {'vlan': 202}, 'eth4.201 is there, but not as VLAN 201 of eth4: it is left as it is'),
    ('eth4.201', {'parent': 'eth0'}, 'eth4.201 is there, but not as VLAN 201 of eth4: it is left as it is'),
    ('eth4.201', {'master': 'br-x'}, 'eth4.201 is in br-x, not in br-mgmt: it is left there'),
    ('br-mgmt', {'kind': None}, 'br-mgmt is there, but is no Linux bridge: eth4.201 is not put into it')])
def test_what_contradicts_the_scheme_is_left_and_told(name, more, finding):
    host, snapshot = configured(said(USUAL, ROLES), machine())
    assert settled(said(USUAL, ROLES), changed(host, name, **more), snapshot) == ((), (finding,))


def test_an_interface_with_an_address_is_put_into_no_bridge():
    plan = ovs.plan(said(USUAL, ROLES), machine(), database(), frozenset(['eth4']))
    assert 'eth4 has an address of its own: it is not put into br-aux' in plan.findings
    assert not any(operation == SetMaster('eth4', 'br-aux') for operation in operations(plan))


def test_a_port_of_open_vswitch_is_left_there():
    plan = settled(said(USUAL, ROLES), machine(), database(('br-prv',), [('br-prv', 'eth4', {})]))
    assert 'eth4 is a port of Open vSwitch, not of br-aux: it is left there' in plan.findings


def test_without_the_uplink_or_its_key_there_is_no_vlan_interface():
    plan = settled(said(USUAL, ROLES), machine(names=()), database())
    assert plan.findings == ('eth4 is not on this node: nothing of it is there for br-aux, br-mgmt',)
    plan = settled(said(USUAL, ROLES), machine((0xffff, 0x83e8)), database())
    assert not any(isinstance(operation, AddVlanLink) for operation in operations(plan))
    assert plan.findings == ('role management needs VLAN 201 on eth4, which has no full P_Key for it',)
    plan = settled(said(USUAL, ROLES), machine(None), database())
    assert AddVlanLink('eth4', 'eth4.201', 201) in operations(plan)


def test_linux_bridges_need_no_open_vswitch():
    text = said([bridge('br-mgmt', 'lnx'), port('eth4.201', 'br-mgmt'), {'action': 'add-port', 'name': 'eth4.202'}],
                [('management', 'br-mgmt'), ('storage', 'eth4.202')])
    plan = settled(text, machine(), None)
    assert [operation.describe() for operation in operations(plan)] == [
        'add Linux bridge br-mgmt', 'set br-mgmt up', 'add eth4.201, VLAN 201 of eth4', 'put eth4.201 into br-mgmt',
        'set eth4.201 up', 'add eth4.202, VLAN 202 of eth4', 'set eth4.202 up']


def test_two_linux_bridges_are_joined_by_a_veth_pair():
    text = said([bridge('br-a', 'lnx'), bridge('br-b', 'lnx'), port('eth4', 'br-a'), patch('br-a', 'br-b')],
                [('one', 'br-b')])
    host = machine(masters={'eth4': 'br-a'}, others=model.linux('br-a', 'br-b'))
    ends = SetMaster('br-a-br-b-0', 'br-a'), SetMaster('br-a-br-b-1', 'br-b')
    assert operations(settled(text, host, None)) == [
        AddVethPair('br-a-br-b-0', 'br-a-br-b-1'), ends[0], LinkUp('br-a-br-b-0'), ends[1], LinkUp('br-a-br-b-1')]
    half = machine(masters={'eth4': 'br-a'}, others=model.linux('br-a', 'br-b') + [
        model.nic('br-a-br-b-0', kind='veth', parent='br-a-br-b-1', master='br-a'),
        model.nic('br-a-br-b-1', kind='veth', parent='br-a-br-b-0')])
    assert operations(settled(text, half, None)) == [ends[1]]
    theirs = machine(masters={'eth4': 'br-a'}, others=model.linux('br-a', 'br-b') + [
        model.nic('v0', kind='veth', parent='v1', master='br-a'),
        model.nic('v1', kind='veth', parent='v0', master='br-b')])
    assert settled(text, theirs, None) == ((), ())
    taken = machine(masters={'eth4': 'br-a'}, others=model.linux('br-a', 'br-b') + [model.nic('br-a-br-b-1')])
    assert settled(text, taken, None) == (
        (), ('the patch between br-a and br-b is not made: the name br-a-br-b-1 is taken',))


def test_a_veth_pair_joins_open_vswitch_too():
    host, snapshot = configured(said(USUAL, ROLES), machine())
    snapshot.interfaces['p_1'] = snapshot.interfaces['p_1']._replace(type='')
    host = changed(host, 'p_1', kind='veth', parent='p_9', master=None)
    host.interfaces['p_9'] = model.nic('p_9', kind='veth', parent='p_1', master='br-aux')
    assert settled(said(USUAL, ROLES), host, snapshot) == ((), ())


def test_a_member_that_is_not_in_its_bond_is_told():
    text = said([bridge('br-mgmt', 'lnx'), port('bond0.201', 'br-mgmt'), {
        'action': 'add-bond', 'name': 'bond0', 'bridge': 'br-mgmt', 'interfaces': ['eth4', 'eth5']}])
    host, snapshot = configured(text, machine(names=('eth4', 'eth5')))
    assert [line for line in settled(text, host, snapshot).findings if 'bond' in line] == []
    plan = settled(text, changed(host, 'eth5', master=None), snapshot)
    assert 'eth5 is not in bond0: netconfig makes bonds' in plan.findings


MTU = [bridge('br-mgmt', 'lnx', mtu=9000), port('eth4.201', 'br-mgmt', mtu=1400)]


def test_no_mtu_is_larger_than_the_fabric_carries_nor_than_what_fuel_asks_for():
    text = said(MTU, ROLES[:1])
    host, snapshot = configured(text, machine())
    host = changed(host, 'br-mgmt', mtu=9000)
    plan = settled(text, host, snapshot)
    assert operations(plan) == [SetMtu('eth4.201', 1400, 2044), SetMtu('br-mgmt', 2044, 9000)]
    assert [step.reason for step in plan.steps] == [
        'eth4 carries 2044, Fuel asks for 1400', 'eth4 carries 2044, Fuel asks for 9000']
    assert plan.findings == ('Fuel asks for an MTU of 9000 on br-mgmt, the fabric under eth4 carries 2044',)
    smaller = machine(mtu=1020)
    assert SetMtu('eth4.201', 1020, 2044) in operations(settled(
        text, without(changed(host, 'eth4', mtu=1020), 'ib0')._replace(eipoibs=smaller.eipoibs), snapshot))


def test_open_vswitch_is_asked_for_the_mtu_of_its_bridges():
    text = said([bridge('br-mgmt', mtu=2000), bridge('br-aux'), port('eth4', 'br-aux'), port('eth4.201', 'br-mgmt')],
                ROLES[:1])
    plan = settled(text, machine(), database(('br-aux',)))
    assert changes(plan)[-1] == RequestMtu('br-mgmt', 2000)
    assert operations(plan) == [SetMtu('br-mgmt', 2000, 1500)]
    assert plan.steps[0].operations[0].describe().splitlines()[-1] == (
        'request MTU 2000 of br-mgmt (eth4 carries 2044, Fuel asks for 2000)')
    assert AddPort('br-aux', 'eth4', None, (201,), None) in changes(plan)


def test_a_bridge_that_the_scheme_does_not_have_gets_nothing():
    text = said([bridge('br-mgmt', 'lnx'), port('eth4.201', 'br-mgmt'), port('eth4.202', 'br-none')], ROLES[:1])
    assert settled(text, *configured(said([bridge('br-mgmt', 'lnx'), port('eth4.201', 'br-mgmt')]), machine())) == (
        (), ('eth4.202 is put on no bridge: the network scheme does not have br-none',))


def test_without_the_ipoib_interface_no_mtu_is_known():
    text = said(MTU, ROLES[:1])
    host, snapshot = configured(text, machine())
    assert settled(text, without(host, 'eth4', 'ib0'), snapshot).findings[0].startswith('eth4 is not on this node')
