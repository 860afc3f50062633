# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Editing a service's configuration file: what the service reads, what comes back, what others changed meanwhile."""
from __future__ import absolute_import, print_function, unicode_literals

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_lib.errors import InputError
from plugin_lib.planning.ini_edit import Add, Append, Set, edit, sections, values

CINDER = """\
# The options of cinder.
[DEFAULT]
# Which protocol (iscsi or iser)
#iscsi_protocol = iscsi
iscsi_protocol=iscsi
enabled_backends = LVM-backend
filters = A,
  B

[LVM-backend]
volume_driver: cinder.volume.drivers.lvm.LVMVolumeDriver
"""
ISER = Set('LVM-backend', 'iscsi_protocol', 'iser')


def one(text, section, name):
    """The value that counts."""
    return values(text, section, name, 'x.conf')[-1]


def test_an_option_is_changed_in_its_place_and_nothing_else():
    edited = edit(CINDER, (Set('DEFAULT', 'iscsi_protocol', 'iser'),), 'cinder.conf')
    assert edited == CINDER.replace('\niscsi_protocol=iscsi\n', """
# fuel-infiniband set: iscsi_protocol = iser
# fuel-infiniband was: iscsi_protocol=iscsi
iscsi_protocol = iser
""")


def test_an_option_that_is_not_there_comes_at_the_end_of_its_section():
    edited = edit(CINDER, (ISER,), 'cinder.conf')
    assert edited.endswith('LVMVolumeDriver\n# fuel-infiniband set: iscsi_protocol = iser\niscsi_protocol = iser\n')
    assert one(edited, 'DEFAULT', 'iscsi_protocol') == 'iscsi'


def test_what_is_as_wanted_already_is_not_marked_as_ours():
    assert edit(CINDER, (Set('DEFAULT', 'iscsi_protocol', 'iscsi'), Append('DEFAULT', 'filters', 'B', ())),
                'cinder.conf') == CINDER


def test_the_last_of_several_counts():
    text = '[DEFAULT]\na = 1\na = 2\n[DEFAULT]\na = "3"\n'
    edited = edit(text, (Set('DEFAULT', 'a', '4'),), 'x.conf')
    assert values(edited, 'DEFAULT', 'a', 'x.conf') == ['1', '2', '4']


def test_a_section_that_is_missing_is_made_and_goes_again():
    change = Set('ml2_sriov', 'a', 'b')
    for text in ('', '[ml2]\nx = y\n', '[ml2]\nx = y'):
        edited = edit(text, (change,), 'x.conf')
        assert sections(edited, 'x.conf')[-1] == 'ml2_sriov' and one(edited, 'ml2_sriov', 'a') == 'b'
        assert edit(edited, (), 'x.conf') == text


def test_a_section_of_ours_stays_when_others_use_it():
    edited = edit('[ml2]\nx = y\n', (Set('ml2_sriov', 'a', 'b'),), 'x.conf') + 'theirs = 1\n'
    assert edit(edited, (), 'x.conf') == '[ml2]\nx = y\n[ml2_sriov]\ntheirs = 1\n'


def test_a_list_keeps_its_items_and_is_one_line():
    change = Append('DEFAULT', 'filters', 'C', ('X',))
    edited = edit(CINDER, (change,), 'x.conf')
    assert one(edited, 'DEFAULT', 'filters') == 'A,B,C'
    assert one(edit('[DEFAULT]\n', (change,), 'x.conf'), 'DEFAULT', 'filters') == 'X,C'
    assert one(edit('[DEFAULT]\nfilters =\n', (change,), 'x.conf'), 'DEFAULT', 'filters') == 'C'
    assert one(edit('[DEFAULT]\nfilters="A,B"\n', (change,), 'x.conf'), 'DEFAULT', 'filters') == 'A,B,C'


@pytest.mark.parametrize('theirs, left', [('A,B,C,D', 'A,B,D'), ('C', ''), ('C,A', 'A'), ('A', 'A'), ('A, C', 'A')])
def test_of_a_list_that_others_changed_only_our_item_goes(theirs, left):
    edited = edit('[DEFAULT]\nfilters = A,B\n', (Append('DEFAULT', 'filters', 'C', ()),), 'x.conf')
    changed = edited.replace('\nfilters = A,B,C\n', '\nfilters = {0}\n'.format(theirs))
    assert one(edit(changed, (), 'x.conf'), 'DEFAULT', 'filters') == left


def test_several_items_and_values_stand_together():
    changes = (Append('DEFAULT', 'filters', 'C', ()), Append('DEFAULT', 'filters', 'D', ()),
               Add('DEFAULT', 'pci_passthrough_whitelist', '{"address": "0000:03:00.1"}'),
               Add('DEFAULT', 'pci_passthrough_whitelist', '{"address": "0000:03:00.2"}'))
    text = '[DEFAULT]\nfilters = A\npci_passthrough_whitelist = {"vendor_id": "8086"}\n[x]\n'
    edited = edit(text, changes, 'nova.conf')
    assert one(edited, 'DEFAULT', 'filters') == 'A,C,D'
    assert values(edited, 'DEFAULT', 'pci_passthrough_whitelist', 'nova.conf') == [
        '{"vendor_id": "8086"}', '{"address": "0000:03:00.1"}', '{"address": "0000:03:00.2"}']
    assert edit(edited, (), 'nova.conf') == text
    assert edit(edited, changes[2:], 'nova.conf') == edit(text, changes[2:], 'nova.conf')


def test_a_value_that_others_add_below_ours_moves_nothing():
    change = Add('DEFAULT', 'pci_passthrough_whitelist', '{"address": "0000:03:00.1"}')
    edited = edit('[DEFAULT]\n', (change,), 'nova.conf')
    added = edited + 'pci_passthrough_whitelist = {"vendor_id": "8086"}\n'
    assert edit(added, (change,), 'nova.conf') == added


def test_the_same_lines_in_another_section_are_a_change():
    text = '[one]\na = 1\n\n[two]\na = 1\n'
    edited = edit(text, (Set('one', 'protocol', 'iser'),), 'cinder.conf')
    moved = edit(edited, (Set('two', 'protocol', 'iser'),), 'cinder.conf')
    assert [values(moved, section, 'protocol', 'cinder.conf') for section in ('one', 'two')] == [[], ['iser']]


def test_what_others_set_since_is_theirs():
    edited = edit(CINDER, (Set('DEFAULT', 'iscsi_protocol', 'iser'),), 'cinder.conf')
    changed = edited.replace('\niscsi_protocol = iser', '\niscsi_protocol = theirs')
    assert edit(changed, (), 'cinder.conf') == CINDER.replace('\niscsi_protocol=iscsi', '\niscsi_protocol = theirs')


def test_a_line_of_ours_that_others_removed_stays_removed():
    edited = edit(CINDER, (Set('DEFAULT', 'iscsi_protocol', 'iser'),), 'cinder.conf')
    removed = edited.replace('\niscsi_protocol = iser\n', '\n')
    assert edit(removed, (), 'cinder.conf') == CINDER.replace('\niscsi_protocol=iscsi\n', '\n')


def test_every_line_that_makes_no_sense_is_named_at_once():
    text = 'early = 1\n[DEFAULT\n  indented\n[]\nword\n= value\n'
    with pytest.raises(InputError) as raised:
        edit(text, (), '/etc/cinder/cinder.conf')
    assert raised.value.where == '/etc/cinder/cinder.conf'
    for number in (1, 2, 3, 4, 5, 6):
        assert 'line {0} '.format(number) in raised.value.why


NAMES = st.sampled_from(['a', 'b', 'list'])
VALUES = st.sampled_from(['', '1', 'x,y', '"x, y"', 'y', 'k=v:w', "{'a': 1}"])
LINES = st.one_of(
    st.sampled_from(['', '# a = 1', ';', '[one]', '[two]', '  more, y', '\tmore']),
    st.builds('{0}{1}{2}'.format, NAMES, st.sampled_from(['=', ' = ', ':', ' :  ']), VALUES))
TEXTS = st.lists(LINES, max_size=12).map(lambda lines: '\n'.join(['[one]'] + lines))
CHANGES = st.lists(st.one_of(
    st.builds(Set, st.sampled_from(['one', 'two', 'new']), st.just('a'), VALUES.filter(bool)),
    st.builds(Add, st.sampled_from(['one', 'two', 'new']), st.just('b'), VALUES.filter(bool)),
    st.builds(Append, st.sampled_from(['one', 'two', 'new']), st.just('list'), st.sampled_from(['y', 'z']),
              st.sampled_from([(), ('x',)])),
), max_size=4).map(tuple)


def legal(text):
    try:
        edit(text, (), 'x.conf')
    except InputError:
        return False
    return True


@given(text=TEXTS.filter(legal), changes=CHANGES, others=CHANGES)
def test_changes_are_read_back_come_twice_as_once_and_go_without_a_trace(text, changes, others):
    edited = edit(text, changes, 'x.conf')
    assert edit(edited, changes, 'x.conf') == edited
    assert edit(edited, (), 'x.conf') == text
    after, fresh = ([(section, name, sorted(values(each, section, name, 'x.conf'))) for section in (
        'one', 'two', 'new') for name in ('a', 'b', 'list')] for each in (
            edit(edited, others, 'x.conf'), edit(text, others, 'x.conf')))
    assert after == fresh, 'the order of what was there already may stay'
    wanted = dict(((change.section, change.name), change) for change in changes)  # of two the last counts
    for change in wanted.values():
        found = values(edited, change.section, change.name, 'x.conf')
        if isinstance(change, Append):
            assert change.item in [item.strip() for item in found[-1].split(',')]
        elif isinstance(change, Add):
            assert change.value.strip('"') in [value.strip('"') for value in found]
        else:
            assert found[-1].strip('"') == change.value.strip('"')
