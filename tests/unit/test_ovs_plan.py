# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The plan for Open vSwitch: bridges, tagged ports, patches and trunks of a scheme, on nodes in every state."""
from __future__ import absolute_import, print_function, unicode_literals

import pytest

from plugin_lib.planning import ovs
from plugin_lib.planning.ovs_changes import AddBridge, AddPort, DelBridge, DelPort, SetVlans
from tests.model import bridges as model
from tests.model.bridges import OWNED, TRUNKS, bridge, changes, database, machine, patch, port, said

PASSING = (201, 1000)
ONLY = (201,)

USUAL = [bridge('br-mgmt'), bridge('br-prv'), bridge('br-aux'), port('eth4', 'br-aux'), port('eth4.201', 'br-mgmt'),
         patch('br-prv', 'br-aux')]


def settled(text, host, snapshot):
    """The changes of Open vSwitch and the findings of a plan that leads to an empty one."""
    plan = model.settled(text, host, snapshot)
    return changes(plan), list(plan.findings)


def ready():
    """A database with everything of USUAL."""
    return model.after(machine(), database(BRIDGES), ovs.plan(said(USUAL), machine(), database(BRIDGES)))[1]


BRIDGES = ('br-mgmt', 'br-prv', 'br-aux')


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
    assert settled(said(USUAL), machine(), database(BRIDGES))


def test_missing_bridges_follow_the_datapath_of_those_that_exist():
    made, _ = settled(said(USUAL), machine(), database(('br-aux',)))
    assert made[:2] == [AddBridge('br-mgmt', 'netdev'), AddBridge('br-prv', 'netdev')]
    made, _ = settled(said(USUAL), machine(), database())
    assert made[0] == AddBridge('br-aux', '')


def test_tagged_ports_alone_get_a_bridge_of_our_own():
    text = said([bridge('br-mgmt'), port('eth4.201', 'br-mgmt')], [('management', 'br-mgmt')])
    made, findings = settled(text, machine(), database(('br-mgmt',)))
    assert made == [AddBridge('br-eth4', 'netdev'), AddPort('br-eth4', 'eth4', None, ONLY, None),
                    AddPort('br-eth4', 'eth4.201-0', 201, (), 'eth4.201-1'),
                    AddPort('br-mgmt', 'eth4.201-1', None, (), 'eth4.201-0')]
    assert findings == []
    plan = ovs.plan(text, machine(), database(('br-mgmt', 'br-eth4')))
    assert changes(plan) == [] and 'br-eth4' in plan.findings[0] and 'not ours' in plan.findings[0]


def test_tagged_ports_alone_use_the_bridge_that_has_the_interface():
    text = said([bridge('br-mgmt'), port('eth4.201', 'br-mgmt')], [('management', 'br-mgmt')])
    made, _ = settled(text, machine(), database(('br-mgmt', 'br-ib'), [('br-ib', 'eth4', {})]))
    assert made == [SetVlans('eth4', None, ONLY), AddPort('br-ib', 'eth4.201-0', 201, (), 'eth4.201-1'),
                    AddPort('br-mgmt', 'eth4.201-1', None, (), 'eth4.201-0')]


def test_without_open_vswitch_there_is_nothing_to_do():
    assert ovs.plan(said(USUAL), machine(), None) == (
        (), tuple('{0} has provider ovs, but there is no Open vSwitch on this node'.format(name)
                  for name in sorted(BRIDGES)))


def test_ethernet_nodes_are_not_touched():
    host = machine(keys=())._replace(eipoibs={})
    assert settled(said(USUAL, driver='mlx4_en'), host, database(BRIDGES, [('br-aux', 'eth4', {})])) == ([], [])


def test_an_eipoib_interface_whose_driver_fuel_never_learnt_counts():
    made, _ = settled(said(USUAL, driver=None), machine(), database(BRIDGES))
    assert AddPort('br-aux', 'eth4', None, PASSING, None) in made


def test_the_kernels_vlan_interface_is_the_port_where_there_is_one():
    nowhere, here, linux = ({'eth4.201': master} for master in (None, 'ovs-system', 'br-other'))
    made, _ = settled(said(USUAL), machine(masters=nowhere), database(BRIDGES))
    assert AddPort('br-mgmt', 'eth4.201', None, (), None) in made
    assert not any(change.name.startswith('eth4.201-') for change in made)
    made, _ = settled(said(USUAL), machine(masters=here), database(BRIDGES, [('br-mgmt', 'eth4.201', {})]))
    assert not any(change.name.startswith('eth4.201') for change in made)
    made, findings = settled(said(USUAL), machine(masters=linux), database(BRIDGES))
    assert not any(change.name.startswith('eth4.201') for change in made)
    assert findings == ['eth4.201 is in br-other, not in br-mgmt; it is not ours and left there']
    made, findings = settled(said(USUAL), machine(), database(BRIDGES, [('br-prv', 'eth4.201', {'kind': 'internal'})]))
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
    made, findings = settled(said(USUAL), machine(masters={'eth4': 'br-aux'}), database(BRIDGES))
    assert not any(change.name.startswith('eth4') for change in made)
    assert findings == ['eth4 is in br-aux, not in Open vSwitch: it is left there',
                        'eth4.201 of br-mgmt is missing: netconfig makes it where eth4 is on no OVS bridge']


def test_an_interface_on_another_bridge_stays_there_unless_it_is_ours():
    elsewhere = database(BRIDGES, [('br-prv', 'eth4', {})])
    made, findings = settled(said(USUAL), machine(), elsewhere)
    assert not any(change.name.startswith('eth4') for change in made)
    assert findings[0] == 'eth4 is a port of br-prv, not of br-aux; it is not ours and left there'
    ours = database(BRIDGES, [('br-prv', 'eth4', {'ids': OWNED})])
    made, findings = settled(said(USUAL), machine(), ours)
    assert made[0] == DelPort('br-prv', 'eth4') and AddPort('br-aux', 'eth4', None, PASSING, None) in made
    assert findings == []


@pytest.mark.parametrize('extra, limited', [
    ({}, True), ({'trunks': (201,), 'ids': TRUNKS}, True), ({'tag': 201}, False), ({'trunks': (201, 202)}, False),
    ({'vlan_mode': 'native-untagged'}, False), ({'trunks': PASSING, 'ids': TRUNKS}, None), ({'trunks': PASSING}, None)])
def test_the_vlans_of_somebody_elses_port_are_limited_only_where_it_has_no_limits(extra, limited):
    plan = ovs.plan(said(USUAL), machine(), database(BRIDGES, [('br-aux', 'eth4', extra)]))
    assert (SetVlans('eth4', None, PASSING) in changes(plan)) is bool(limited)
    assert bool(plan.findings) is (limited is False)


def test_trunks_are_the_vlans_of_full_keys_and_untagged_where_a_role_needs_it():
    untagged = USUAL + [bridge('br-x'), patch('br-x', 'br-aux')]
    roles = [('management', 'br-mgmt'), ('x', 'br-aux')]
    made, findings = settled(said(untagged, roles), machine((0xffff, 0x80c9, 0x00ca, 0x9388)), database(BRIDGES))
    assert AddPort('br-aux', 'eth4', None, (0, 201), None) in made
    assert findings == []
    _, findings = settled(said(untagged, roles), machine((0x7fff, 0x00c9)), database(BRIDGES))
    assert findings[:2] == ['role management needs VLAN 201 on eth4, which has no full P_Key for it',
                            'role x is untagged on eth4, which is no full member of the default partition']


@pytest.mark.parametrize('keys, finding', [
    (None, 'the P_Keys under eth4 are unknown: the VLANs of eth4 are left as they are'),
    ((0xffff,), 'eth4 has no full P_Key of a VLAN that is wanted: its VLANs are left as they are')])
def test_without_keys_the_limit_stays(keys, finding):
    for trunks in ((), (201,)):
        made, findings = settled(said(USUAL), machine(keys), database(BRIDGES, [
            ('br-aux', 'eth4', {'trunks': trunks, 'ids': OWNED})]))
        assert (finding in findings) is (keys is None or not trunks)
        assert not any(change.name == 'eth4' for change in made)


def test_a_key_that_is_lost_takes_no_vlan_from_the_trunks():
    for keys in ((0xffff, 0x80c9), (0xffff, 0x00c9, 0x83e8)):
        assert settled(said(USUAL), machine(keys), ready())[0] == []
    made, _ = settled(said(USUAL), machine((0xffff, 0x80c9)), database(BRIDGES))
    assert AddPort('br-aux', 'eth4', None, (201,), None) in made
    no_longer_asked = said([each for each in USUAL if each.get('name') != 'eth4.201'], [('p', 'br-prv')])
    assert SetVlans('eth4', None, (1000,)) in settled(no_longer_asked, machine(), ready())[0]


def test_without_word_of_neutron_every_vlan_with_a_key_passes_and_stays():
    text = said(USUAL, private=None)
    everything = AddPort('br-aux', 'eth4', None, (0, 201, 202, 1000), None)
    assert everything in settled(text, machine(), database(BRIDGES))[0]
    assert settled(text, machine((0xffff, 0x80c9)), model.after(
        machine(), database(BRIDGES), ovs.plan(text, machine(), database(BRIDGES)))[1])[0] == []


def test_a_vlan_without_a_key_gets_no_ports():
    made, findings = settled(said(USUAL), machine((0xffff, 0x83e8)), database(BRIDGES))
    assert [change.name for change in made] == ['br-aux-br-prv-0', 'br-aux-br-prv-1', 'eth4']
    assert findings == ['role management needs VLAN 201 on eth4, which has no full P_Key for it']


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
    made, findings = settled(said(USUAL), machine(), stale)
    assert made[0] == DelPort('br-eth4', 'old') and made[-1] == DelBridge('br-eth4')
    assert findings == ['br-keep is no longer needed, but stays: guest is not ours']


def test_ours_that_was_bent_is_straightened():
    made = ready()
    made.ports['eth4.201-0'] = made.ports['eth4.201-0']._replace(tag=7)
    made.interfaces['eth4.201-1'] = made.interfaces['eth4.201-1']._replace(options={'peer': 'nowhere'})
    changed, _ = settled(said(USUAL), machine(), made)
    assert changed == [DelPort('br-mgmt', 'eth4.201-1'), SetVlans('eth4.201-0', 201, ()),
                    AddPort('br-mgmt', 'eth4.201-1', None, (), 'eth4.201-0')]


def test_bridges_that_netconfig_joined_are_not_joined_twice():
    """Two pairs of patch ports without tags between the same bridges would be a loop."""
    pair = [('br-prv', 'p_0', {'peer': 'p_1'}), ('br-aux', 'p_1', {'peer': 'p_0'}),
            ('br-mgmt', 'm_0', {'peer': 'm_1'}), ('br-aux', 'm_1', {'peer': 'm_0', 'tag': 201})]
    made, findings = settled(said(USUAL), machine(), database(BRIDGES, pair))
    assert made == [AddPort('br-aux', 'eth4', None, PASSING, None)] and findings == []
    pair[3][2]['tag'] = 300
    made, findings = settled(said(USUAL), machine(), database(BRIDGES, pair))
    assert made == [AddPort('br-aux', 'eth4', None, PASSING, None)]
    assert findings == ['br-aux and br-mgmt are joined by m_1, but not with the tags and trunks of eth4.201; it is '
                        'not ours and left as it is']


def test_a_pair_of_which_one_end_is_ours_is_made_anew():
    """Ours goes, because nothing wants it; what is left joins nothing."""
    half = [('br-prv', 'p_0', {'peer': 'p_1'}), ('br-aux', 'p_1', {'peer': 'p_0', 'ids': OWNED})]
    made, findings = settled(said(USUAL), machine(), database(BRIDGES, half))
    assert made[0] == DelPort('br-aux', 'p_1') and findings == []
    assert AddPort('br-aux', 'br-aux-br-prv-0', None, (), 'br-aux-br-prv-1') in made


def test_patches_of_a_scheme_of_version_1_0_have_tags_and_trunks():
    """Fuel 4.x-6.0: every bridge in Open vSwitch, VLANs as tags of the patches, trunks [0] for untagged."""
    text = said([bridge('br-eth4'), port('eth4', 'br-eth4'), bridge('br-mgmt'), bridge('br-ex'),
                 patch('br-mgmt', 'br-eth4', tags=[0, 201]), patch('br-eth4', 'br-ex', trunks=[0])],
                [('management', 'br-mgmt'), ('ex', 'br-ex')])
    made, _ = settled(text, machine(), database(('br-eth4', 'br-mgmt', 'br-ex')))
    ports = dict((change.name, change) for change in made)
    tagged = [each for each in made if each.tag]
    assert [(each.bridge, each.tag, ports[each.peer].bridge) for each in tagged] == [('br-eth4', 201, 'br-mgmt')]
    assert sorted(each.bridge for each in made if each.peer and each.trunks == (0,)) == ['br-eth4', 'br-ex']


def test_ports_and_bonds_of_version_1_0_have_tags_and_trunks():
    bond = {'action': 'add-bond', 'name': 'bond0', 'bridge': 'br-aux', 'interfaces': ['eth4', 'eth5']}
    host = machine(names=('eth4', 'eth5'))
    for more, wanted in (({'tag': 201}, (201, ())), ({'trunks': [0, 201, 300]}, (None, (0, 201)))):
        text = said([bridge('br-aux'), dict(bond, **more)], [('one', 'br-aux')])
        for extra, changed in (({}, True), ({'tag': wanted[0], 'trunks': wanted[1]}, False)):
            made, findings = settled(text, host, database(('br-aux',), [('br-aux', 'bond0', extra)]))
            assert made == ([SetVlans('bond0', *wanted)] if changed else [])
            assert [line for line in findings if 'limits' in line] == []
        text = said([bridge('br-aux'), port('eth4', 'br-aux', **more)], [('one', 'br-aux')])
        assert settled(text, host, database(('br-aux',)))[0] == [AddPort('br-aux', 'eth4', *(wanted + (None,)))]
    tagged = said([bridge('br-aux'), dict(bond, tag=201)], [('one', 'br-aux')])
    made, findings = settled(tagged, host, database(('br-aux',), [('br-aux', 'bond0', {'tag': 300})]))
    assert made == [] and 'bond0 has its own limits of VLANs' in findings[0]


def test_internal_ports_of_the_scheme_are_made():
    text = said(USUAL + [port('mgmt0', 'br-aux', type='internal', tag=201)], [('management', 'mgmt0')])
    made, _ = settled(text, machine(), database(BRIDGES))
    assert AddPort('br-aux', 'mgmt0', 201, (), None, True) in made
    made, _ = settled(text, machine(others=[model.nic('mgmt0')]), database(BRIDGES, [
        ('br-aux', 'mgmt0', {'kind': 'internal'})]))
    assert SetVlans('mgmt0', 201, ()) in made
    _, findings = settled(text, machine(others=[model.nic('mgmt0')]), database(BRIDGES, [
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
    made, findings = settled(said(base + steps), machine(), database(BRIDGES))
    assert [line for line in findings if 'loop' in line] == [
        '{0} is not made: it would close a loop'.format(title) for title in left_out]
    assert set(['br-aux-br-prv-0', 'br-aux-br-prv-1', 'eth4']) <= set(change.name for change in made)


def test_a_patch_to_a_bridge_that_the_scheme_does_not_have_is_left_out():
    _, findings = settled(said(USUAL + [patch('br-none', 'br-aux')]), machine(), database(BRIDGES))
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
    made, findings = settled(text, host, database(('br-mgmt', 'br-aux'), [('br-aux', 'bond0', {})]))
    assert made == [SetVlans('bond0', None, ONLY), AddPort('br-aux', 'bond0.201-0', 201, (), 'bond0.201-1'),
                    AddPort('br-mgmt', 'bond0.201-1', None, (), 'bond0.201-0')]
    made, findings = settled(text, host, database(('br-mgmt', 'br-aux')))
    assert made == [] and findings == ['bond0 is not on this node: it is put on no bridge']


def test_a_name_that_is_taken_is_one_finding_and_the_rest_is_made():
    for ports in ([('br-aux', 'eth4.201-0', {})], [('br-prv', 'eth4.201-1', {'kind': 'internal'})]):
        made, findings = settled(said(USUAL), machine(others=[model.nic(ports[0][1])]), database(BRIDGES, ports))
        assert [line for line in findings if 'taken' in line] == [
            'the name {1}, which is needed in Open vSwitch, is taken by a port of {0} that is not ours: rename or '
            'remove that'.format(*ports[0])]
        assert [change.name for change in made] == ['br-aux-br-prv-0', 'br-aux-br-prv-1', 'eth4']
    made, findings = settled(said(USUAL), machine(masters={'eth4.201-1': None}), database(BRIDGES))
    assert len(made) == 3 and 'taken by a network interface of this node' in findings[0]


def test_long_names_are_cut_to_the_same_name_every_time():
    long_one = 'br-management-x'
    text = said([bridge(long_one), bridge('br-aux'), port('eth4', 'br-aux'), patch('br-aux', long_one)], [])
    names = [change.name for change in settled(text, machine(), database(('br-aux', long_one)))[0]]
    assert names == ['eth4', 'ib0fb65357-0', 'ib0fb65357-1']
