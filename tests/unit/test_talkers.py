# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Who talks through an EIPOIB interface: bridges, patches, tags, trunks, bonds, veth pairs and VLAN interfaces.

Covered: every way from a port to the wire and the VLAN there; what is no talker; what makes no sense is one message;
loops end; and, for generated networks, that the search agrees with frames that are flooded one hop at a time.
"""
from __future__ import absolute_import, print_function, unicode_literals

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin_lib.host.namespaces import OWN
from plugin_lib.planning.talkers import find
from tests.model.network import Network

MAC = 'fa:16:3e:00:00:01'


@pytest.fixture
def net():
    """br-int, br-prv and br-aux in a row of patches, eth4 in br-aux."""
    net = Network()
    net.add_switch('br-int', 'br-prv', 'br-aux')
    net.patch('br-int', 'br-prv')
    net.patch('br-prv', 'br-aux')
    net.plug('br-aux', 'eth4')
    return net


def talk(net, eipoib='eth4'):
    """{(MAC, VLAN): where} of those who are not blocked."""
    return dict((vif, talker.place) for vif, talker in find(net.topology(), ('eth4', 'eth5')).by_eipoib[eipoib].items()
                if not talker.blocked)


def problems(net):
    return find(net.topology(), ('eth4', 'eth5')).problems


def test_a_tagged_port_behind_two_patches(net):
    net.add_port('br-int', 'qr-1', tag=100, mac=MAC)
    assert talk(net) == {(MAC, 100): 'br-int/qr-1'}
    assert talk(net, 'eth5') == {}


@pytest.mark.parametrize('columns, vlans', [
    ({}, [None]),
    ({'tag': 0}, [None]),
    ({'tag': 100}, [100]),
    ({'tag': 4095}, []),
    ({'tag': 100, 'vlan_mode': 'access', 'trunks': (1, 2)}, [100]),
    ({'trunks': (100, 200)}, [100, 200]),
    ({'trunks': (0, 100)}, [None, 100]),
    ({'tag': 100, 'vlan_mode': 'trunk'}, [None]),
    ({'tag': 100, 'vlan_mode': 'native-tagged', 'trunks': (200,)}, [100, 200]),
    ({'tag': 100, 'vlan_mode': 'native-untagged'}, [100]),
    ({'tag': 100, 'vlan_mode': 'dot1q-tunnel'}, [100]),
])
def test_the_vlans_of_a_port(net, columns, vlans):
    net.add_port('br-int', 'tap1', mac=MAC, **columns)
    assert sorted(talk(net), key=lambda vif: vif[1] or 0) == [(MAC, vlan) for vlan in vlans]


def test_a_bridge_that_the_trunks_shut_out_is_no_talker():
    net = Network()
    net.add_switch('br-prv')
    net.plug('br-prv', 'eth4', trunks=(100,))
    net.add_internal('br-prv', 'br-prv', MAC)
    assert find(net.topology(), ('eth4',)).by_eipoib['eth4'] == {}


@pytest.mark.parametrize('columns, on_the_wire, blocked', [
    ({'tag': 100}, None, False),
    ({'tag': 101}, 'nothing', False),
    ({'trunks': (100, 101)}, 100, False),
    ({'trunks': (101,)}, 100, True),
    ({'tag': 100, 'vlan_mode': 'native-untagged'}, None, False),
    ({'tag': 100, 'vlan_mode': 'native-tagged', 'trunks': (101,)}, 100, False),
])
def test_what_the_port_of_the_eipoib_interface_makes_of_a_vlan(columns, on_the_wire, blocked):
    net = Network()
    net.add_switch('br')
    net.plug('br', 'eth4', **columns)
    net.add_port('br', 'p', tag=100, mac=MAC)
    found = find(net.topology(), ('eth4',)).by_eipoib['eth4']
    assert [(mac, vlan, talker.blocked) for (mac, vlan), talker in found.items()] == (
        [] if on_the_wire == 'nothing' else [(MAC, on_the_wire, blocked)])


def test_both_slaves_of_a_bond(net):
    net.unplug('eth4')
    net.plug('br-aux', 'bond0', members=('eth4', 'eth5'))
    net.add_port('br-prv', 'p', tag=7, mac=MAC)
    assert talk(net) == talk(net, 'eth5') == {(MAC, 7): 'br-prv/p'}


def test_a_linux_bond_over_them():
    net = Network()
    net.add_link('bond0', kind='bond', mac=MAC)
    net.links['eth4'] = net.links['eth4']._replace(master='bond0')
    net.links['eth5'] = net.links['eth5']._replace(master='bond0')
    net.add_link('bond0.7', kind='vlan', parent='bond0', vlan=7, mac=MAC)
    assert talk(net) == talk(net, 'eth5') == {(MAC, None): 'bond0', (MAC, 7): 'bond0.7'}


@pytest.mark.parametrize('config, vlan', [
    ({'network_type': 'vlan', 'segmentation_id': '1005'}, 1005), ({'network_type': 'flat'}, None)])
def test_the_tag_of_a_port_of_neutron_is_the_nodes_own(net, config, vlan):
    net.add_port('br-int', 'qr-1', tag=3, mac=MAC, other_config=config)
    assert list(talk(net)) == [(MAC, vlan)]


def test_the_external_gateway_of_a_router_is_untagged_for_good(net):
    net.add_port('br-aux', 'qg-1', mac=MAC, external_ids={'iface-id': 'x'})
    assert talk(net) == {(MAC, None): 'br-aux/qg-1'}


def test_networks_of_neutron_that_do_not_leave_here(net):
    for number, kind in enumerate(('vxlan', 'gre', 'local')):
        net.add_port('br-int', 'p{0}'.format(number), tag=3, mac=MAC, other_config={'network_type': kind})
    net.add_port('br-int', 'new', mac=MAC, external_ids={'iface-id': 'x'})
    assert (talk(net), problems(net)) == ({}, ())


def test_the_same_mac_in_two_vlans_and_two_macs_in_one(net):
    other = 'fa:16:3e:00:00:02'
    net.add_port('br-int', 'a', tag=1, mac=MAC)
    net.add_port('br-int', 'b', tag=2, mac=MAC)
    net.add_port('br-int', 'c', tag=2, mac=other)
    assert talk(net) == {(MAC, 1): 'br-int/a', (MAC, 2): 'br-int/b', (other, 2): 'br-int/c'}


def test_internal_ports_by_their_own_mac(net):
    net.add_internal('br-int', 'p', MAC, tag=5)
    assert talk(net) == {(MAC, 5): 'br-int/p'}
    net.move('p', 'qrouter-1')
    assert talk(net) == {(MAC, 5): 'br-int/p'}
    net.add_link('p.9', 'qrouter-1', kind='vlan', parent='p', vlan=9, mac=MAC)
    assert talk(net) == {(MAC, 5): 'br-int/p'}, 'an access port takes no tagged frames'


def test_vlan_interfaces_on_an_internal_port(net):
    net.add_internal('br-int', 'p', MAC)
    net.add_link('p.9', kind='vlan', parent='p', vlan=9, mac=MAC)
    assert set(talk(net)) == set([(MAC, None), (MAC, 9)])


def test_a_bridges_own_port_talks_once_it_is_up(net):
    net.add_internal('br-int', 'br-int', MAC, up=False)
    assert talk(net) == {}
    net.links['br-int'] = net.links['br-int']._replace(flags=1)
    assert talk(net) == {(MAC, None): 'br-int/br-int'}


def test_an_internal_port_in_a_namespace_that_cannot_be_seen(net):
    net.add_internal('br-int', 'p', MAC, tag=5, mac_in_use=MAC)
    del net.links['p']
    assert talk(net) == {(MAC, 5): 'br-int/p'}


def test_a_hybrid_plug_of_nova(net):
    """The guest's MAC is on the port; the bridge of its security group and the tap have others, which do not talk."""
    net.add_link('qbr1', kind='bridge', mac='9e:00:00:00:00:01')
    net.add_veth('qvo1', 'qvb1')
    net.links['qvb1'] = net.links['qvb1']._replace(master='qbr1')
    net.add_link('tap1', kind='tun', mac='fe:16:3e:00:00:01', master='qbr1')
    net.plug('br-int', 'qvo1', tag=4, external_ids={'attached-mac': MAC, 'iface-id': 'x'})
    assert talk(net) == {(MAC, 4): 'br-int/qvo1'}


def test_through_a_veth_pair_to_a_linux_bridge(net):
    net.add_link('br-ex', kind='bridge', mac=MAC)
    net.add_veth('p_1-0', 'p_1-1')
    net.links['p_1-1'] = net.links['p_1-1']._replace(master='br-ex')
    net.plug('br-aux', 'p_1-0', tag=8)
    assert talk(net) == {(MAC, 8): 'br-ex/br-ex'}


def test_a_veth_pair_into_another_namespace(net):
    net.add_link('brq', kind='bridge', mac='9e:00:00:00:00:01')
    net.add_link('eth4.201', kind='vlan', parent='eth4', vlan=201, master='brq')
    net.add_veth('tap1', 'ns-1', 'qdhcp-1', mac=MAC)
    net.links['tap1'] = net.links['tap1']._replace(master='brq')
    assert talk(net) == {('9e:00:00:00:00:01', 201): 'brq/brq', (MAC, 201): 'brq/tap1'}


def test_a_veth_pair_of_which_the_kernel_tells_numbers_alone(net):
    net.add_link('br-ex', kind='bridge', mac=MAC)
    net.add_veth('p_1-0', 'p_1-1')
    near, far = net.links['p_1-0'], net.links['p_1-1']
    net.links['p_1-0'] = near._replace(parent=None, peer=far.ifindex)
    net.links['p_1-1'] = far._replace(parent=None, peer=near.ifindex, master='br-ex')
    net.plug('br-aux', 'p_1-0', tag=8)
    assert talk(net) == {(MAC, 8): 'br-ex/br-ex'}


def test_a_guest_behind_a_tap_and_what_came_over_the_wire():
    net = Network()
    net.add_link('br-lnx', kind='bridge', mac=MAC)
    net.add_link('eth4.7', kind='vlan', parent='eth4', vlan=7, master='br-lnx')
    net.add_link('tap1', kind='tun', mac='fe:16:3e:00:00:02', master='br-lnx')
    topology = net.topology()._replace(learnt=(('eth4.7', '02:00:01:00:00:09'), ('tap1', 'fa:16:3e:00:00:02')))
    assert set(find(topology, ('eth4',)).by_eipoib['eth4']) == set([(MAC, 7), ('fa:16:3e:00:00:02', 7)])


def test_a_vlan_interface_in_a_switch():
    net = Network()
    net.add_switch('br-mgmt')
    net.add_link('eth4.201', kind='vlan', parent='eth4', vlan=201)
    net.plug('br-mgmt', 'eth4.201')
    net.add_port('br-mgmt', 'p', mac=MAC)
    net.add_port('br-mgmt', 'tagged', tag=5, mac='fa:16:3e:00:00:02')
    assert talk(net) == {(MAC, 201): 'br-mgmt/p'}


def test_a_macvlan_and_an_interface_that_is_down():
    net = Network()
    net.add_link('mv0', kind='macvlan', parent='eth4', mac=MAC)
    net.add_link('mv1', kind='macvlan', parent='eth4', mac='fa:16:3e:00:00:02', up=False)
    assert talk(net) == {(MAC, None): 'mv0'}


@pytest.mark.parametrize('mac', ['00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:01', 'nonsense', ''])
def test_what_is_not_the_mac_of_one_interface(net, mac):
    net.add_port('br-int', 'p', tag=5, mac=mac)
    assert talk(net) == {}
    assert problems(net) == ("p gets no vif: not the MAC of one interface: '{0}'".format(mac),)


def test_what_is_skipped_is_said_once(net):
    net.add_port('br-int', 'segment', tag=1, mac=MAC, other_config={'network_type': 'vlan', 'segmentation_id': '4095'})
    net.add_port('br-int', 'a name of many words', tag=1, mac=MAC)
    net.add_link('tap7', kind='tun', mac='fe:00:00:00:00:01')
    net.plug('br-int', 'tap7', tag=5)
    net.add_internal('br-int', 'none', None, tag=5, ofport=4)
    net.add_internal('br-int', 'soon', None, tag=5)
    net.add_port('br-int', 'vxlan0', type='vxlan')
    assert talk(net) == {}
    assert problems(net) == (
        "'a name of many words' gets no vif: not a name that we handle", 'none gets no vif: it has no MAC',
        "segment gets no vif: not a VLAN: '4095'", 'tap7 gets no vif: its guest has a MAC that no attached-mac tells')


def test_a_loop_of_patches_ends_and_is_told(net):
    net.patch('br-int', 'br-aux')
    net.add_port('br-int', 'p', tag=5, mac=MAC)
    assert talk(net) == {(MAC, 5): 'br-int/p'}
    assert len(problems(net)) >= 1 and all('loop' in line for line in problems(net))


def test_a_patch_to_nowhere_and_one_whose_peer_is_not_its_own(net):
    net.add_switch('br-x')
    net.add_port('br-x', 'lost', type='patch', options={'peer': 'none'})
    net.add_port('br-x', 'wrong', type='patch', options={'peer': 'br-aux--br-prv'})
    net.add_port('br-x', 'p', tag=5, mac=MAC)
    assert (talk(net), problems(net)) == ({}, ())


def test_without_a_switch_and_without_an_eipoib_interface(net):
    net.add_port('br-int', 'p', tag=5, mac='nonsense')
    assert find(net.topology(), ()).by_eipoib == {}
    topology = Network().topology()
    assert find(topology._replace(switch=None), ('eth4',)).by_eipoib == {'eth4': {}}
    assert find(topology._replace(known=False), ('eth4',)).known is False


# Generated networks: the search against frames that are flooded.

names = st.sampled_from(['br0', 'br1', 'br2'])
vlans = st.sampled_from([None, 1, 2])
trunks = st.sampled_from([(), (1,), (1, 2), (0, 2)])
modes = st.sampled_from([None, None, 'trunk', 'native-untagged', 'native-tagged', 'access'])
columns = st.fixed_dictionaries({'tag': vlans, 'trunks': trunks, 'vlan_mode': modes})


@settings(max_examples=300)
@given(patches=st.lists(st.tuples(names, names, columns, columns), max_size=4), wires=st.lists(
    st.tuples(names, columns), min_size=1, max_size=2), talkers=st.lists(st.tuples(names, vlans), max_size=3))
def test_the_search_agrees_with_frames(patches, wires, talkers):
    net = Network()
    net.add_switch('br0', 'br1', 'br2')
    for number, (one, other, near, far) in enumerate(patches):
        net.patch(one, other, near, far, number)
    for name, (bridge, facts) in zip(('eth4', 'eth5'), wires):
        net.plug(bridge, name, **facts)
    for number, (bridge, tag) in enumerate(talkers):
        net.add_port(bridge, 'p{0}'.format(number), tag=tag, mac='fa:16:3e:00:00:0{0}'.format(number))
    expected = dict((name, set()) for name in ('eth4', 'eth5'))
    for number, (bridge, tag) in enumerate(talkers):
        for name, vlan in net.flood(bridge, tag or 0):
            expected[name].add(('fa:16:3e:00:00:0{0}'.format(number), vlan or None))
    assert dict((name, set(talk(net, name))) for name in expected) == expected


def test_own_namespace_is_always_there():
    assert OWN in Network().topology().namespaces
