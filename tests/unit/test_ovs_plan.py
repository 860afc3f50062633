# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The plan for Open vSwitch: bridges, tagged ports, patches of a scheme, on nodes in every state."""
from __future__ import absolute_import, print_function, unicode_literals

import pytest

from plugin_lib.planning import ovs
from plugin_lib.planning.ovs_changes import AddBond, AddBridge, AddPort, DelBridge, DelPort, SetVlans
from tests.model import bridges as model
from tests.model.bridges import (
    BRIDGES,
    OWNED,
    USUAL,
    bridge,
    changes,
    database,
    machine,
    patch,
    port,
    ready,
    said,
    told,
)

PASSING = (201, 1000)
ONLY = (201,)


def test_tagged_ports_and_patches_lead_to_the_bridge_of_the_untagged_port():
    plan = ovs.plan(said(USUAL), machine(), database(BRIDGES))
    assert changes(plan) == [
        AddPort('br-aux', 'br-aux-br-prv-0', None, (), 'br-aux-br-prv-1'),
        AddPort('br-prv', 'br-aux-br-prv-1', None, (), 'br-aux-br-prv-0'),
        AddPort('br-aux', 'eth4', None, PASSING, None),
        AddPort('br-aux', 'eth4.201-0', 201, (), 'eth4.201-1'),
        AddPort('br-mgmt', 'eth4.201-1', None, (), 'eth4.201-0')]
    assert plan.findings == ()
    step, = plan.steps
    assert (step.stage, step.reason) == ('ovs', 'the network scheme puts eth4 on bridges')
    operation, = step.operations
    assert operation.undo() is None
    assert operation.describe().splitlines()[1:4] == [
        'add patch port br-aux-br-prv-1 to br-prv, peer br-aux-br-prv-0 (the patch between br-prv and br-aux)',
        'add port eth4 to br-aux, VLANs 201, 1000 (its P_Keys, and what the network scheme needs)',
        'add patch port eth4.201-0 to br-aux, peer eth4.201-1, tag 201 (the network scheme has eth4.201 on br-mgmt)']
    assert told(said(USUAL), machine(), database(BRIDGES))


def test_missing_bridges_follow_the_datapath_of_those_that_exist():
    made, _ = told(said(USUAL), machine(), database(('br-aux',)))
    assert made[:2] == [AddBridge('br-mgmt', 'netdev'), AddBridge('br-prv', 'netdev')]
    made, _ = told(said(USUAL), machine(), database())
    assert made[0] == AddBridge('br-aux', '')


def test_tagged_ports_alone_get_a_bridge_of_our_own():
    text = said([bridge('br-mgmt'), port('eth4.201', 'br-mgmt')], [('management', 'br-mgmt')])
    made, findings = told(text, machine(), database(('br-mgmt',)))
    assert made == [AddBridge('br-eth4', 'netdev'), AddPort('br-eth4', 'eth4', None, ONLY, None),
                    AddPort('br-eth4', 'eth4.201-0', 201, (), 'eth4.201-1'),
                    AddPort('br-mgmt', 'eth4.201-1', None, (), 'eth4.201-0')]
    assert findings == []
    plan = ovs.plan(text, machine(), database(('br-mgmt', 'br-eth4')))
    assert changes(plan) == [] and 'br-eth4' in plan.findings[0] and 'not ours' in plan.findings[0]


def test_tagged_ports_alone_use_the_bridge_that_has_the_interface():
    text = said([bridge('br-mgmt'), port('eth4.201', 'br-mgmt')], [('management', 'br-mgmt')])
    made, _ = told(text, machine(), database(('br-mgmt', 'br-ib'), [('br-ib', 'eth4', {})]))
    assert made == [SetVlans('eth4', None, ONLY), AddPort('br-ib', 'eth4.201-0', 201, (), 'eth4.201-1'),
                    AddPort('br-mgmt', 'eth4.201-1', None, (), 'eth4.201-0')]


def test_without_open_vswitch_there_is_nothing_to_do():
    assert ovs.plan(said(USUAL), machine(), None) == (
        (), tuple('{0} has provider ovs, but there is no Open vSwitch on this node'.format(name)
                  for name in sorted(BRIDGES)))


def test_ethernet_nodes_are_not_touched():
    host = machine(keys=())._replace(eipoibs={})
    assert told(said(USUAL, driver='mlx4_en'), host, database(BRIDGES, [('br-aux', 'eth4', {})])) == ([], [])


def test_an_eipoib_interface_whose_driver_fuel_never_learnt_counts():
    made, _ = told(said(USUAL, driver=None), machine(), database(BRIDGES))
    assert AddPort('br-aux', 'eth4', None, PASSING, None) in made


def test_the_kernels_vlan_interface_is_the_port_where_there_is_one():
    nowhere, here, linux = ({'eth4.201': master} for master in (None, 'ovs-system', 'br-other'))
    made, _ = told(said(USUAL), machine(masters=nowhere), database(BRIDGES))
    assert AddPort('br-mgmt', 'eth4.201', None, (), None) in made
    assert not any(change.name.startswith('eth4.201-') for change in made)
    made, _ = told(said(USUAL), machine(masters=here), database(BRIDGES, [('br-mgmt', 'eth4.201', {})]))
    assert not any(change.name.startswith('eth4.201') for change in made)
    made, findings = told(said(USUAL), machine(masters=linux), database(BRIDGES))
    assert not any(change.name.startswith('eth4.201') for change in made)
    assert findings == ['eth4.201 is in br-other, not in br-mgmt; it is not ours and left there']
    made, findings = told(said(USUAL), machine(), database(BRIDGES, [('br-prv', 'eth4.201', {'kind': 'internal'})]))
    assert findings == ['eth4.201 is in br-prv, not in br-mgmt; it is not ours and left there']


def test_patch_ports_give_way_to_the_kernels_vlan_interface_and_come_back():
    patched = ready()
    with_nic = machine(masters={'eth4.201': None})
    plan = ovs.plan(said(USUAL), with_nic, patched)
    assert changes(plan) == [DelPort('br-aux', 'eth4.201-0'), DelPort('br-mgmt', 'eth4.201-1'),
                             AddPort('br-mgmt', 'eth4.201', None, (), None)]
    back = changes(ovs.plan(said(USUAL), machine(), model.after(with_nic, patched, plan)[1]))
    assert DelPort('br-mgmt', 'eth4.201') in back and len(back) == 3


def test_an_interface_in_a_linux_bridge_stays_there():
    made, findings = told(said(USUAL), machine(masters={'eth4': 'br-aux'}), database(BRIDGES))
    assert not any(change.name.startswith('eth4') for change in made)
    assert findings == ['eth4 is in br-aux, not in Open vSwitch: it is left there',
                        'eth4.201 of br-mgmt is missing: netconfig makes it where eth4 is on no OVS bridge']


def test_an_interface_on_another_bridge_stays_there_unless_it_is_ours():
    elsewhere = database(BRIDGES, [('br-prv', 'eth4', {})])
    made, findings = told(said(USUAL), machine(), elsewhere)
    assert not any(change.name.startswith('eth4') for change in made)
    assert findings[0] == 'eth4 is a port of br-prv, not of br-aux; it is not ours and left there'
    ours = database(BRIDGES, [('br-prv', 'eth4', {'ids': OWNED})])
    made, findings = told(said(USUAL), machine(), ours)
    assert made[0] == DelPort('br-prv', 'eth4') and AddPort('br-aux', 'eth4', None, PASSING, None) in made
    assert findings == []


def test_nothing_of_ours_is_removed_while_an_uplink_is_missing():
    made = ready()
    assert ovs.plan(said(USUAL), machine(names=()), made).steps == ()
    without = database(BRIDGES, [('br-aux', 'old', {'ids': OWNED})])
    plan = ovs.plan(said(USUAL), machine(names=()), without)
    assert not any(isinstance(change, (DelPort, DelBridge)) for change in changes(plan))
    assert plan.findings[0] == 'eth4 is not on this node: it is put on no bridge'


def test_ours_that_is_not_needed_goes_and_the_rest_stays():
    stale = database(BRIDGES + ('br-eth4', 'br-keep'), [('br-eth4', 'old', {'ids': OWNED}), ('br-keep', 'guest', {})])
    for name in ('br-eth4', 'br-keep'):
        stale.bridges[name] = stale.bridges[name]._replace(external_ids=OWNED)
    made, findings = told(said(USUAL), machine(), stale)
    assert made[0] == DelPort('br-eth4', 'old') and made[-1] == DelBridge('br-eth4')
    assert findings == ['br-keep is no longer needed, but stays: guest is not ours']


def test_ours_that_was_bent_is_straightened():
    made = ready()
    made.ports['eth4.201-0'] = made.ports['eth4.201-0']._replace(tag=7)
    made.interfaces['eth4.201-1'] = made.interfaces['eth4.201-1']._replace(options={'peer': 'nowhere'})
    changed, _ = told(said(USUAL), machine(), made)
    assert changed == [DelPort('br-mgmt', 'eth4.201-1'), SetVlans('eth4.201-0', 201, ()),
                    AddPort('br-mgmt', 'eth4.201-1', None, (), 'eth4.201-0')]


def test_bridges_that_netconfig_joined_are_not_joined_twice():
    """Two pairs of patch ports without tags between the same bridges would be a loop."""
    pair = [('br-prv', 'p_0', {'peer': 'p_1'}), ('br-aux', 'p_1', {'peer': 'p_0'}),
            ('br-mgmt', 'm_0', {'peer': 'm_1'}), ('br-aux', 'm_1', {'peer': 'm_0', 'tag': 201})]
    made, findings = told(said(USUAL), machine(), database(BRIDGES, pair))
    assert made == [AddPort('br-aux', 'eth4', None, PASSING, None)] and findings == []
    pair[3][2]['tag'] = 300
    made, findings = told(said(USUAL), machine(), database(BRIDGES, pair))
    assert made == [AddPort('br-aux', 'eth4', None, PASSING, None)]
    assert findings == ['br-aux and br-mgmt are joined by m_1, but not with the tags and trunks of eth4.201; it is '
                        'not ours and left as it is']


def test_a_pair_of_which_one_end_is_ours_is_made_anew():
    """Ours goes, because nothing wants it; what is left joins nothing."""
    half = [('br-prv', 'p_0', {'peer': 'p_1'}), ('br-aux', 'p_1', {'peer': 'p_0', 'ids': OWNED})]
    made, findings = told(said(USUAL), machine(), database(BRIDGES, half))
    assert made[0] == DelPort('br-aux', 'p_1') and findings == []
    assert AddPort('br-aux', 'br-aux-br-prv-0', None, (), 'br-aux-br-prv-1') in made


def test_patches_of_a_scheme_of_version_1_0_have_tags_and_trunks():
    """Fuel 4.x-6.0: every bridge in Open vSwitch, VLANs as tags of the patches, trunks [0] for untagged."""
    text = said([bridge('br-eth4'), port('eth4', 'br-eth4'), bridge('br-mgmt'), bridge('br-ex'),
                 patch('br-mgmt', 'br-eth4', tags=[0, 201]), patch('br-eth4', 'br-ex', trunks=[0])],
                [('management', 'br-mgmt'), ('ex', 'br-ex')])
    made, _ = told(text, machine(), database(('br-eth4', 'br-mgmt', 'br-ex')))
    ports = dict((change.name, change) for change in made)
    tagged = [each for each in made if each.tag]
    assert [(each.bridge, each.tag, ports[each.peer].bridge) for each in tagged] == [('br-eth4', 201, 'br-mgmt')]
    assert sorted(each.bridge for each in made if each.peer and each.trunks == (0,)) == ['br-eth4', 'br-ex']


def test_internal_ports_of_the_scheme_are_made():
    text = said(USUAL + [port('mgmt0', 'br-aux', type='internal', tag=201)], [('management', 'mgmt0')])
    made, _ = told(text, machine(), database(BRIDGES))
    assert AddPort('br-aux', 'mgmt0', 201, (), None, True) in made
    made, _ = told(text, machine(others=[model.nic('mgmt0')]), database(BRIDGES, [
        ('br-aux', 'mgmt0', {'kind': 'internal'})]))
    assert SetVlans('mgmt0', 201, ()) in made
    _, findings = told(text, machine(others=[model.nic('mgmt0')]), database(BRIDGES, [
        ('br-prv', 'mgmt0', {'kind': 'internal'})]))
    assert 'mgmt0 is a port of br-prv, not of br-aux; it is not ours and left there' in findings


@pytest.mark.parametrize('steps, left_out', [
    ([patch('br-mgmt', 'br-prv'), patch('br-mgmt', 'br-aux')], ['the patch between br-mgmt and br-aux']),
    ([patch('br-aux', 'br-prv', trunks=[0])], ['the patch between br-aux and br-prv']),
    ([patch('br-aux', 'br-aux')], ['the patch between br-aux and br-aux']),
    ([patch('br-mgmt', 'br-aux', tags=[0, 201]), patch('br-prv', 'br-mgmt', tags=[201, 0])], []),
    ([patch('br-prv', 'br-aux')], [])])
def test_a_patch_that_closes_a_loop_is_left_out(steps, left_out):
    base = [each for each in USUAL if each.get('name') != 'eth4.201']
    made, findings = told(said(base + steps), machine(), database(BRIDGES))
    assert [line for line in findings if 'loop' in line] == [
        '{0} is not made: it would close a loop'.format(title) for title in left_out]
    assert set(['br-aux-br-prv-0', 'br-aux-br-prv-1', 'eth4']) <= set(change.name for change in made)


def test_a_patch_beside_a_port_or_a_patch_of_others_is_a_loop_too():
    loop = 'the patch between br-mgmt and br-aux is not made: it would close a loop'
    tagged = patch('br-mgmt', 'br-aux', tags=[0, 201])
    assert loop in told(said(USUAL + [tagged]), machine(), database(BRIDGES))[1]
    theirs = database(BRIDGES, [('br-mgmt', 'p_0', {'peer': 'p_1'}), ('br-prv', 'p_1', {'peer': 'p_0'})])
    without = [each for each in USUAL if each.get('name') != 'eth4.201']
    assert loop in told(said(without + [patch('br-mgmt', 'br-aux')]), machine(), theirs)[1]


def test_a_patch_to_a_bridge_that_the_scheme_does_not_have_is_left_out():
    _, findings = told(said(USUAL + [patch('br-none', 'br-aux')]), machine(), database(BRIDGES))
    assert findings == ['the patch between br-none and br-aux is not made: the network scheme has no bridge br-none']


def test_an_address_is_not_taken_into_a_bridge():
    plan = ovs.plan(said(USUAL), machine(), database(BRIDGES), frozenset(['eth4']))
    assert 'eth4 has an address of its own: it is put on no bridge' in plan.findings
    assert not any(change.name.startswith('eth4') for change in changes(plan))


def test_bonds_of_eipoib_interfaces_are_uplinks_too():
    steps = [bridge('br-mgmt'), bridge('br-aux'), port('bond0.201', 'br-mgmt'),
             {'action': 'add-bond', 'name': 'bond0', 'bridge': 'br-aux', 'interfaces': ['eth4', 'eth5'],
              'bond_properties': {'mode': 'active-backup'}, 'provider': 'ovs'}]
    text = said(steps, [('management', 'br-mgmt')])
    host = machine(names=('eth4', 'eth5'))
    made, findings = told(text, host, database(('br-mgmt', 'br-aux'), [('br-aux', 'bond0', {})]))
    assert made == [SetVlans('bond0', None, ONLY), AddPort('br-aux', 'bond0.201-0', 201, (), 'bond0.201-1'),
                    AddPort('br-mgmt', 'bond0.201-1', None, (), 'bond0.201-0')]
    made, findings = told(text, host, database(('br-mgmt', 'br-aux')))
    assert made[0] == AddBond('br-aux', 'bond0', None, ONLY, ('eth4', 'eth5')) and findings == []
    assert made[0].describe() == 'add bond bond0 of eth4 and eth5 to br-aux, VLANs 201'
    missing = ['bond0 is not on this node: it is put on no bridge']
    for busy in (machine(names=('eth4',)), machine(names=('eth4', 'eth5'), masters={'eth5': 'br-x'})):
        made, findings = told(text, busy, database(('br-mgmt', 'br-aux')))
        assert made == [] and findings[-1:] == missing
    steps[-1]['bond_properties']['mode'] = '802.3ad'
    assert told(said(steps, [('management', 'br-mgmt')]), host, database(('br-mgmt', 'br-aux'))) == ([], missing)


def test_a_name_that_is_taken_is_one_finding_and_the_rest_is_made():
    for ports in ([('br-aux', 'eth4.201-0', {})], [('br-prv', 'eth4.201-1', {'kind': 'internal'})]):
        made, findings = told(said(USUAL), machine(others=[model.nic(ports[0][1])]), database(BRIDGES, ports))
        assert [line for line in findings if 'taken' in line] == [
            'the name {1}, which is needed in Open vSwitch, is taken by a port of {0} that is not ours: rename or '
            'remove that'.format(*ports[0])]
        assert [change.name for change in made] == ['br-aux-br-prv-0', 'br-aux-br-prv-1', 'eth4']
    made, findings = told(said(USUAL), machine(masters={'eth4.201-1': None}), database(BRIDGES))
    assert len(made) == 3 and 'taken by a network interface of this node' in findings[0]


def test_long_names_are_cut_to_the_same_name_every_time():
    long_one = 'br-management-x'
    text = said([bridge(long_one), bridge('br-aux'), port('eth4', 'br-aux'), patch('br-aux', long_one)], [])
    names = [change.name for change in told(text, machine(), database(('br-aux', long_one)))[0]]
    assert names == ['eth4', 'ib0fb65357-0', 'ib0fb65357-1']
