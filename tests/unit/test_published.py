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
from plugin_lib.published import vlans
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
    'name: ib2.8001', 'name: ib0.8123', 'name: bond.mgmt', 'name: eth4.101, vlan_dev: false'])
def test_what_only_looks_like_a_vlan_is_none(astute, port):
    role = astute(SCHEME.replace('name: eth4.101', port)).roles['management']
    assert role.vlans == ()


@pytest.mark.parametrize('port, interface, vlan', [
    ('name: vlan101, vlan_dev: eth4, vlan_id: 101', 'eth4', 101), ('name: eth4, tag: 7', 'eth4', 7),
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


def test_an_address_that_is_none_or_missing_is_no_address(astute):
    for spelled in ('IP: none', 'IP: [none]', 'IP: null', 'gateway: 10.0.0.1', 'IP: dhcp'):
        assert astute(SCHEME.replace('IP: [192.168.0.1/24]', spelled)).roles['management'].ip == []


def test_a_key_that_stands_twice_is_a_warning_when_its_values_differ(astute):
    assert astute(SCHEME.replace('management: br-mgmt', 'management: br-mgmt, management: br-mgmt')).warnings == []
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
    ('network_scheme:', 'a: 2015-99-99\nnetwork_scheme:', 'astute.yaml'),
    ('network_scheme:', '? {a: b}\n: c\nnetwork_scheme:', 'astute.yaml'),
    ('network_scheme:', 'a: "\x01"\nnetwork_scheme:', 'astute.yaml'),
    ('network_scheme:', '- network_scheme:', 'astute.yaml'),
])
def test_bad_input_is_one_message_with_file_and_place(astute, before, after, place):
    with pytest.raises(InputError) as caught:
        astute(SCHEME.replace(before, after))
    assert place in caught.value.where
    assert caught.value.why and caught.value.exit_status == 2


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
