# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Published data -> interfaces, roles, VLANs and modes: the project's own files, the traps, and bad input."""
from __future__ import absolute_import, print_function, unicode_literals

import copy
import io
import json
import os

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from plugin_lib import published
from plugin_lib.errors import InputError
from plugin_lib.published import document, vlans
from plugin_lib.views import roles as view

FIXTURES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'fixtures', 'astute')

SCHEME = """
network_scheme:
  provider: lnx
  interfaces: {eth4: {vendor_specific: {driver: eth_ipoib, bus_info: ib0}}}
  endpoints: {br-mgmt: {IP: [192.168.0.1/24]}}
  roles: {management: br-mgmt}
  transformations:
  - {action: add-br, name: br-mgmt}
  - {action: add-port, bridge: br-mgmt, name: eth4.101}
"""


def fixture(name):
    return published.read(os.path.join(FIXTURES, name))


def carried(found):
    return dict((role.name, (role.interfaces, role.bond, role.vlans, role.mode)) for role in found.roles.values())


@pytest.fixture
def astute(tmpdir):
    """Reads published data from text."""
    def read(text):
        path = str(tmpdir.join('astute.yaml'))
        with io.open(path, 'w', encoding='utf-8') as stream:
            stream.write(text)
        return published.read(path)
    return read


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


def test_a_bond_of_tagged_members_leads_to_the_physical_ones(astute):
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
def test_a_disagreement_of_61_is_a_warning_and_the_transformations_win(astute, extra, warning):
    found = astute(SCHEME.replace('IP: [192.168.0.1/24]', 'IP: [192.168.0.1/24], vendor_specific: {%s}' % extra))
    assert len(found.warnings) == 1 and warning in found.warnings[0]
    assert carried(found)['management'] == (('eth4',), None, ((101, 101),), 'infiniband')


def test_the_range_of_61_serves_where_quantum_settings_are_missing(astute):
    found = astute(SCHEME.replace('eth4.101', 'eth4').replace(
        'IP: [192.168.0.1/24]', "IP: none, vendor_specific: {phy_interfaces: [eth4], vlans: '1000:1030'}"))
    assert carried(found)['management'][2] == ((1000, 1030),)
    assert found.warnings == []


@pytest.mark.parametrize('driver, mode', [
    ('eth_ipoib', 'infiniband'), ('mlx4_en', 'ethernet'), ('mlx5_core', 'ethernet'), ('mlx5_en', 'ethernet'),
    ('igb', 'other'), ('ib_ipoib', 'other'), ('null', 'other')])
def test_the_mode_of_an_interface_follows_from_its_driver(astute, driver, mode):
    found = astute(SCHEME.replace('driver: eth_ipoib', 'driver: ' + driver))
    assert found.interfaces['eth4'].mode == found.roles['management'].mode == mode
    assert found.mode == (mode if mode != 'other' else 'none')


@pytest.mark.parametrize('port', [
    'name: ib2.8001', 'name: ib0.8123', 'name: ib2.1000', 'name: eth4.4095, vlan_dev: false',
    'name: bond.mgmt', 'name: eth4.101, vlan_dev: false'])
def test_what_only_looks_like_a_vlan_is_none(astute, port):
    role = astute(SCHEME.replace('name: eth4.101', port)).roles['management']
    assert role.vlans == ()


@pytest.mark.parametrize('port, interface, vlan', [
    ('name: vlan101, vlan_dev: eth4, vlan_id: 101', 'eth4', 101), ('name: vlan201, vlan_dev: eth2', 'eth2', 201),
    ('name: eth4, tag: 7', 'eth4', 7),
    ('name: eth4.4094', 'eth4', 4094), ('name: en.p1.12', 'en.p1', 12)])
def test_spellings_of_a_tagged_port(astute, port, interface, vlan):
    role = astute(SCHEME.replace('name: eth4.101', port)).roles['management']
    assert (role.interfaces, role.vlans) == ((interface,), ((vlan, vlan),))


@pytest.mark.parametrize('section', ['interfaces', 'endpoints', 'roles', 'transformations', 'quantum_settings'])
@pytest.mark.parametrize('empty', ['', 'null'])
def test_sections_may_be_missing_or_null(astute, section, empty):
    lines = [line for line in SCHEME.splitlines() if not line.strip().startswith((section + ':', '- '))]
    if section != 'transformations':
        lines = [line for line in SCHEME.splitlines() if not line.strip().startswith(section + ':')]
    text = '\n'.join(lines + (['  {0}: {1}'.format(section, empty)] if empty else []))
    assert astute(text).path


def test_a_sriov_port_carries_no_bridge(astute):
    found = astute(SCHEME + '  - {action: add-port, name: eth5, provider: sriov, '
                            'vendor_specific: {sriov_numvfs: 7, physnet: physnet2}}\n')
    assert carried(found)['management'][0] == ('eth4',)


def test_a_loop_of_patches_ends(astute):
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
def test_ports_and_bonds_of_scheme_10_carry_tags_and_trunks(astute, uplink, reached, ranges):
    found = astute(LEGACY + INTERNAL + '  - {action: %s, bridge: br-eth2}\n' % uplink)
    assert (found.roles['private'].interfaces, found.roles['private'].vlans) == (reached, ranges)
    assert (found.roles['management'].interfaces, found.roles['management'].vlans) == (reached, ((201, 201),))


def test_an_internal_port_is_no_way_out_of_its_bridge(astute):
    found = astute(LEGACY + INTERNAL)
    assert [role.interfaces for role in found.roles.values()] == [(), ()]
    assert found.warnings == ['mgmt-conn: the transformations lead from it to no interface',
                              'br-eth2: the transformations lead from it to no interface']


@pytest.mark.parametrize('port, ranges', [('bond0', ((5, 5),)), ('bond0.7', ((7, 7),))])
def test_the_vlan_of_the_members_counts_where_the_bond_is_untagged(astute, port, ranges):
    found = astute(SCHEME.replace('eth4.101', port) +
                   '  - {action: add-bond, name: bond0, interfaces: [eth4.5, eth5.5]}\n')
    assert found.roles['management'].vlans == ranges


@pytest.mark.parametrize('endpoint, reached, ranges, warning', [
    ('eth9', ('eth9',), (), 'eth9 carries eth9 but is not among the published interfaces'),
    ('enp1s0f0.55', ('enp1s0f0',), ((55, 55),), 'enp1s0f0 carries enp1s0f0.55 but is not among'),
    ('ib0.8123', ('ib0.8123',), (), 'ib0.8123 carries ib0.8123 but is not among'),
    ('br-none', (), (), 'br-none: the transformations lead from it to no interface'),
])
def test_an_endpoint_that_no_transformation_names(astute, endpoint, reached, ranges, warning):
    found = astute(SCHEME.replace('{br-mgmt: {', '{%s: {' % endpoint).replace(
        'management: br-mgmt', 'management: ' + endpoint))
    assert (found.roles['management'].interfaces, found.roles['management'].vlans) == (reached, ranges)
    assert len(found.warnings) == 1 and found.warnings[0].startswith(warning)


@pytest.mark.parametrize('spelled, ranges', [
    ("'1000:1030'", ((1000, 1030),)), ("['1000:1001', 1005]", ((1000, 1001), (1005, 1005))), ('1000', ((1000, 1000),)),
    ("''", ()), ('null', ()), ('[]', ())])
def test_the_range_of_a_physical_network(astute, spelled, ranges):
    found = astute('quantum_settings: {L2: {phys_nets: {p: {bridge: br-mgmt, vlan_range: %s}}}}\n' % spelled +
                   SCHEME.replace('eth4.101', 'eth4'))
    assert found.roles['management'].vlans == ranges


def test_the_ranges_of_two_physical_networks_on_one_bridge_are_one(astute):
    found = astute('quantum_settings: {L2: {phys_nets: {1: {bridge: br-mgmt, vlan_range: "20:30"}, '
                   '2: {bridge: br-mgmt, vlan_range: "10:19"}}}}\n' + SCHEME.replace('eth4.101', 'eth4'))
    assert found.roles['management'].vlans == ((10, 30),)


@pytest.mark.parametrize('extra, ranges', [
    ("vlans: '1000:1030'", ((1000, 1030),)), ("phy_interfaces: [eth4], vlans: '1000:1000'", ((1000, 1000),)),
    ('phy_interfaces: null, vlans: null', ())])
def test_what_61_publishes_of_a_physical_network(astute, extra, ranges):
    found = astute(SCHEME.replace('eth4.101', 'eth4').replace('IP: [192.168.0.1/24]', 'vendor_specific: {%s}' % extra))
    assert (found.roles['management'].vlans, found.warnings) == (ranges, [])


def test_the_mtu_that_is_asked_for(astute):
    found = astute(SCHEME.replace('name: eth4.101', 'name: eth4.101, mtu: "2000"').replace(
        'eth4: {', 'eth4: {mtu: 4092, ') + '  - {action: add-patch, bridges: [br-mgmt, br-x], mtu: 65000}\n'
        '  - {action: add-bond, name: bond0, interfaces: [eth5, eth6], mtu: 1500, interface_properties: {mtu: 9000}}\n')
    assert found.scheme.mtus == {'eth4': 4092, 'eth4.101': 2000, 'bond0': 1500, 'eth5': 9000, 'eth6': 9000}


def test_keys_are_names_as_they_are_written(astute):
    found = astute(SCHEME.replace('{management: br-mgmt}', '{7: br-mgmt, 010: br-mgmt, on: br-mgmt, 10:30: br-mgmt}')
                   .replace('interfaces: {', 'interfaces: {2: {}, '))
    assert sorted(found.roles) == ['010', '10:30', '7', 'on']
    assert sorted(found.interfaces) == ['2', 'eth4']


def test_base64_of_text_is_text(astute):
    assert astute('fqdn: !!binary "bsO2ZGU="\n' + SCHEME).fqdn == 'n\u00f6de'


def test_aliases_in_aliases_are_looked_at_once(astute):
    levels = ''.join('  l{0}: &l{0} {{a: *l{1}, b: *l{1}}}\n'.format(level, level - 1) for level in range(1, 60))
    assert astute(SCHEME + '  l0: &l0 {x: 1}\n' + levels).warnings == []
    levels = ''.join('l{0}: &l{0} {{<<: [*l{1}, *l{1}]}}\n'.format(level, level - 1) for level in range(1, 60))
    assert astute('l0: &l0 {fqdn: a}\n' + levels + '<<: [*l59, {fqdn: b, uid: 7}]\n' + SCHEME)[1:3] == ('a', '7')


def test_what_is_left_out_and_warned_about_is_sorted(astute):
    found = astute(SCHEME.replace('{management: br-mgmt}', '{z: "", c: br-c, b: null, a: br-none, d: br-d}').replace(
        'endpoints: {', 'endpoints: {br-d: {}, br-c: {}, '))
    assert found.left_out == ['role a is left out: its endpoint br-none does not exist',
                              'role b is left out: it has no endpoint', 'role z is left out: it has no endpoint']
    assert [line.partition(':')[0] for line in found.warnings] == ['br-c', 'br-d']


def test_an_address_that_is_none_or_missing_is_no_address(astute):
    for spelled in ('IP: none', 'IP: [none]', 'IP: null', 'gateway: 10.0.0.1', 'IP: dhcp'):
        assert astute(SCHEME.replace('IP: [192.168.0.1/24]', spelled)).roles['management'].ip == []


def test_a_key_that_stands_twice_is_a_warning_when_its_values_differ(astute):
    assert astute(SCHEME.replace('management: br-mgmt', 'management: br-mgmt, management: br-mgmt')).warnings == []
    for twice in ('a: {b: [1, {c: d}]}, a: {b: [1, {c: d}]}', 'a: &a [*a], a: &b [*b]',
                  'a: &m {x: 1}, b: {<<: *m, <<: *m}'):
        assert astute(SCHEME.replace('provider: lnx', 'more: {%s}' % twice)).warnings == []
    for twice in ('a: {b: 1}, a: {b: 2}', 'a: [1], a: [1, 2]', "a: 1, a: '1'", 'a: [], a: {}'):
        assert len(astute(SCHEME.replace('provider: lnx', 'more: {%s}' % twice)).warnings) == 1
    found = astute(SCHEME.replace('management: br-mgmt', 'management: br-x, management: br-mgmt'))
    assert len(found.warnings) == 1
    assert 'line 6: network_scheme -> roles -> management stands twice' in found.warnings[0]


@pytest.mark.parametrize('before, after, place', [
    ('management: br-mgmt', 'management: [br-mgmt]', '-> network_scheme -> roles -> management'),
    ('driver: eth_ipoib', 'driver: {a: b}', '-> interfaces -> eth4 -> vendor_specific -> driver'),
    ('{action: add-br, name: br-mgmt}', '7', '-> network_scheme -> transformations[0]'),
    ('{action: add-br, name: br-mgmt}', '{action: add-br}', '-> transformations[0] -> name'),
    ('{action: add-br, name: br-mgmt}', '{action: add-patch, bridges: [a]}', '-> transformations[0] -> bridges'),
    ('{action: add-br, name: br-mgmt}', '{action: add-patch, bridges: [a, b], tags: [x, 0]}', '-> tags[0]'),
    ('{action: add-br, name: br-mgmt}', '{action: add-patch, bridges: [a, b], tags: [4095, 0]}', '-> tags'),
    ('IP: [192.168.0.1/24]', 'IP: [1]', '-> endpoints -> br-mgmt -> IP[0]'),
    ('IP: [192.168.0.1/24]', 'IP: [10:30]', '-> endpoints -> br-mgmt -> IP'),
    ('IP: [192.168.0.1/24]', 'vendor_specific: {phy_interfaces: [eth4], vlans: [10:30]}', 'vendor_specific -> vlans'),
    ('IP: [192.168.0.1/24]', 'vendor_specific: {vlans: &a [*a]}', '-> vendor_specific -> vlans'),
    ('IP: [192.168.0.1/24]', "vendor_specific: {phy_interfaces: [eth4], vlans: '30:10'}", 'vendor_specific -> vlans'),
    ('IP: [192.168.0.1/24]', 'vendor_specific: {phy_interfaces: [eth4], vlans: 10:30}', '-> vendor_specific -> vlans'),
    ('bus_info: ib0', 'bus_info: 0000:03:00.0', '-> vendor_specific -> bus_info'),
    ('network_scheme:', 'network_schema:', '-> network_scheme'),
    ('network_scheme:', 'fqdn: 7\nnetwork_scheme:', '-> fqdn'),
    ('network_scheme:', 'quantum_settings: {L2: {phys_nets: {p: {bridge: b, vlan_range: 10:30}}}}\nnetwork_scheme:',
     '-> quantum_settings -> L2 -> phys_nets -> p -> vlan_range'),
    ('network_scheme:', 'a: !ruby/sym undef\nnetwork_scheme:', 'astute.yaml, line 2 column 4'),
    ('network_scheme:', 'a: !!python/object/apply:os.getcwd []\nnetwork_scheme:', 'astute.yaml, line 2 column 4'),
    ('network_scheme:', 'a: [\nnetwork_scheme:', 'astute.yaml, line'),
    ('network_scheme:', 'b: 1\na: 2015-99-99\nnetwork_scheme:', 'astute.yaml, line 3 column 4'),
    ('network_scheme:', 'a: !!bool x\nnetwork_scheme:', 'astute.yaml, line 2 column 4'),
    ('network_scheme:', 'a: !!int ""\nnetwork_scheme:', 'astute.yaml, line 2 column 4'),
    ('network_scheme:', 'a: !!timestamp x\nnetwork_scheme:', 'astute.yaml, line 2 column 4'),
    ('network_scheme:', 'fqdn: !!binary "//8="\nnetwork_scheme:', '-> fqdn'),
    ('name: eth4.101', 'name: eth4.4095', '-> network_scheme -> transformations[1] -> name'),
    ('name: eth4.101', 'name: eth4.50000', '-> network_scheme -> transformations[1] -> name'),
    ('name: eth4.101', 'name: vlan5000, vlan_dev: eth4', '-> network_scheme -> transformations[1] -> name'),
    ('name: eth4.101', 'name: ../../etc/x', '-> network_scheme -> transformations[1] -> name'),
    ('name: eth4.101', 'name: x1, vlan_dev: a/b', '-> network_scheme -> transformations[1] -> vlan_dev'),
    ('{action: add-br, name: br-mgmt}', '{action: add-br, name: bridge-too-longs}', '-> transformations[0] -> name'),
    ('{action: add-br, name: br-mgmt}', '{action: add-br, name: "br\\n"}', '-> transformations[0] -> name'),
    ('{action: add-br, name: br-mgmt}', '{action: add-bond, name: b, interfaces: [..]}', '-> interfaces'),
    ('{action: add-br, name: br-mgmt}', '{action: add-bond, name: b, interfaces: [eth4.5000]}', '-> interfaces'),
    ('{action: add-br, name: br-mgmt}', '{action: add-patch, bridges: [a, "b c"]}', '-> bridges'),
    ('{br-mgmt: {', '{eth4.5000: {}, br-mgmt: {', '-> network_scheme -> endpoints -> eth4.5000'),
    ('interfaces: {', 'interfaces: {../x: {}, ', '-> network_scheme -> interfaces -> ../x'),
    ('name: eth4.101', 'name: eth4.101, mtu: big', '-> transformations[1] -> mtu'),
    ('name: eth4.101', 'name: eth4.101, mtu: true', '-> transformations[1] -> mtu'),
    ('network_scheme:', '? {a: b}\n: c\nnetwork_scheme:', 'astute.yaml'),
    ('network_scheme:', 'a: "\x01"\nnetwork_scheme:', 'astute.yaml'),
    ('network_scheme:', '- network_scheme:', 'astute.yaml'),
])
def test_bad_input_is_one_message_with_file_and_place(astute, before, after, place):
    with pytest.raises(InputError) as caught:
        astute(SCHEME.replace(before, after))
    assert place in caught.value.where
    assert caught.value.why and caught.value.exit_status == 2


@pytest.mark.parametrize('text', ['[' * 50000 + ']' * 50000, '- ' * 50000 + 'x', '? ' * 50000, 'network_scheme:\n' +
                                  ''.join(' ' * depth + 'a:\n' for depth in range(1, 1500))])
def test_what_is_nested_too_deeply_is_refused_in_words(astute, text):
    with pytest.raises(InputError) as caught:
        astute(text)
    assert caught.value.why == 'it is nested too deeply'


@pytest.mark.parametrize('text, fast', [
    (b'a: ' + b'x' * 100000, True), (b' ' * 20000 + b'a: b', False), (b'- ' * 20000, False), (b'[' * 20000, False),
    (b'a: "' + b'-' * 20000 + b'"', False), ('a: b'.encode('utf-16'), False)])
def test_the_fast_loader_gets_only_what_cannot_be_deep(text, fast):
    assert isinstance(document._loader(text), document.Loader) == fast or document.Loader is document.PythonLoader


@pytest.mark.parametrize('text', ['', 'text', '[]', 'network_scheme: null', 'network_scheme: []', '[' * 5000,
                                  '[' * 50000 + ']' * 50000, '- ' * 50000 + 'x', '{a: ' * 50000])
def test_a_file_that_is_no_published_data_is_refused(astute, text):
    with pytest.raises(InputError):
        astute(text)


def test_a_file_that_cannot_be_read_is_refused(tmpdir):
    for path in (tmpdir.join('missing.yaml'), tmpdir):
        with pytest.raises(InputError) as caught:
            published.read(str(path))
        assert caught.value.where == str(path)


RANGES = st.lists(st.tuples(st.integers(1, 4094), st.integers(0, 50)).map(lambda pair: (pair[0], min(4094, sum(pair)))))


@given(RANGES)
def test_merged_ranges_hold_the_same_vlans_sorted_and_apart(ranges):
    merged = vlans.merge(ranges)
    assert vlans.numbers(merged) == sorted(set(vlans.numbers(ranges)))
    assert all(one[1] + 1 < two[0] for one, two in zip(merged, merged[1:]))
    assert vlans.parse(','.join('{0}:{1}'.format(*pair) for pair in merged) if merged else None) == merged


@given(st.one_of(st.integers(), st.booleans(), st.floats(), st.text(), st.lists(st.text()),
                 st.dictionaries(st.text(), st.text())))
def test_whatever_is_no_vlan_is_a_value_error(value):
    try:
        ranges = vlans.parse(value)
    except ValueError as error:
        assert '{0}'.format(error)
    else:
        assert all(1 <= first <= last <= 4094 for first, last in ranges)


def places(value, path=()):
    """The path of every value in a document."""
    yield path
    for key, below in value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ()):
        for place in places(below, path + (key,)):
            yield place


with io.open(os.path.join(FIXTURES, '9.2-two-ports.yaml'), encoding='utf-8') as stream:
    DOCUMENT = yaml.safe_load(stream)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() |
    st.sampled_from(['eth4', 'br-mgmt', '10:30', 'eth4.9999', 'add-bond', 'a.b.1', '', 'none', '0']),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3), max_leaves=5)


@given(st.lists(st.tuples(st.sampled_from(sorted(places(DOCUMENT), key=str)[1:]), VALUES), min_size=1, max_size=3))
def test_any_value_anywhere_is_read_or_refused_with_its_place(tmpdir_factory, changes):
    document = copy.deepcopy(DOCUMENT)
    for path, value in changes:
        holder = document
        try:
            for key in path[:-1]:
                holder = holder[key]
            holder[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            pass  # an earlier change has replaced what led there
    path = str(tmpdir_factory.getbasetemp().join('any.yaml'))
    with io.open(path, 'w', encoding='utf-8') as stream:
        stream.write(json.dumps(document, ensure_ascii=True).replace('NaN', '.nan').replace('Infinity', '.inf'))
    try:
        found = published.read(path)
    except InputError as error:
        assert error.where.startswith(path) and error.why
    else:
        assert view.table(found)
        assert json.dumps(view.document(found))
