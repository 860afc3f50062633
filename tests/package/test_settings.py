# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""environment_config.yaml against what each release of Fuel takes, and against the schema that checks the values."""
import json
import re

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tools.packages import TOP

ATTRIBUTES = yaml.safe_load((TOP / 'environment_config.yaml').read_text())['attributes']
SETTINGS = {name: attribute for name, attribute in ATTRIBUTES.items() if name != 'metadata'}
SCHEMA = json.loads((TOP / 'plugin_lib/published/schemas/settings.json').read_text())
DEFAULTS = {name: attribute['value'] for name, attribute in SETTINGS.items()}

# What every environment of Fuel 6.1 to 9.2 has; an undefined path makes saving the settings fail with status 500.
KNOWN_PATHS = {'settings:storage.volumes_lvm.value'} | {f'settings:infiniband.{name}.value' for name in SETTINGS}
OPERAND = r"(?:[a-z_]+:[\w.]+|'[^']*'|true|false)"
EXPRESSION = re.compile(rf'^{OPERAND} (?:==|!=) {OPERAND}(?: (?:and|or) {OPERAND} (?:==|!=) {OPERAND})*$')


def restrictions():
    return [pytest.param(name, restriction, id=name) for name, attribute in ATTRIBUTES.items()
            for restriction in attribute.get('restrictions', ())]


def accepts(value, name):
    return jsonschema.Draft4Validator(SCHEMA).is_valid(dict(DEFAULTS, **{name: value}))


def test_settings_and_schema_name_the_same_values():
    assert set(SETTINGS) == set(SCHEMA['properties'])


def test_the_schema_has_and_takes_the_same_defaults():
    assert {name: rule['default'] for name, rule in SCHEMA['properties'].items()} == DEFAULTS
    jsonschema.Draft4Validator(SCHEMA).validate(DEFAULTS)


@pytest.mark.parametrize('name', SETTINGS)
def test_values_have_types_that_fuel_takes(name):
    """A number or null as value is refused by one release or another; ``weight`` must be a number."""
    attribute = SETTINGS[name]
    assert isinstance(attribute['value'], bool if attribute['type'] == 'checkbox' else str)
    assert isinstance(attribute['weight'], int)
    assert attribute['label']
    assert attribute.get('description') or attribute['values']


def test_settings_are_shown_in_the_order_in_which_they_are_written():
    weights = [attribute['weight'] for attribute in SETTINGS.values()]
    assert weights == sorted(set(weights))


@pytest.mark.parametrize('name', [name for name in SETTINGS if 'values' in SETTINGS[name]])
def test_choices_are_those_of_the_schema(name):
    """Fuel itself does not check that a radio's value is one of its choices."""
    data = [choice['data'] for choice in SETTINGS[name]['values']]
    assert data == [value for value in SCHEMA['properties'][name]['enum'] if isinstance(value, str)]
    assert SETTINGS[name]['value'] in data
    assert all(isinstance(choice[key], str) for choice in SETTINGS[name]['values'] for key in ('data', 'label'))


@pytest.mark.parametrize('name', [name for name in SETTINGS if 'regex' in SETTINGS[name]])
def test_text_settings_have_the_pattern_of_the_schema_and_say_what_is_wrong(name):
    assert SETTINGS[name]['regex']['source'] == SCHEMA['properties'][name]['pattern']
    assert re.match(r'Enter a whole number .* to \d+\.', SETTINGS[name]['regex']['error'])


@given(st.integers(-5, 5000))
def test_patterns_take_exactly_the_documented_numbers(number):
    for value in (number, str(number)):
        assert accepts(value, 'num_of_vfs') == (1 <= number <= 62)
        assert accepts(value, 'resync_interval') == (5 <= number <= 3600)


@pytest.mark.parametrize('value', ['', ' 8', '08', '8.0', '1e1', '٣', 'eight'])
def test_patterns_take_no_other_spelling(value):
    assert not accepts(value, 'num_of_vfs') and not accepts(value, 'resync_interval')


@pytest.mark.parametrize(('name', 'restriction'), restrictions())
def test_restrictions_have_a_form_that_every_release_takes(name, restriction):
    assert set(restriction) in ({'condition', 'message'}, {'condition', 'action'})
    assert restriction.get('action', 'disable') in ('disable', 'hide', 'none')
    assert EXPRESSION.match(restriction['condition'])
    assert set(re.findall(r'[a-z_]+:[\w.]+', restriction['condition'])) <= KNOWN_PATHS


def test_virtual_functions_are_asked_for_only_with_sriov():
    assert SETTINGS['num_of_vfs']['restrictions'] == [
        {'condition': 'settings:infiniband.sriov.value == false', 'action': 'hide'}]
