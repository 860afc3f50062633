# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The plan for Open vSwitch: bridges, tagged ports, patches and trunks of a scheme, on nodes in every state.

Cases one by one, and generated schemes and databases: after a model has applied
a plan the next plan is empty, nothing that is not ours has changed, and no limit
of VLANs has become the empty set, which means all of them.
"""
from __future__ import absolute_import, print_function, unicode_literals

import json
import os
import re
import tempfile

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from plugin_lib import published
from plugin_lib.errors import InputError
from plugin_lib.host.state import Eipoib, Host
from plugin_lib.host.state import Interface as Nic
from plugin_lib.host.state import Port as HcaPort
from plugin_lib.host.switch import Bridge, Interface, Port, Snapshot
from plugin_lib.pkey import PKey
from plugin_lib.planning import ovs
from plugin_lib.planning.ovs_changes import MARK, AddBridge, AddPort, DelBridge, DelPort, SetVlans

FIXTURES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'fixtures', 'astute')
MAC = '02:00:00:00:00:04'
OWNED = {MARK: 'owned'}
TRUNKS = {MARK: 'trunks'}
KEYS = (0xffff, 0x80c9, 0x80ca, 0x83e8)
PASSING = (201, 202, 1000)


def bridge(name, provider='ovs'):
    return {'action': 'add-br', 'name': name, 'provider': provider}


def port(name, to):
    return {'action': 'add-port', 'name': name, 'bridge': to}


def patch(first, second, **more):
    return dict({'action': 'add-patch', 'bridges': [first, second]}, **more)


USUAL = [bridge('br-mgmt'), bridge('br-prv'), bridge('br-aux'), port('eth4', 'br-aux'), port('eth4.201', 'br-mgmt'),
         patch('br-prv', 'br-aux')]


def said(transformations, roles=(('management', 'br-mgmt'), ('neutron/private', 'br-prv')), driver='eth_ipoib'):
    """What published.read makes of an astute.yaml with these transformations; private VLANs are 1000:1000."""
    names = set(name for _, name in roles)
    document = {
        'network_scheme': {
            'version': '1.1', 'provider': 'lnx', 'transformations': transformations, 'roles': dict(roles),
            'interfaces': dict((name, {'vendor_specific': {'driver': driver, 'bus_info': 'ib0'}})
                               for name in ('eth4', 'eth5')),
            'endpoints': dict((name, {'IP': 'none'}) for name in names)},
        'quantum_settings': {'L2': {'phys_nets': {'physnet2': {'bridge': 'br-prv', 'vlan_range': '1000:1000'}}}}}
    handle, path = tempfile.mkstemp(suffix='.yaml')
    try:
        os.write(handle, json.dumps(document).encode('utf-8'))
        os.close(handle)
        return published.read(path)
    finally:
        os.unlink(path)


def machine(keys=KEYS, names=('eth4',), masters=()):
    """A Host with EIPOIB interfaces; ``keys`` is the P_Key table under each, or None; ``masters`` {name: master}."""
    pkeys = None if keys is None else tuple(PKey.from_value(key) for key in keys)
    hca = HcaPort('mlx4_0', 1, '0000:03:00.0', 'ACTIVE', 'InfiniBand', 1, 1, '40', pkeys, None)
    nics = dict((name, Nic(name, 4, MAC, 'ethernet', True, 'up', 1500, 'eth_ipoib', 'ib0')) for name in names)
    for name, master in dict(masters).items():
        nics[name] = Nic(name, 5, MAC, 'ethernet', True, 'up', 1500, None, None, master)
    eipoibs = dict((name, Eipoib(name, 'ib0', 'mlx4_0', 1, MAC, True, (), (), True))
                   for name in nics if re.match(r'^eth\d+$', name))
    return Host(nics, (hca,), eipoibs, {}, ())


def database(bridges=(), ports=()):
    """A Snapshot of bridges, by name, and ports: (bridge, name, {tag, trunks, vlan_mode, peer, ids})."""
    found = Snapshot({}, {}, {})
    for name in bridges:
        found.bridges[name] = Bridge(name, 'netdev', {})
        put(found, name, name, kind='internal')
    for on, name, extra in ports:
        put(found, on, name, **extra)
    return found


def put(snapshot, on, name, tag=None, trunks=(), vlan_mode=None, peer=None, ids=(), kind=''):
    snapshot.ports[name] = Port(name, on, tag, tuple(trunks), vlan_mode, dict(ids), (name,))
    snapshot.interfaces[name] = Interface(name, 'patch' if peer else kind, {'peer': peer} if peer else {}, {}, None)


def after(snapshot, steps):
    """A model of what ovsdb.apply does to a database: the Snapshot afterwards."""
    found = Snapshot(*(dict(each) for each in snapshot))
    for change in [change for step in steps for operation in step.operations for change in operation.changes]:
        if isinstance(change, AddBridge):
            assert change.name not in found.bridges
            found.bridges[change.name] = Bridge(change.name, change.datapath_type, OWNED)
            put(found, change.name, change.name, kind='internal')
        elif isinstance(change, DelBridge):
            assert [each.name for each in found.ports.values() if each.bridge == change.name] == [change.name]
            del found.bridges[change.name], found.ports[change.name]
        elif isinstance(change, AddPort):
            assert change.name not in found.ports and change.bridge in found.bridges
            put(found, change.bridge, change.name, change.tag, change.trunks, None, change.peer, OWNED)
        elif isinstance(change, DelPort):
            assert found.ports.pop(change.name).bridge == change.bridge
        else:
            assert isinstance(change, SetVlans)
            have = found.ports[change.name]
            found.ports[change.name] = have._replace(tag=change.tag, trunks=change.trunks, vlan_mode=None,
                                                     external_ids=dict(TRUNKS, **have.external_ids))
    return found


def changes(plan):
    return [change for step in plan.steps for change in step.operations[0].changes]


def settled(text, host, snapshot):
    """The plan's changes and findings; a plan on what they lead to is empty."""
    plan = ovs.plan(text, host, snapshot)
    assert ovs.plan(text, host, after(snapshot, plan.steps)).steps == ()
    return changes(plan), list(plan.findings)


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
    assert operation.describe().splitlines()[2:4] == [
        'add port eth4 to br-aux, VLANs 201-202, 1000', 'add patch port eth4.201-0 to br-aux, peer eth4.201-1, tag 201']
    assert settled(said(USUAL), machine(), database(BRIDGES))


def test_missing_bridges_follow_the_datapath_of_those_that_exist():
    made, _ = settled(said(USUAL), machine(), database(('br-aux',)))
    assert made[:2] == [AddBridge('br-mgmt', 'netdev'), AddBridge('br-prv', 'netdev')]
    made, _ = settled(said(USUAL), machine(), database())
    assert made[0] == AddBridge('br-aux', '')


def test_tagged_ports_alone_get_a_bridge_of_our_own():
    text = said([bridge('br-mgmt'), port('eth4.201', 'br-mgmt')], [('management', 'br-mgmt')])
    made, findings = settled(text, machine(), database(('br-mgmt',)))
    assert made == [AddBridge('br-eth4', 'netdev'), AddPort('br-eth4', 'eth4', None, PASSING, None),
                    AddPort('br-eth4', 'eth4.201-0', 201, (), 'eth4.201-1'),
                    AddPort('br-mgmt', 'eth4.201-1', None, (), 'eth4.201-0')]
    assert findings == []
    with pytest.raises(InputError) as caught:
        ovs.plan(text, machine(), database(('br-mgmt', 'br-eth4')))
    assert 'br-eth4' in caught.value.what and 'not ours' in caught.value.why


def test_tagged_ports_alone_use_the_bridge_that_has_the_interface():
    text = said([bridge('br-mgmt'), port('eth4.201', 'br-mgmt')], [('management', 'br-mgmt')])
    made, _ = settled(text, machine(), database(('br-mgmt', 'br-ib'), [('br-ib', 'eth4', {})]))
    assert made == [SetVlans('eth4', None, PASSING), AddPort('br-ib', 'eth4.201-0', 201, (), 'eth4.201-1'),
                    AddPort('br-mgmt', 'eth4.201-1', None, (), 'eth4.201-0')]


def test_linux_bridges_are_left_to_netconfig():
    """Fuel's usual scheme: only br-prv is in Open vSwitch, an internal port of it is in the Linux bridge br-aux."""
    text = said([bridge('br-mgmt', 'lnx'), bridge('br-prv'), bridge('br-aux', 'lnx'), port('eth4', 'br-aux'),
                 port('eth4.201', 'br-mgmt'), patch('br-prv', 'br-aux')])
    host = machine(masters={'eth4': 'br-aux', 'eth4.201': 'br-mgmt'})
    assert settled(text, host, database(('br-prv',), [('br-prv', 'p_0', {'kind': 'internal'})])) == ([], [])
    assert settled(text, host, database(('br-prv',))) == (
        [], ['nothing joins br-prv and br-aux: netconfig has not made their patch'])


@pytest.mark.parametrize('name', sorted(name for name in os.listdir(FIXTURES) if name.endswith('.yaml')))
def test_the_layouts_of_fuels_releases_settle(name):
    """With Fuel's own providers everything on eth4 is in Linux bridges: there is nothing to do after netconfig."""
    text = published.read(os.path.join(FIXTURES, name))
    in_ovs = [each.name for each in text.scheme.bridges.values() if each.provider == 'ovs']
    links = [(each, 'p_' + each, {'kind': 'internal'}) for each in in_ovs]
    names = [each.name for each in text.interfaces.values() if each.mode == 'infiniband']
    assert settled(text, machine(names=names), database(in_ovs, links)) == ([], [])


def test_without_open_vswitch_there_is_nothing_to_do():
    assert ovs.plan(said(USUAL), machine(), None) == (
        (), tuple('{0} has provider ovs, but there is no Open vSwitch on this node'.format(name)
                  for name in sorted(BRIDGES)))
    linux = [bridge('br-mgmt', 'lnx'), port('eth4.201', 'br-mgmt')]
    assert ovs.plan(said(linux), machine(), None) == ((), ())


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
    patched = after(database(BRIDGES), ovs.plan(said(USUAL), machine(), database(BRIDGES)).steps)
    with_nic = machine(masters={'eth4.201': None})
    plan = ovs.plan(said(USUAL), with_nic, patched)
    assert changes(plan) == [DelPort('br-aux', 'eth4.201-0'), DelPort('br-mgmt', 'eth4.201-1'),
                             AddPort('br-mgmt', 'eth4.201', None, (), None)]
    back = changes(ovs.plan(said(USUAL), machine(), after(patched, plan.steps)))
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
    untagged = USUAL + [bridge('br-x', 'lnx'), patch('br-x', 'br-aux')]
    roles = [('management', 'br-mgmt'), ('x', 'br-aux')]
    made, findings = settled(said(untagged, roles), machine((0xffff, 0x80c9, 0x00ca, 0x9388)), database(BRIDGES))
    assert AddPort('br-aux', 'eth4', None, (0, 201), None) in made
    assert findings == ['nothing joins br-x and br-aux: netconfig has not made their patch']
    _, findings = settled(said(untagged, roles), machine((0x7fff, 0x00c9)), database(BRIDGES))
    assert findings[:2] == ['role management needs VLAN 201 on eth4, which has no full P_Key for it',
                            'role x is untagged on eth4, which is no full member of the default partition']


@pytest.mark.parametrize('keys, finding', [
    (None, 'the P_Keys under eth4 are unknown: the VLANs of eth4 are left as they are'),
    ((0xffff,), 'eth4 has no full P_Key of a VLAN: its VLANs are left as they are')])
def test_without_keys_the_limit_stays(keys, finding):
    for trunks in ((), (201,)):
        made, findings = settled(said(USUAL), machine(keys), database(BRIDGES, [
            ('br-aux', 'eth4', {'trunks': trunks, 'ids': OWNED})]))
        assert finding in findings
        assert not any(change.name == 'eth4' for change in made)


def test_a_vlan_that_a_role_needs_goes_on_passing_when_its_key_has_vanished():
    ready = after(database(BRIDGES), ovs.plan(said(USUAL), machine(), database(BRIDGES)).steps)
    assert ready.ports['eth4'].trunks == PASSING
    made, findings = settled(said(USUAL), machine((0xffff, 0x80ca, 0x83e8)), ready)  # no 201
    assert made == []
    assert findings == ['role management needs VLAN 201 on eth4, which has no full P_Key for it']
    made, _ = settled(said(USUAL), machine((0xffff, 0x80c9, 0x83e8)), ready)  # no 202, which no role needs
    assert made == [SetVlans('eth4', None, (201, 1000))]


def test_nothing_of_ours_is_removed_while_an_uplink_is_missing():
    ready = after(database(BRIDGES), ovs.plan(said(USUAL), machine(), database(BRIDGES)).steps)
    assert ovs.plan(said(USUAL), machine(names=()), ready).steps == ()
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
    ready = after(database(BRIDGES), ovs.plan(said(USUAL), machine(), database(BRIDGES)).steps)
    ready.ports['eth4.201-0'] = ready.ports['eth4.201-0']._replace(tag=7)
    ready.interfaces['eth4.201-1'] = ready.interfaces['eth4.201-1']._replace(options={'peer': 'nowhere'})
    made, _ = settled(said(USUAL), machine(), ready)
    assert made == [DelPort('br-mgmt', 'eth4.201-1'), SetVlans('eth4.201-0', 201, ()),
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


def test_bonds_of_eipoib_interfaces_are_uplinks_too():
    steps = [bridge('br-mgmt'), bridge('br-aux'), port('bond0.201', 'br-mgmt'),
             {'action': 'add-bond', 'name': 'bond0', 'bridge': 'br-aux', 'interfaces': ['eth4', 'eth5'],
              'bond_properties': {'mode': 'active-backup'}, 'provider': 'ovs'}]
    text = said(steps, [('management', 'br-mgmt')])
    host = machine(names=('eth4', 'eth5'))
    made, findings = settled(text, host, database(('br-mgmt', 'br-aux'), [('br-aux', 'bond0', {})]))
    assert made == [SetVlans('bond0', None, PASSING), AddPort('br-aux', 'bond0.201-0', 201, (), 'bond0.201-1'),
                    AddPort('br-mgmt', 'bond0.201-1', None, (), 'bond0.201-0')]
    made, findings = settled(text, host, database(('br-mgmt', 'br-aux')))
    assert made == [] and findings == ['bond0 is not on this node: it is put on no bridge']


def test_a_name_that_is_taken_is_refused():
    for ports in ([('br-aux', 'eth4.201-0', {})], [('br-prv', 'eth4.201-1', {'kind': 'internal'})]):
        with pytest.raises(InputError) as caught:
            ovs.plan(said(USUAL), machine(), database(BRIDGES, ports))
        assert ports[0][1] in caught.value.what
    with pytest.raises(InputError) as caught:
        ovs.plan(said(USUAL), machine(masters={'eth4.201-1': None}), database(BRIDGES))
    assert 'a network interface' in caught.value.why


def test_long_names_are_cut_to_the_same_name_every_time():
    long_one = 'br-management-x'
    text = said([bridge(long_one), bridge('br-aux'), port('eth4', 'br-aux'), patch('br-aux', long_one)], [])
    names = [change.name for change in settled(text, machine(), database(('br-aux', long_one)))[0]]
    assert names == ['eth4', 'ib0fb65357-0', 'ib0fb65357-1']


NAMES = ('br-a', 'br-b', 'br-c')
PORTS = ('eth4', 'eth4.201', 'eth4.202', 'eth5', 'eth5.201', 'eth5.300')
FOREIGN = ('eth4', 'eth4.201', 'eth5', 'x', 'y', 'old')


@st.composite
def schemes(draw):
    steps = [bridge(name, draw(st.sampled_from(('ovs', 'ovs', 'lnx')))) for name in NAMES]
    for name in draw(st.lists(st.sampled_from(PORTS), unique=True)):
        steps.append(port(name, draw(st.sampled_from(NAMES))))
    for first, second in draw(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=2)):
        steps.append(patch(first, second, tags=draw(st.sampled_from(([0, 0], [0, 201], [300, 0]))),
                           trunks=draw(st.sampled_from(([], [0], [201, 202])))))
    return said(steps, [('one', 'br-a'), ('two', 'br-b'), ('private', 'br-c')])


@st.composite
def databases(draw):
    found = database(draw(st.lists(st.sampled_from(NAMES + ('br-own',)), unique=True)))
    for name in sorted(found.bridges):
        found.bridges[name] = found.bridges[name]._replace(external_ids=draw(st.sampled_from(({}, {}, OWNED))))
    for name in draw(st.lists(st.sampled_from(FOREIGN), unique=True)):
        assume(found.bridges)
        put(found, draw(st.sampled_from(sorted(found.bridges))), name, draw(st.sampled_from((None, 201))),
            draw(st.sampled_from(((), (0, 201)))), None, {'x': 'y', 'y': 'x'}.get(name),
            draw(st.sampled_from(({}, OWNED, TRUNKS))))
    return found


@st.composite
def machines(draw):
    masters = draw(st.dictionaries(st.sampled_from(('eth4', 'eth5', 'eth4.201')),
                                   st.sampled_from((None, 'ovs-system', 'br-linux'))))
    return machine(draw(st.sampled_from((None, (), (0xffff,), KEYS, (0x80c9, 0x00ca, 0xffff)))),
                   draw(st.sampled_from((('eth4',), ('eth4', 'eth5'), ()))), masters)


@settings(max_examples=500, deadline=None)
@given(schemes(), machines(), databases())
def test_generated_plans_settle_and_touch_only_what_is_ours(text, host, before):
    try:
        plan = ovs.plan(text, host, before)
    except InputError:
        return  # a name that is taken, which has tests of its own
    then = after(before, plan.steps)
    assert ovs.plan(text, host, then).steps == ()
    for name, row in before.ports.items():
        if row.external_ids.get(MARK) == 'owned' or before.bridges[row.bridge].external_ids and name == row.bridge:
            continue
        now = then.ports[name]
        assert (now.bridge, now.tag, now.interfaces) == (row.bridge, row.tag, row.interfaces)
        if now.trunks != row.trunks:
            assert now.external_ids[MARK] == 'trunks' and now.trunks
            assert not row.trunks or row.external_ids.get(MARK) == 'trunks'
    for change in changes(plan):
        assert re.match(r'^[A-Za-z0-9_.-]{1,15}$', change.name)
        if isinstance(change, SetVlans) and change.name in ('eth4', 'eth5'):
            assert change.trunks or before.ports[change.name].trunks == ()
