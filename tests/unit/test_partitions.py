# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Partitions from networks, into an operator's file: what they mean, what is refused, and that nothing else changes."""
from __future__ import absolute_import, print_function, unicode_literals

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_lib.errors import InputError
from plugin_lib.pkey import PKey
from plugin_lib.published import networks
from plugin_lib.subnet_manager import generate, merge, needs, partition_file, remarks
from plugin_lib.subnet_manager.needs import Partition
from plugin_lib.subnet_manager.tables import EndPort, tables
from plugin_lib.views import partitions as view

DEFAULT = generate.default_line()
DEFAULT_KEY = PKey(0x7fff, True)
GUIDS = st.integers(1, 2 ** 64 - 1)
PARTITIONS = st.dictionaries(
    st.integers(1, 4094), st.one_of(st.none(), st.lists(GUIDS, min_size=1, max_size=30, unique=True)), min_size=1,
    max_size=100).map(lambda found: [Partition(vlan, ('network',), guids and tuple(sorted(guids)))
                                     for vlan, guids in sorted(found.items())])
# Each may stand anywhere in an operator's file; their P_Keys are above every VLAN.
THEIRS = st.lists(st.sampled_from([
    '# a comment; with : everything = in it', '', '   ', 'lab=0x7001, ipoib, defmember=full : ALL_CAS ;',
    'lab2=0x7002, ipoib : ALL=full, SELF=limited ;', '  odd = 0x7003 :\n\t0x0002c90300000011 = full,\n  SELF ; # end',
    'Default=0x7fff, ipoib : ALL=full ;', 'a=0x7004:SELF=full; b=0x7005:SELF=full;', '# \xfc']), max_size=6)


def put(text, partitions, default=DEFAULT):
    return merge.merged(text, 'partitions.conf', partitions, generate.lines(partitions), default)


@given(PARTITIONS, st.sampled_from([None, 2048, 4096]), st.sampled_from([None, '10', '56']))
def test_lines_mean_the_partitions_that_they_were_made_from(partitions, mtu, rate):
    lines = [generate.default_line(mtu, rate)] + generate.lines(partitions, mtu, rate)
    found = partition_file.parse('\n'.join(lines))
    assert not found.remarks
    assert all(definition.ipoib and definition.values.get('mtu') == generate.MTUS.get(mtu) and
               definition.values.get('rate') == generate.RATES.get(rate) for definition in found.definitions)
    ports = set(guid for partition in partitions for guid in partition.guids or ())
    held = tables(found, [EndPort(guid) for guid in ports] + [EndPort('another')])
    for guid in ports | set(['another']):
        assert held[guid] == set([DEFAULT_KEY] + [PKey(partition.vlan, True) for partition in partitions
                                                  if partition.guids is None or guid in partition.guids])


@given(THEIRS, THEIRS, PARTITIONS, PARTITIONS)
def test_a_file_keeps_every_line_that_is_not_ours(before, after, first, second):
    head, tail = ('\n'.join(lines) + '\n' if lines else '' for lines in (before, after))
    text = put(head, first) + tail
    again = put(text, second)
    assert again.startswith(head) and again.endswith(tail)
    assert put(again, second) == again
    ours = again[len(head):len(again) - len(tail)]
    assert ours.startswith('# BEGIN fuel-infiniband') and ours.endswith('# END fuel-infiniband\n')
    assert ours == put(head + tail, second)[len(head + tail):]
    assert (DEFAULT in ours) == ('Default=0x7fff, ipoib : ALL=full ;' not in before + after)
    assert not partition_file.parse(again).is_dropped


def test_a_difference_is_a_unified_diff():
    one, two = [Partition(101, ('management',), None)], [Partition(102, ('storage',), None)]
    text = 'lab=0x7001, ipoib, defmember=full : ALL_CAS ;\n'
    lines = merge.difference(put(text, one), put(text, two), 'partitions.conf').splitlines()
    assert lines[:2] == ['--- partitions.conf', '+++ partitions.conf (new)']
    assert lines[-3:-1] == ['-vlan101=0x0065, ipoib, defmember=full : ALL_CAS ; # management',
                            '+vlan102=0x0066, ipoib, defmember=full : ALL_CAS ; # storage']
    assert merge.difference(text, text, 'partitions.conf') == ''


def refused(text, partitions, default=DEFAULT):
    with pytest.raises(InputError) as caught:
        put(text, partitions, default)
    return caught.value.why.split('\n')


def test_everything_that_clashes_is_named_at_once():
    text = 'a=0x65, ipoib : SELF=full ;\n\nb=0x8066 : ALL ;\nsome : SELF ;\n'
    partitions = [Partition(vlan, ('n',), None) for vlan in (1, 101, 102, 103)]
    assert refused(text, partitions) == [
        'line 1: P_Key 0x0065 is that of a, VLAN 101 would be joined with it',
        'line 3: P_Key 0x0066 is that of b, VLAN 102 would be joined with it',
        'line 4: P_Key 0x0001 is that of some, VLAN 1 would be joined with it']


@pytest.mark.parametrize('text, line', [
    ('a=0x7001 ALL_CAS ;\n', "line 1: no : after 'a=0x7001 ALL_CAS': OpenSM drops the whole file"),
    ('a=0x7001 : ALL_CAS=full\n', 'line 1: the definition has no ; at its end, ours would become part of it'),
    ('\n'.join('k{0}={0} : ALL_CAS=full ;'.format(key) for key in range(5000, 5127)),
     'every HCA gets 129 P_Keys and holds 128'),
    ('\n'.join('k{0}={0} : 0x11=full ;'.format(key) for key in range(5000, 5127)),
     'port 0x0000000000000011 gets 129 P_Keys and holds 128'),
])
def test_a_file_that_would_not_mean_what_is_wanted_is_refused(text, line):
    assert refused(text, [Partition(101, ('n',), None)]) == [line]


@pytest.mark.parametrize('text', ['{0}\n', '{1}\n', '{1}\n{0}\n', '{0}\n{1}\n{0}\n', '{0}\n{0}\n{1}\n'])
def test_marks_that_are_not_a_pair_are_refused(text):
    assert 'expected one mark BEGIN' in refused(text.format(merge.BEGIN, merge.END), [Partition(1, ('n',), None)])[0]


@pytest.mark.parametrize('text, line', [
    ('a=0x65, ipoib, defmember=full : ALL_CAS ;', 'line 1: HCAs are limited members of the default partition, for which'
     ' there is no line: two of them cannot talk untagged'),
    ('Default=0x7fff : ALL, SELF=full ;', 'line 1: HCAs are limited members of the default partition: two of them '
     'cannot talk untagged'),
    (DEFAULT + '\na=0x65, ipoib : SELF=both ;', 'line 2: both is full alone, unless OpenSM has allow_both_pkeys TRUE'),
    (DEFAULT + '\na=0x65 : ALL_CAS=full ;', 'line 2: no ipoib for P_Key 0x0065: without a broadcast group IPoIB stays '
     'down'),
    (DEFAULT + '\na=0x65, ipoib : 0x11=full ;\na=0x65 : 0x11 ;', 'line 3: port 0x0000000000000011 is full and '
     'limited in P_Key 0x0065: the last one counts'),
    (DEFAULT + '\n' + '\n'.join('k{0}={0}, ipoib : ALL=full ;'.format(key) for key in range(100, 108)),
     'line 9: every switch gets 9 P_Keys and holds 8: ALL_CAS leaves switches out'),
])
def test_what_is_rarely_meant_is_remarked(text, line):
    assert [str(remark) for remark in remarks.of(partition_file.parse(text))] == [line]


PIECES = st.sampled_from(['a', '=', '0x65', '08', ':', ';', ',', ' ', '\t', '\n', '#', '\0', '\r', '\x0b', 'ALL', 'fu',
                          '-1', 'mgid', 'ff12::1', 'mtu', 'defmember', '\xfc', '\u2028', merge.BEGIN, merge.END])


@given(st.one_of(st.text(), st.lists(PIECES, max_size=40).map(''.join)))
def test_every_text_is_read_and_explained_or_refused(text):
    found = partition_file.parse(text)
    assert view.table(found, remarks.of(found)).endswith('\n')
    assert found.is_dropped == bool(not found.definitions or [one for one in found.remarks if one.is_fatal])
    try:
        result = put(text, [Partition(101, ('n',), None)])
    except InputError as error:
        assert error.why
    else:
        assert PKey(101, True) in tables(partition_file.parse(result), [EndPort('some')])['some']


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5),
              st.sampled_from([101, 'vlan'])),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(
        ['networks', 'networking_parameters', 'name', 'vlan_start', 'meta', 'neutron_vlan_range', 'vlan_range',
         'segmentation_type', 'fixed_networks_vlan_start', 'fixed_networks_amount', 'net_manager',
         'configuration_template']), inner, max_size=6)), max_leaves=20)


@given(JSON, st.lists(JSON, max_size=3), JSON)
def test_every_document_is_read_or_refused(anything, items, parameters):
    for document in (anything, {'networks': items, 'networking_parameters': parameters}):
        try:
            found = networks.read(document, 'file')
        except InputError as error:
            assert error.why and error.where.startswith('file')
        else:
            assert all(1 <= network.first <= network.last <= 4094 for network in found)


def neutron(*vlans, **parameters):
    """A network_configuration with networks of these VLANs, and tenants' networks."""
    named = [{'name': 'network{0}'.format(index), 'vlan_start': vlan, 'meta': {}} for index, vlan in enumerate(vlans)]
    private = [{'name': 'private', 'vlan_start': None, 'meta': {'neutron_vlan_range': True}}]
    return {'networks': named + (private if parameters.get('segmentation_type') == 'vlan' else []),
            'networking_parameters': parameters}


def test_networks_of_every_kind():
    found = networks.read(neutron(101, None, 102, segmentation_type='vlan', vlan_range=[1000, 1030]), 'file')
    assert found == [('network0', 101, 101), ('network2', 102, 102), ('private', 1000, 1030)]
    assert networks.read(neutron(5, segmentation_type='tun', vlan_range=[1, 2]), 'file') == [('network0', 5, 5)]
    nova = neutron(5, net_manager='VlanManager', fixed_networks_vlan_start=103, fixed_networks_amount=4)
    assert networks.read(nova, 'file') == [('network0', 5, 5), ('fixed', 103, 106)]
    nova['networking_parameters']['net_manager'] = 'FlatDHCPManager'
    assert networks.read(nova, 'file')[1] == ('fixed', 103, 103)


def test_networks_of_one_name_may_share_a_vlan():
    document = neutron(101, 101)
    document['networks'][1]['name'] = 'network0'
    assert networks.read(document, 'file') == [('network0', 101, 101)] * 2


@pytest.mark.parametrize('document, words', [
    (neutron(0, 4095, 7), ['network0: file -> networks[0] -> vlan_start: VLAN 0 cannot be a P_Key',
                           'network1: file -> networks[1] -> vlan_start: VLAN 4095 cannot be a P_Key']),
    (neutron(True, '5'), ['network0: file -> networks[0] -> vlan_start: expected a VLAN, found [true, true]',
                          'network1: ']),
    (neutron(5, 5), ['network0 and network1 share VLAN 5: one partition would join them']),
    (neutron(1000, segmentation_type='vlan', vlan_range=[1000, 1001]), ['network0 and private share VLAN 1000']),
    (neutron(segmentation_type='vlan'), ['private: file -> networking_parameters -> vlan_range: expected two VLANs, '
                                         'found null']),
    (neutron(segmentation_type='vlan', vlan_range=[1030, 1000]), ['VLAN 1030-1000 cannot be a P_Key']),
    (neutron(segmentation_type='vlan', vlan_range=[1000]), ['expected two VLANs, found [1000]']),
    (neutron(5, configuration_template={'adv_net_template': {}}), ['a network template is loaded']),
    ([], ['expected the network_configuration of an environment, found a list']), ({}, ['no list of networks in it']),
    ({'networks': {}}, ['no list of networks']), ({'networks': [5]}, ['file -> networks[0]: expected a mapping']),
    ({'networks': [{}]}, ['file -> networks[0] -> name: a name is missing']),
    ({'networks': [], 'networking_parameters': []}, ['file -> networking_parameters: expected a mapping']),
])
def test_networks_that_cannot_be_partitions_are_refused_in_one_message(document, words):
    with pytest.raises(InputError) as caught:
        networks.read(document, 'file')
    lines = caught.value.why.split('\n')
    assert len(lines) == len(words)
    assert all(part in line for part, line in zip(words, lines)), lines


def test_environments_and_ports_have_limits():
    def problems(*environments, **options):
        with pytest.raises(InputError) as caught:
            needs.of_networks(list(environments), **options)
        return caught.value.why.split('\n')

    network = networks.Network
    assert needs.of_networks([('one', [network('private', 1, 127)])])[-1] == Partition(127, ('private',), None)
    assert problems(('one', [network('private', 1, 128)])) == [
        '128 VLANs need as many P_Keys, and a port holds 127 beside the default one']
    assert problems(('one', [network('m', 1, 3), network('s', 5, 5)]), ('two', [network('m', 2, 6)])) == [
        'VLAN 2-3, 5 is of one and of two: one partition would join the environments']
    assert problems(('one', [network('m', 1, 1)]), only=['x']) == ['there is no network x with a VLAN, only m']
    assert problems(('one', [])) == ['no network has a VLAN: the default partition alone carries them']
    chosen = needs.of_networks([('one', [network('m', 1, 1), network('s', 2, 2)])], only=['s'])
    assert chosen == [Partition(2, ('s',), None)]


def test_names_of_networks_cannot_write_lines():
    partitions = needs.of_networks([('one', [networks.Network('a\nb=0x66 : ALL=full ; #', 101, 101)])])
    assert generate.lines(partitions) == ['vlan101=0x0065, ipoib, defmember=full : ALL_CAS ; # a_b_0x66___ALL_full____']


def test_words_that_are_no_ascii_are_told():
    found = partition_file.parse('\xfcber=0x65, ipoib : ALL=\xfc, SELF=full ;')
    lines = view.table(found, remarks.of(found)).splitlines()
    assert lines[1].split()[:4] == ['1', '0x0065', '101', '\xfcber']
    assert [str(remark) for remark in found.remarks] == ["line 1: 'ALL=\\xc3\\xbc' is read as limited"]
    assert refused('\xfcber=0x65 : ALL ;', [Partition(101, ('n',), None)]) == [
        'line 1: P_Key 0x0065 is that of \xfcber, VLAN 101 would be joined with it']
