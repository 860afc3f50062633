# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Vifs for those who talk through an EIPOIB interface, on a modelled node whose bridge br0 has ports.

Covered: names and P_Keys of their children with each kind of driver; who gets none and why; what is kept when others
come, when they go, flap or move, and when keys vanish; what a crash leaves; memory is for the interface's own first.
"""
from __future__ import absolute_import, print_function, unicode_literals

import pytest

from plugin_lib.host import machine
from plugin_lib.host.memory import Memory
from plugin_lib.planning import budget
from plugin_lib.planning.vifs import is_one_more, own_child
from plugin_lib.planning.vlans import plan
from tests.model.disturbance import Crash, Disturbance
from tests.model.listener import Listener
from tests.model.node import Node

ONE, TWO, OWN = 'fa:16:3e:00:00:01', 'fa:16:3e:00:00:02', '00:02:c9:00:00:01'
SEVERAL = [{}, {'rtnetlink': False, 'child_index': True}]


@pytest.fixture(params=SEVERAL, ids=['rtnetlink', 'index'])
def node(request, tmpdir):
    return Node(tmpdir, [0xffff, 0x8064, 0x8065], **request.param)


def add(node, name, mac, tag=None):
    node.network.add_port('br0', name, mac=mac, tag=tag)


def others(node):
    """{(MAC, VLAN): child} of what is served beside the interface's own MAC."""
    return dict(((mac, vlan), child) for child, mac, vlan, _ in node.kernel.vifs('eth4') if mac != OWN)


def states(result):
    return dict(((finding.mac, finding.vlan), finding.state) for finding in result.findings if finding.mac)


def test_each_mac_in_each_vlan_has_its_child(node):
    for name, mac, tag in (('a', ONE, 100), ('b', TWO, 100), ('c', ONE, 101), ('d', TWO, None), ('own', OWN, 100)):
        add(node, name, mac, tag)
    assert not node.serve().errors
    assert others(node) == {(ONE, 100): 'ib0.8064.1', (TWO, 100): 'ib0.8064.2', (ONE, 101): 'ib0.8065.1',
                            (TWO, -1): 'ib0.2'}
    assert [(child, pkey) for child, _, vlan, pkey in node.kernel.vifs('eth4') if
            pkey != (0xffff if vlan == -1 else 0x8000 | vlan)] == []
    assert node.vlans() == [-1, 100, 101]
    result = node.serve()
    assert (result.outcomes, set(states(result).values())) == ((), set(['ok']))
    node.start()
    assert node.serve().outcomes == (), 'another process finds it so too'
    assert not node.flush()[0].error
    assert node.children() == []


def test_what_is_told_of_one(node):
    add(node, 'a', ONE, 100)
    (finding,) = [finding for finding in node.serve().findings if finding.mac]
    assert finding.line() == 'mlx4_0 port 1 0x8064 full ==> ib0.8064.1 vlan 100 eth4 fa:16:3e:00:00:01 br0/a ok'
    assert finding.subject == 'eth4 vlan 100 fa:16:3e:00:00:01'


@pytest.mark.parametrize('driver', [{'rtnetlink': False}, {'rtnetlink': False, 'sets_full_bit': True}])
def test_a_driver_that_makes_one_child_of_a_key(tmpdir, driver):
    node = Node(tmpdir, [0xffff, 0x8064], **driver)
    add(node, 'a', ONE, 100)
    node.serve()
    result = node.serve()
    assert (result.errors, result.outcomes, states(result)) == ((), (), {(ONE, 100): 'one-mac'})
    assert (node.vlans(), node.children()) == ([-1, 100], ['ib0.8064'])
    node.start()
    assert node.serve().outcomes == (), 'a new process does not try'


def test_who_gets_none(node):
    node.port.set_pkeys([0xffff, 0x8064, 0x0065])
    node.network.unplug('eth4')
    node.network.plug('br0', 'eth4', trunks=(101, 102))
    for name, tag in (('a', 100), ('b', 101), ('c', 102)):
        add(node, name, ONE, tag)
    result = node.serve()
    assert states(result) == {(ONE, 100): 'trunks', (ONE, 101): 'no-pkey', (ONE, 102): 'no-pkey'}
    assert [finding.detail for finding in result.findings if finding.vlan in (101, 102) and finding.mac] == [
        'the port is a limited member of its partition', 'the port holds no P_Key of this VLAN']
    assert node.serve().outcomes == ()


def test_beyond_the_limit_who_has_one_keeps_it(node):
    node.settings = node.settings._replace(vif_limit=2)
    add(node, 'a', TWO, 101)
    add(node, 'b', TWO, 100)
    node.serve()
    add(node, 'c', ONE, None)
    result = node.serve()
    assert set(others(node)) == set([(TWO, 101), (TWO, 100)])
    assert states(result)[ONE, None] == 'most'
    assert [line for line in result.warnings if 'vif_limit' in line] == [
        'eth4: 1 who talk through it get no vif, since vif_limit allows 2 beside its own: raise it where the memory'
        ' suffices']
    node.network.unplug('a')
    node.serve()
    assert set(others(node)) == set([(TWO, 101), (TWO, 100), (ONE, -1)]), 'what is silent stays for a while'


def test_a_limit_of_none(node):
    node.settings = node.settings._replace(vif_limit=0)
    add(node, 'a', ONE, 100)
    assert states(node.serve()) == {(ONE, 100): 'most'}
    assert others(node) == {}


def test_what_becomes_due_during_a_pass_is_for_the_next_one_at_once(node):
    class Slow(Listener):
        def after(self, verb, target, text):
            node.now += 1

    for number, mac in enumerate((ONE, TWO)):
        add(node, 'p{0}'.format(number), mac, 100)
    node.serve()
    node.network.unplug('p0')
    node.serve()
    node.network.unplug('p1')
    node.serve(1)
    node.kernel.listener = Slow()
    assert node.serve(29).next_removal == 0
    node.serve()
    assert others(node) == {}


def test_a_port_that_flaps_moves_and_goes(node):
    add(node, 'a', ONE, 100)
    node.serve()
    for _ in range(3):
        node.network.unplug('a')
        result = node.serve(20)
        assert (result.outcomes, states(result)) == ((), {(ONE, 100): 'silent'})
        assert result.next_removal == 30
        add(node, 'again', ONE, 100)
        assert node.serve(20).outcomes == ()
        node.network.unplug('again')
        add(node, 'a', ONE, 100)
    add(node, 'a', ONE, 101)
    node.serve()
    assert set(others(node)) == set([(ONE, 100), (ONE, 101)]), 'the new one at once'
    node.serve(30)
    assert set(others(node)) == set([(ONE, 101)])
    node.network.unplug('a')
    assert node.once().outcomes == (), 'a single pass cannot know for how long'


def test_a_database_that_is_away_takes_nobody(node):
    add(node, 'a', ONE, 100)
    node.serve()
    node.network.unplug('a')
    node.network.known = False
    for _ in range(3):
        assert node.serve(1000).outcomes == ()
    node.network.known = True
    node.serve()
    node.serve(30)
    assert others(node) == {}


def test_a_key_that_vanishes_takes_them_no_sooner_than_the_interfaces_own(node):
    add(node, 'a', ONE, 100)
    add(node, 'b', TWO, 100)
    node.serve()
    node.port.set_pkeys([0xffff, 0x8065])
    result = node.serve()
    assert states(result)[ONE, 100] in ('held', 'no-pkey')
    node.serve(89)
    assert set(others(node)) == set([(ONE, 100), (TWO, 100)])
    node.serve(1)
    assert (others(node), node.vlans()) == ({}, [-1, 101])


def test_keys_count_and_not_children_when_most_of_them_vanish(node):
    for number in range(5):
        add(node, 'p{0}'.format(number), 'fa:16:3e:00:00:1{0}'.format(number), 100)
    node.serve()
    node.port.set_pkeys([0xffff, 0x8065])
    assert node.serve().warnings == ()
    node.port.set_pkeys([0xffff])
    assert '2 of 2 P_Keys have vanished' in ' '.join(node.serve().warnings)


@pytest.mark.parametrize('at', range(6))
def test_killed_at_any_change(node, at):
    node.serve()
    add(node, 'a', ONE, 100)

    def die(_):
        raise Crash()
    node.kernel.listener = Disturbance(at // 2, die, '', late=bool(at % 2))
    with pytest.raises(Crash):
        node.serve()
    node.kernel.listener = Disturbance()
    node.start()
    for _ in range(4):
        node.serve(40)
    assert list(others(node)) == [(ONE, 100)]
    assert len(node.children()) == 4, 'nothing half-made stays'


def test_somebody_else_has_the_name_and_somebody_else_serves(node):
    node.serve()
    node.kernel.write('/sys/class/net/ib0/create_child', '0x8066')
    node.kernel.netdevs['ib0.8064.1'] = node.kernel.netdevs.pop('ib0.8066')
    node.kernel.netdevs['ib0.8064.1'].name = 'ib0.8064.1'
    add(node, 'a', ONE, 100)
    node.serve()
    assert others(node) == {(ONE, 100): 'ib0.8064.2'}


def test_memory_is_for_the_interfaces_own_first(node):
    add(node, 'a', ONE, None)
    steps, findings = plan(machine.read(node.kernel), {}, (), (), node._talk(('eth4',)), 5)
    child = 128 * budget.BUFFER
    fitting, left_out = budget.fit(steps, findings, Memory(1 << 30, (64 << 20) + 3 * child), 128)
    assert left_out == set(['eth4 untagged fa:16:3e:00:00:01'])
    assert budget.shortage([finding for finding in findings if finding.subject in left_out], 128)[0].startswith(
        'eth4: no memory for 1 others who talk through it: ')


@pytest.mark.parametrize('name, one_more, own', [
    ('ib0.8064', False, 'ib0.8064'), ('ib0.8064.1', True, 'ib0.8064'), ('ib0.8064.255', True, 'ib0.8064'),
    ('ib0.1', False, 'ib0.1'), ('ib0.2', True, 'ib0.2'), ('ib0.255', True, 'ib0.255'), ('ib0.8064.0', False, None),
    ('ib1.8064.1', False, None), ('ib0.0', False, None), ('xib0', False, None),
])
def test_names(name, one_more, own):
    assert is_one_more('ib0', name) == one_more
    assert own_child('ib0', name) == (own or name)
