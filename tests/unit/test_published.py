# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Published data -> interfaces, roles, VLANs and modes: the project's own files, and the traps."""
from __future__ import absolute_import, print_function, unicode_literals

import os

import pytest

from plugin_lib import published
from tests.model.astute import SCHEME, astute

FIXTURES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'fixtures', 'astute')

def fixture(name):
    return published.read(os.path.join(FIXTURES, name))


def carried(found):
    return dict((role.name, (role.interfaces, role.bond, role.vlans, role.mode)) for role in found.roles.values())


def test_release_61_with_its_own_cross_check():
    found = fixture('6.1-vlan.yaml')
    assert carried(found) == {
        'fw-admin': (('eth0',), None, (), 'other'),
        'management': (('eth4',), None, ((201, 201),), 'infiniband'),
        'storage': (('eth4',), None, ((1, 1),), 'infiniband'),
        'neutron/private': (('eth4',), None, ((1000, 1010),), 'infiniband'),
    }
    assert (found.fqdn, found.uid, found.node_roles) == ('node-7.example.org', '7', ['compute'])
    assert found.mode == 'infiniband'
    assert found.warnings == []  # 6.1 leaves out VLAN 1, and that is no disagreement
    assert found.settings is None


def test_release_92_is_derived_from_the_transformations():
    found = fixture('9.2-two-ports.yaml')
    assert carried(found) == {
        'admin/pxe': (('enp1s0',), None, (), 'other'),
        'management': (('eth4',), None, ((201, 201),), 'infiniband'),
        'nova/api': (('eth4',), None, ((201, 201),), 'infiniband'),
        'storage': (('ens5',), None, ((202, 202),), 'ethernet'),
        'cinder/iscsi': (('ens5',), None, ((202, 202),), 'ethernet'),
        'neutron/private': (('eth4',), None, ((1000, 1003),), 'infiniband'),
    }
    assert found.mode == 'mixed'
    assert found.left_out == ['role ex is left out: it has no endpoint',
                              'role public/vip is left out: its endpoint br-ex does not exist']


def test_a_bond_leads_to_its_members():
    found = fixture('9.2-bond-mixed.yaml')
    assert carried(found) == {
        'management': (('eth2', 'eth3'), 'bond0', ((201, 201),), 'mixed'),
        'neutron/private': (('eth2', 'eth3'), 'bond0', (), 'mixed'),
        'custom': ((), None, (), 'none'),
    }
    assert (found.uid, found.mode) == ('9', 'infiniband')


def test_a_bond_of_tagged_members_leads_to_the_physical_ones():
    found = astute(SCHEME.replace('name: eth4.101}', 'name: bond0}') +
                   '  - {action: add-bond, name: bond0, interfaces: [eth5.7, eth4.7]}\n')
    assert carried(found)['management'][:2] == (('eth4', 'eth5'), 'bond0')


def test_patches_of_scheme_10_carry_tags_and_trunks():
    assert carried(fixture('4.x-patches.yaml')) == {
        'management': (('eth0',), None, ((101, 101),), 'other'),
        'fw-admin': (('eth0',), None, (), 'other'),
        'private': (('eth1',), None, ((1000, 1001), (1005, 1005)), 'other'),
    }


@pytest.mark.parametrize('extra, warning', [
    ('phy_interfaces: [eth9], vlans: 101', 'phy_interfaces says eth9, the transformations lead to eth4'),
    ('phy_interfaces: [eth4], vlans: 102', 'vlans says 102, the transformations lead to 101'),
    ('phy_interfaces: [eth4]', 'vlans says untagged, the transformations lead to 101'),
])
def test_a_disagreement_of_61_is_a_warning_and_the_transformations_win(extra, warning):
    found = astute(SCHEME.replace('IP: [192.168.0.1/24]', 'IP: [192.168.0.1/24], vendor_specific: {%s}' % extra))
    assert len(found.warnings) == 1 and warning in found.warnings[0]
    assert carried(found)['management'] == (('eth4',), None, ((101, 101),), 'infiniband')


def test_the_range_of_61_serves_where_quantum_settings_are_missing():
    found = astute(SCHEME.replace('eth4.101', 'eth4').replace(
        'IP: [192.168.0.1/24]', "IP: none, vendor_specific: {phy_interfaces: [eth4], vlans: '1000:1030'}"))
    assert carried(found)['management'][2] == ((1000, 1030),)
    assert found.warnings == []


@pytest.mark.parametrize('driver, mode', [
    ('eth_ipoib', 'infiniband'), ('mlx4_en', 'ethernet'), ('mlx5_core', 'ethernet'), ('mlx5_en', 'ethernet'),
    ('igb', 'other'), ('ib_ipoib', 'other'), ('null', 'other')])
def test_the_mode_of_an_interface_follows_from_its_driver(driver, mode):
    found = astute(SCHEME.replace('driver: eth_ipoib', 'driver: ' + driver))
    assert found.interfaces['eth4'].mode == found.roles['management'].mode == mode
    assert found.mode == (mode if mode != 'other' else 'none')


@pytest.mark.parametrize('port', [
    'name: ib2.8001', 'name: ib0.8123', 'name: ib2.1000', 'name: eth4.4095, vlan_dev: false',
    'name: bond.mgmt', 'name: eth4.101, vlan_dev: false'])
def test_what_only_looks_like_a_vlan_is_none(port):
    role = astute(SCHEME.replace('name: eth4.101', port)).roles['management']
    assert role.vlans == ()


@pytest.mark.parametrize('port, interface, vlan', [
    ('name: vlan101, vlan_dev: eth4, vlan_id: 101', 'eth4', 101), ('name: vlan201, vlan_dev: eth2', 'eth2', 201),
    ('name: eth4, tag: 7', 'eth4', 7),
    ('name: eth4.4094', 'eth4', 4094), ('name: en.p1.12', 'en.p1', 12)])
def test_spellings_of_a_tagged_port(port, interface, vlan):
    role = astute(SCHEME.replace('name: eth4.101', port)).roles['management']
    assert (role.interfaces, role.vlans) == ((interface,), ((vlan, vlan),))


@pytest.mark.parametrize('section', ['interfaces', 'endpoints', 'roles', 'transformations', 'quantum_settings'])
@pytest.mark.parametrize('empty', ['', 'null'])
def test_sections_may_be_missing_or_null(section, empty):
    lines = [line for line in SCHEME.splitlines() if not line.strip().startswith((section + ':', '- '))]
    if section != 'transformations':
        lines = [line for line in SCHEME.splitlines() if not line.strip().startswith(section + ':')]
    text = '\n'.join(lines + (['  {0}: {1}'.format(section, empty)] if empty else []))
    assert astute(text).path


def test_a_sriov_port_carries_no_bridge():
    found = astute(SCHEME + '  - {action: add-port, name: eth5, provider: sriov, '
                            'vendor_specific: {sriov_numvfs: 7, physnet: physnet2}}\n')
    assert carried(found)['management'][0] == ('eth4',)


def test_a_loop_of_patches_ends():
    found = astute(SCHEME.replace('{action: add-port, bridge: br-mgmt, name: eth4.101}',
                                  '{action: add-patch, bridges: [br-mgmt, br-a]}') +
                   '  - {action: add-patch, bridges: [br-a, br-b]}\n'
                   '  - {action: add-patch, bridges: [br-b, br-mgmt]}\n')
    assert carried(found)['management'] == ((), None, (), 'none')


LEGACY = """
network_scheme:
  provider: ovs
  interfaces: {eth2: null, eth3: null}
  endpoints: {mgmt-conn: {IP: [192.168.0.1/24]}, br-eth2: {IP: none}}
  roles: {management: mgmt-conn, private: br-eth2}
  transformations:
  - {action: add-br, name: br-eth2}
"""
INTERNAL = '  - {action: add-port, name: mgmt-conn, bridge: br-eth2, type: internal, tag: 201}\n'


@pytest.mark.parametrize('uplink, reached, ranges', [
    ('add-port, name: eth2', ('eth2',), ()),
    ('add-port, name: eth2, trunks: [0, 5, "6"]', ('eth2',), ((5, 6),)),
    ('add-port, name: eth2, vlan_ids: [9]', ('eth2',), ((9, 9),)),
    ('add-bond, name: bond0, interfaces: [eth2, eth3], tag: 201', ('eth2', 'eth3'), ((201, 201),)),
    ('add-bond, name: bond0, interfaces: [eth2, eth3], trunks: [5, 7]', ('eth2', 'eth3'), ((5, 5), (7, 7))),
])
def test_ports_and_bonds_of_scheme_10_carry_tags_and_trunks(uplink, reached, ranges):
    found = astute(LEGACY + INTERNAL + '  - {action: %s, bridge: br-eth2}\n' % uplink)
    assert (found.roles['private'].interfaces, found.roles['private'].vlans) == (reached, ranges)
    assert (found.roles['management'].interfaces, found.roles['management'].vlans) == (reached, ((201, 201),))


def test_an_internal_port_is_no_way_out_of_its_bridge():
    found = astute(LEGACY + INTERNAL)
    assert [role.interfaces for role in found.roles.values()] == [(), ()]
    assert found.warnings == ['mgmt-conn: the transformations lead from it to no interface',
                              'br-eth2: the transformations lead from it to no interface']


@pytest.mark.parametrize('port, ranges', [('bond0', ((5, 5),)), ('bond0.7', ((7, 7),))])
def test_the_vlan_of_the_members_counts_where_the_bond_is_untagged(port, ranges):
    found = astute(SCHEME.replace('eth4.101', port) +
                   '  - {action: add-bond, name: bond0, interfaces: [eth4.5, eth5.5]}\n')
    assert found.roles['management'].vlans == ranges


@pytest.mark.parametrize('endpoint, reached, ranges, warning', [
    ('eth9', ('eth9',), (), 'eth9 carries eth9 but is not among the published interfaces'),
    ('enp1s0f0.55', ('enp1s0f0',), ((55, 55),), 'enp1s0f0 carries enp1s0f0.55 but is not among'),
    ('ib0.8123', ('ib0.8123',), (), 'ib0.8123 carries ib0.8123 but is not among'),
    ('br-none', (), (), 'br-none: the transformations lead from it to no interface'),
])
def test_an_endpoint_that_no_transformation_names(endpoint, reached, ranges, warning):
    found = astute(SCHEME.replace('{br-mgmt: {', '{%s: {' % endpoint).replace(
        'management: br-mgmt', 'management: ' + endpoint))
    assert (found.roles['management'].interfaces, found.roles['management'].vlans) == (reached, ranges)
    assert len(found.warnings) == 1 and found.warnings[0].startswith(warning)


@pytest.mark.parametrize('spelled, ranges', [
    ("'1000:1030'", ((1000, 1030),)), ("['1000:1001', 1005]", ((1000, 1001), (1005, 1005))), ('1000', ((1000, 1000),)),
    ("''", ()), ('null', ()), ('[]', ())])
def test_the_range_of_a_physical_network(spelled, ranges):
    found = astute('quantum_settings: {L2: {phys_nets: {p: {bridge: br-mgmt, vlan_range: %s}}}}\n' % spelled +
                   SCHEME.replace('eth4.101', 'eth4'))
    assert found.roles['management'].vlans == ranges


def test_the_ranges_of_two_physical_networks_on_one_bridge_are_one():
    found = astute('quantum_settings: {L2: {phys_nets: {1: {bridge: br-mgmt, vlan_range: "20:30"}, '
                   '2: {bridge: br-mgmt, vlan_range: "10:19"}}}}\n' + SCHEME.replace('eth4.101', 'eth4'))
    assert found.roles['management'].vlans == ((10, 30),)


@pytest.mark.parametrize('extra, ranges', [
    ("vlans: '1000:1030'", ((1000, 1030),)), ("phy_interfaces: [eth4], vlans: '1000:1000'", ((1000, 1000),)),
    ('phy_interfaces: null, vlans: null', ())])
def test_what_61_publishes_of_a_physical_network(extra, ranges):
    found = astute(SCHEME.replace('eth4.101', 'eth4').replace('IP: [192.168.0.1/24]', 'vendor_specific: {%s}' % extra))
    assert (found.roles['management'].vlans, found.warnings) == (ranges, [])


def test_the_mtu_that_is_asked_for():
    found = astute(SCHEME.replace('name: eth4.101', 'name: eth4.101, mtu: "2000"').replace(
        'eth4: {', 'eth4: {mtu: 4092, ') + '  - {action: add-patch, bridges: [br-mgmt, br-x], mtu: 65000}\n'
        '  - {action: add-bond, name: bond0, interfaces: [eth5, eth6], mtu: 1500, interface_properties: {mtu: 9000}}\n')
    assert found.scheme.mtus == {'eth4': 4092, 'eth4.101': 2000, 'bond0': 1500, 'eth5': 9000, 'eth6': 9000}


def test_keys_are_names_as_they_are_written():
    found = astute(SCHEME.replace('{management: br-mgmt}', '{7: br-mgmt, 010: br-mgmt, on: br-mgmt, 10:30: br-mgmt}')
                   .replace('interfaces: {', 'interfaces: {2: {}, '))
    assert sorted(found.roles) == ['010', '10:30', '7', 'on']
    assert sorted(found.interfaces) == ['2', 'eth4']


def test_base64_of_text_is_text():
    assert astute('fqdn: !!binary "bsO2ZGU="\n' + SCHEME).fqdn == 'n\u00f6de'


def test_aliases_in_aliases_are_looked_at_once():
    levels = ''.join('  l{0}: &l{0} {{a: *l{1}, b: *l{1}}}\n'.format(level, level - 1) for level in range(1, 60))
    assert astute(SCHEME + '  l0: &l0 {x: 1}\n' + levels).warnings == []
    levels = ''.join('l{0}: &l{0} {{<<: [*l{1}, *l{1}]}}\n'.format(level, level - 1) for level in range(1, 60))
    assert astute('l0: &l0 {fqdn: a}\n' + levels + '<<: [*l59, {fqdn: b, uid: 7}]\n' + SCHEME)[1:3] == ('a', '7')


def test_what_is_left_out_and_warned_about_is_sorted():
    found = astute(SCHEME.replace('{management: br-mgmt}', '{z: "", c: br-c, b: null, a: br-none, d: br-d}').replace(
        'endpoints: {', 'endpoints: {br-d: {}, br-c: {}, '))
    assert found.left_out == ['role a is left out: its endpoint br-none does not exist',
                              'role b is left out: it has no endpoint', 'role z is left out: it has no endpoint']
    assert [line.partition(':')[0] for line in found.warnings] == ['br-c', 'br-d']


def test_an_address_that_is_none_or_missing_is_no_address():
    for spelled in ('IP: none', 'IP: [none]', 'IP: null', 'gateway: 10.0.0.1', 'IP: dhcp'):
        assert astute(SCHEME.replace('IP: [192.168.0.1/24]', spelled)).roles['management'].ip == []


def test_a_key_that_stands_twice_is_a_warning_when_its_values_differ():
    assert astute(SCHEME.replace('management: br-mgmt', 'management: br-mgmt, management: br-mgmt')).warnings == []
    for twice in ('a: {b: [1, {c: d}]}, a: {b: [1, {c: d}]}', 'a: &a [*a], a: &b [*b]',
                  'a: &m {x: 1}, b: {<<: *m, <<: *m}'):
        assert astute(SCHEME.replace('provider: lnx', 'more: {%s}' % twice)).warnings == []
    for twice in ('a: {b: 1}, a: {b: 2}', 'a: [1], a: [1, 2]', "a: 1, a: '1'", 'a: [], a: {}'):
        assert len(astute(SCHEME.replace('provider: lnx', 'more: {%s}' % twice)).warnings) == 1
    found = astute(SCHEME.replace('management: br-mgmt', 'management: br-x, management: br-mgmt'))
    assert len(found.warnings) == 1
    assert 'line 6: network_scheme -> roles -> management stands twice' in found.warnings[0]
