# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The plugin's settings as they arrive in astute.yaml: defaults, types, and every value that is refused."""
from __future__ import absolute_import, print_function, unicode_literals

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_lib.errors import InputError
from plugin_lib.published import settings
from plugin_lib.published.section import Section, Sexagesimal

GIVEN = {'storage_rdma': True, 'sriov': False, 'num_of_vfs': '16', 'resync_interval': '60', 'queue_size': '32',
         'driver_source': 'repository', 'sm_check': 'warn', 'metadata': {'enabled': True}}


def section(**values):
    return Section(dict(GIVEN, **values), '/etc/astute.yaml -> infiniband')


def test_values_get_the_types_that_the_code_works_with():
    assert settings.read(section()) == (True, False, 16, 60, 32, 'repository', 'warn')
    assert settings.problems(section()) == []


def test_what_is_missing_has_its_default():
    assert settings.read(None) == settings.read(Section({}, '')) == (False, False, 8, 30, 128, 'inbox', 'fail')


@pytest.mark.parametrize('name, value, expected', [
    ('storage_rdma', 'yes', 'true or false, found "yes"'),
    ('sriov', 1, 'true or false, found 1'),
    ('num_of_vfs', '0', 'a whole number from 1 to 62, found "0"'),
    ('num_of_vfs', '63', 'a whole number from 1 to 62'),
    ('num_of_vfs', 63, 'a whole number from 1 to 62'),
    ('num_of_vfs', 'eight', 'a whole number from 1 to 62'),
    ('num_of_vfs', True, 'a whole number from 1 to 62'),
    ('num_of_vfs', ['8'], 'a whole number from 1 to 62, found a list'),
    ('num_of_vfs', '8\n', 'a whole number from 1 to 62'),
    ('resync_interval', '30\n', 'a whole number of seconds from 5 to 3600'),
    ('resync_interval', Sexagesimal('10:30'), '10:30 without quotes is a sexagesimal number'),
    ('resync_interval', [Sexagesimal('10:30')], '10:30 without quotes is a sexagesimal number'),
    ('resync_interval', '4', 'a whole number of seconds from 5 to 3600'),
    ('resync_interval', '1e3', 'a whole number of seconds from 5 to 3600'),
    ('queue_size', '100', '32, 64, 128, 256 or 512'),
    ('driver_source', 'usb', 'inbox or repository, found "usb"'),
    ('sm_check', False, 'fail, warn or off'),
])
def test_a_bad_value_is_refused_with_file_and_path(name, value, expected):
    bad = section(**{str(name): value})
    with pytest.raises(InputError) as caught:
        settings.read(bad)
    for error in [caught.value] + settings.problems(bad):
        assert error.where == '/etc/astute.yaml -> infiniband -> ' + name
        assert expected in error.why
    assert len(settings.problems(bad)) == 1


def test_a_null_setting_has_its_default_for_both():
    empty = section(**dict((str(name), None) for name in settings.Settings._fields))
    assert settings.read(empty) == settings.read(None)
    assert settings.problems(empty) == []


def test_both_give_the_same_error():
    for value in ('99', Sexagesimal('10:30'), {'a': 1}):
        bad = section(num_of_vfs=value)
        with pytest.raises(InputError) as caught:
            settings.read(bad)
        assert [error.lines() for error in settings.problems(bad)] == [caught.value.lines()]


def test_a_list_that_holds_itself_is_refused():
    endless = []
    endless.append(endless)
    assert 'found a list' in settings.problems(section(queue_size=endless))[0].why


def test_all_bad_values_are_named_in_one_go():
    bad = section(num_of_vfs='99', sm_check='maybe', queue_size='1')
    assert [error.where.rpartition(' ')[2] for error in settings.problems(bad)] == [
        'num_of_vfs', 'queue_size', 'sm_check']


VALUES = st.one_of(st.booleans(), st.integers(-10, 5000), st.integers(0, 5000).map('{0}'.format), st.text(max_size=4),
                   st.none(), st.integers(0, 99).map('{0}\n'.format),
                   st.sampled_from(['32', 64, 'inbox', 'repository', 'fail', 'off']), st.lists(st.integers()))


@given(st.sampled_from(sorted(settings.Settings._fields)), VALUES)
def test_reading_and_the_schema_agree_on_every_value(name, value):
    either = section(**{str(name): value})
    try:
        settings.read(either)
    except InputError:
        assert settings.problems(either)
    else:
        assert not settings.problems(either)
