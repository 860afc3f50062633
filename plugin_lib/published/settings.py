# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The plugin's settings, as the Fuel UI's values arrive in astute.yaml."""
from __future__ import absolute_import, print_function, unicode_literals

import io
import os
import re
from collections import namedtuple

from plugin_lib._compat import integer_types, string_types
from plugin_lib.errors import InputError
from plugin_lib.published.section import describe

NUMBERS = ('num_of_vfs', 'resync_interval', 'queue_size')
CORRECT = "correct it in the environment's settings and deploy again"
SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'schemas', 'settings.json')


class Settings(namedtuple(
        'Settings', 'storage_rdma sriov num_of_vfs resync_interval queue_size driver_source sm_check')):
    """The values with the types that the code works with.

    :param storage_rdma: put storage on the IPoIB parents, with iSER
    :param sriov: give virtual functions to guests
    :param num_of_vfs: virtual functions of a device
    :param resync_interval: seconds between the full passes of eipoibd
    :param queue_size: receive and send queue entries of an IPoIB interface
    :param driver_source: ``inbox`` or ``repository``
    :param sm_check: ``fail``, ``warn`` or ``off``, when the fabric lacks a P_Key
    """

    __slots__ = ()


def schema():
    # type: () -> dict
    """The JSON schema of the settings; it also holds the default of each."""
    import json
    with io.open(SCHEMA, encoding='utf-8') as stream:
        return json.load(stream)


def read(section):
    # type: (object) -> Settings
    """The settings of a node.

    :param section: published.section.Section, or None (the plugin is disabled): the defaults
    :raises InputError: for the first value that the schema refuses; :func:`problems` names all of them
    """
    values = {}
    for name, rule in sorted(schema()['properties'].items()):
        given = None if section is None else section.get(name)
        values[name] = rule['default'] if given is None else given
        if not _fits(rule, values[name]):
            raise section.refuse(name, _expected(rule, values[name]), CORRECT)
        if name in NUMBERS:
            values[name] = int(values[name])
    return Settings(**dict((str(name), value) for name, value in values.items()))


def _fits(rule, value):
    """What jsonschema says of a value and its rule, for the few keywords that ours have.

    jsonschema takes longer to import than a hook that finds nothing to do takes
    to run, so only :func:`problems` uses it; a test holds the two together.
    """
    if 'enum' in rule:
        return value in rule['enum'] and not isinstance(value, bool)
    if rule['type'] == 'boolean':
        return isinstance(value, bool)
    if isinstance(value, string_types):
        return _matches(rule['pattern'], value)
    return isinstance(value, integer_types) and not isinstance(value, bool) and (
        rule['minimum'] <= value <= rule['maximum'])


def _matches(pattern, text):
    """Whether ``text`` matches as JSON schema means it: in Python alone, ``$`` lets a last newline pass."""
    return re.match('(?:{0})\\Z'.format(pattern), text) is not None


def problems(section):
    # type: (object) -> list
    """Every setting that the schema refuses, as InputErrors with file and path."""
    if section is None:
        return []
    import jsonschema

    def pattern(_, rule, value, __):
        if isinstance(value, string_types) and not _matches(rule, value):
            yield jsonschema.ValidationError('does not match')

    rules = schema()
    validator = jsonschema.validators.extend(jsonschema.Draft4Validator, {'pattern': pattern})(rules)
    values, found = {}, {}
    for name in rules['properties']:
        try:
            values[name] = section.get(name)
        except InputError as error:
            found[name] = error
    given = dict((name, value) for name, value in values.items() if value is not None)
    for error in validator.iter_errors(given):
        name = error.path[0]
        found[name] = section.refuse(name, _expected(rules['properties'][name], given[name]), CORRECT)
    return [found[name] for name in sorted(found)]


def _expected(rule, value):
    import json
    shown = json.dumps(value) if isinstance(value, string_types + integer_types) else describe(value)
    return 'expected {0}, found {1}'.format(rule['description'], shown)
