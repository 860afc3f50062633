# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""A YAML file that Fuel wrote, read with care: every value knows where it stands.

Fuel's releases leave sections out, set them to null or to {}: those read as
empty.  A value of the wrong type is refused with the file and the path.
"""
from __future__ import absolute_import, print_function, unicode_literals

import io

import yaml

from plugin_lib._compat import fs_path, integer_types, string_types, text_type
from plugin_lib.errors import InputError

INT_TAG = 'tag:yaml.org,2002:int'
FLOAT_TAG = 'tag:yaml.org,2002:float'


class Sexagesimal(text_type):
    """A scalar such as 10:30 without quotes, which YAML 1.1 means as the number 630.

    Kept as it was written.  It is refused wherever it would be used: what its
    author meant and what Fuel's own loader read are not the same.
    """


def _number(construct):
    def constructor(loader, node):
        return Sexagesimal(node.value) if ':' in node.value else construct(loader, node)
    return constructor


def _telling_sexagesimals(base):
    """A loader class like the safe ``base`` that keeps sexagesimal numbers as they are written."""
    loader = type(base.__name__, (base,), {})
    loader.add_constructor(INT_TAG, _number(base.construct_yaml_int))
    loader.add_constructor(FLOAT_TAG, _number(base.construct_yaml_float))
    return loader


PythonLoader = _telling_sexagesimals(yaml.SafeLoader)
Loader = _telling_sexagesimals(getattr(yaml, 'CSafeLoader', yaml.SafeLoader))

# libyaml's loader recurses on the C stack: 30,000 levels were a segmentation fault with PyYAML 6.0, 40,000 with 3.10.
DEEPEST_FOR_C = 10000


def _loader(raw):
    """The loader for a document: the fast one unless the document could nest deeper than that one bears.

    A level of nesting takes a bracket, or a column of a line.
    """
    longest_line = max(len(line) for line in raw.split(b'\n'))
    deepest = raw.count(b'[') + raw.count(b'{') + longest_line
    return (Loader if deepest < DEEPEST_FOR_C else PythonLoader)(raw)


class Section(object):
    """A mapping of the document and the path to it.

    :param value: the mapping
    :param where: ``/etc/astute.yaml -> network_scheme``
    """

    __slots__ = ('value', 'where')

    def __init__(self, value, where):
        # type: (dict, str) -> None
        self.value = value
        self.where = where

    def refuse(self, key, why, todo=''):
        # type: (str, str, str) -> InputError
        """The error that says why the value below ``key`` cannot be used."""
        return InputError('cannot use what Fuel published', '{0} -> {1}'.format(self.where, key), why, todo)

    def keys(self):
        # type: () -> list
        """The keys as text, in the order of the file where Python keeps it."""
        return [text_type(key) for key in self.value]

    def get(self, key):
        """The value below ``key`` as it stands, None when it is missing or null.

        :raises InputError: for a number that was not meant as one
        """
        value = self.value.get(key)
        if isinstance(value, Sexagesimal):
            raise self.refuse(key, '{0} without quotes is a sexagesimal number in YAML 1.1'.format(value),
                              "write it in quotes: '{0}'".format(value))
        return value

    def typed(self, key, kind, expected):
        """The value below ``key``, None when it is missing or null.

        :raises InputError: when it is not of ``kind``, which is called ``expected``
        """
        value = self.get(key)
        if value is not None and not isinstance(value, kind):
            raise self.refuse(key, 'expected {0}, found {1}'.format(expected, describe(value)))
        return value

    def section(self, key):
        # type: (str) -> Section
        """The mapping below ``key``; an empty one when it is missing or null."""
        return Section(self.typed(key, dict, 'a mapping') or {}, '{0} -> {1}'.format(self.where, key))

    def sections(self, key):
        # type: (str) -> list
        """The list of mappings below ``key``; an empty one when it is missing or null."""
        items = self.typed(key, list, 'a list') or []
        named = Section(dict(('{0}[{1}]'.format(key, index), item) for index, item in enumerate(items)), self.where)
        return [named.section('{0}[{1}]'.format(key, index)) for index in range(len(items))]

    def text(self, key):
        # type: (str) -> str
        """The text below ``key``, None when it is missing or null."""
        return self.typed(key, string_types, 'text')

    def name(self, key):
        # type: (str) -> str
        """The name below ``key``, which must be there.

        :raises InputError: when it is missing, empty or not text
        """
        value = self.text(key)
        if not value:
            raise self.refuse(key, 'a name is missing')
        return text_type(value)

    def texts(self, key):
        # type: (str) -> list
        """The list of texts below ``key``; a text alone is a list of one."""
        value = self.typed(key, (list,) + string_types, 'a list of texts')
        values = [value] if isinstance(value, string_types) else value or []
        for index, item in enumerate(values):
            if not isinstance(item, string_types):
                raise self.refuse('{0}[{1}]'.format(key, index), 'expected text, found {0}'.format(describe(item)))
        return [text_type(item) for item in values]

    def integers(self, key):
        # type: (str) -> list
        """The list of whole numbers below ``key``."""
        values = self.typed(key, list, 'a list of numbers') or []
        for index, item in enumerate(values):
            if not isinstance(item, integer_types) or isinstance(item, bool):
                raise self.refuse('{0}[{1}]'.format(key, index), 'expected a number, found {0}'.format(describe(item)))
        return list(values)


def describe(value):
    # type: (object) -> str
    """What a value is, in the words of the file's author; never the value itself, which may be a secret."""
    for kind, name in ((bool, 'true or false'), (dict, 'a mapping'), (list, 'a list'), (string_types, 'text'),
                       (integer_types, 'a number'), (float, 'a number')):
        if isinstance(value, kind):
            return name
    return 'null' if value is None else type(value).__name__


def load(path):
    # type: (str) -> tuple
    """A YAML file as (Section, warnings).

    :param path: the file
    :returns: the top-level mapping, and a line for each key of network_scheme
        that stands twice with different values (YAML takes the last one, and
        Fuel 7.0 did write such files)
    :raises InputError: when the file cannot be read or is not YAML that is safe to load
    """
    what = 'cannot read what Fuel published'
    todo = 'give the astute.yaml that Fuel wrote to the node'
    try:
        with io.open(fs_path(path), 'rb') as stream:
            raw = stream.read()
    except EnvironmentError as error:
        raise InputError(what, path, error.strerror, todo)
    try:
        loader = _loader(raw)
        root = loader.get_single_node()
        warnings = _duplicates(root, path)
        value = loader.construct_document(root) if root is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = path if mark is None else '{0}, line {1} column {2}'.format(path, mark.line + 1, mark.column + 1)
        raise InputError(what, where, error.problem or error.context, todo)
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, RuntimeError, MemoryError) as error:
        # A date such as 2015-99-99 is a ValueError, nesting without end a RuntimeError.
        raise InputError(what, path, 'not YAML that can be loaded: {0}'.format(
            getattr(error, 'reason', None) or type(error).__name__), todo)
    if not isinstance(value, dict):
        raise InputError(what, path, 'expected a mapping at the top, found {0}'.format(describe(value)), todo)
    return Section(value, path), warnings


def _duplicates(root, path):
    """Lines about keys of network_scheme that stand twice with different values."""
    found = []
    if isinstance(root, yaml.MappingNode):
        for key, value in root.value:
            if key.value == 'network_scheme':
                _duplicates_below(value, path, 'network_scheme', found)
    return found


def _duplicates_below(node, path, where, found):
    if not isinstance(node, yaml.MappingNode):
        return
    seen = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        if key.value in seen and (not isinstance(value, yaml.ScalarNode) or value.value != seen[key.value]):
            found.append('{0}, line {1}: {2} -> {3} stands twice with different values, the last one counts'.format(
                path, key.start_mark.line + 1, where, key.value))
        seen[key.value] = value.value
        _duplicates_below(value, path, '{0} -> {1}'.format(where, key.value), found)
