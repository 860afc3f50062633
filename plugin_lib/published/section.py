# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""A mapping of a YAML file that knows where it stands.

Fuel's releases leave sections out, set them to null or to {}: those read as
empty.  A value of the wrong type is refused with the file and the path.
"""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib._compat import integer_types, string_types, text_type
from plugin_lib.errors import InputError


class Sexagesimal(text_type):
    """A scalar such as 10:30 without quotes, which YAML 1.1 means as the number 630.

    Kept as it was written.  It is refused wherever it would be used: what its
    author meant and what Fuel's own loader read are not the same.
    """


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
        """The keys as text, sorted: Python 2 does not keep the order of the file."""
        return sorted(text_type(key) for key in self.value)

    def get(self, key):
        """The value below ``key`` as it stands, None when it is missing or null.

        :raises InputError: for a number that was not meant as one
        """
        value = self.value.get(key)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Sexagesimal):
                raise self.refuse(key, '{0} without quotes is a sexagesimal number in YAML 1.1'.format(item),
                                  "write it in quotes: '{0}'".format(item))
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


def describe(value):
    # type: (object) -> str
    """What a value is, in the words of the file's author; never the value itself, which may be a secret."""
    for kind, name in ((bool, 'true or false'), (dict, 'a mapping'), (list, 'a list'), (string_types, 'text'),
                       (integer_types, 'a number'), (float, 'a number'), (bytearray, 'binary data')):
        if isinstance(value, kind):
            return name
    return 'null' if value is None else type(value).__name__
