# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Published data that cannot be used: one message with the file and the place, whatever it is."""
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
from tests.model.astute import SCHEME, astute

FIXTURES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'fixtures', 'astute')


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
def test_bad_input_is_one_message_with_file_and_place(before, after, place):
    with pytest.raises(InputError) as caught:
        astute(SCHEME.replace(before, after))
    assert place in caught.value.where
    assert caught.value.why and caught.value.exit_status == 2


@pytest.mark.parametrize('text', ['[' * 50000 + ']' * 50000, '- ' * 50000 + 'x', '? ' * 50000, 'network_scheme:\n' +
                                  ''.join(' ' * depth + 'a:\n' for depth in range(1, 1500))])
def test_what_is_nested_too_deeply_is_refused_in_words(text):
    with pytest.raises(InputError) as caught:
        astute(text)
    assert caught.value.why == 'it is nested too deeply'


@pytest.mark.parametrize('text, fast', [
    (b'a: ' + b'x' * 100000, True), (b' ' * 20000 + b'a: b', False), (b'- ' * 20000, False), (b'[' * 20000, False),
    (b'a: "' + b'-' * 20000 + b'"', False), ('a: b'.encode('utf-16'), False)])
def test_the_fast_loader_gets_only_what_cannot_be_deep(text, fast):
    assert isinstance(document._loader(text), document.Loader) == fast or document.Loader is document.PythonLoader


def test_the_parsers_own_words_are_whole():
    with pytest.raises(InputError) as caught:
        astute('a: 1\n---\nb: 2\n')
    assert caught.value.why == 'expected a single document in the stream but found another document'


@pytest.mark.parametrize('text', ['', 'text', '[]', 'network_scheme: null', 'network_scheme: []', '[' * 5000,
                                  '[' * 50000 + ']' * 50000, '- ' * 50000 + 'x', '{a: ' * 50000])
def test_a_file_that_is_no_published_data_is_refused(text):
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


@pytest.mark.parametrize('text', ['\xe9', '1_0', '\u0661\u0660', '+5', '5:', ':5', '30:20', '4095', '1:4095', '1.5'])
def test_a_spelling_that_only_some_pythons_would_take_is_refused_by_all(text):
    with pytest.raises(ValueError, match='is not a VLAN \\(1-4094\\) or a range first:last'):
        vlans.parse(text)


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
