# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""repositories/drivers.yaml: which driver packages the repository holds, or waits for."""
from __future__ import absolute_import, print_function, unicode_literals

import io
import json
import os
import re
from collections import namedtuple

from plugin_lib._compat import string_types, text_type
from plugin_lib.errors import InputError
from plugin_lib.published import document
from plugin_lib.published.section import describe

FILE = 'drivers.yaml'
SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'manifest.json')

# Nodes of Fuel 6.1 to 9.2 run Ubuntu 14.04, and so does the discovery image from 8.0 on; 6.1's and 7.0's is CentOS 6.
UBUNTU, CENTOS = 'ubuntu-14.04', 'centos-6'
FOLDERS = {UBUNTU: 'ubuntu', CENTOS: 'centos'}
SUFFIXES = {UBUNTU: '.deb', CENTOS: '.rpm'}
ANY_KERNEL = 'any'

_WHAT = 'cannot use the list of driver packages'
_TODO = 'correct it, or remove it and run "fuel-infiniband drivers add" again with the files'
_TYPES = {'object': dict, 'array': list, 'string': string_types}
_HEADER = '# The driver packages in this repository; "fuel-infiniband drivers add FILE" adds to it.\n'


class Entry(namedtuple('Entry', 'name file sha256 release kernel')):
    """A driver package that is in the repository, or awaited there.

    :param name: its name for dpkg or rpm
    :param file: its file below the folder of its release
    :param sha256: of the file, 64 hexadecimal digits
    :param release: what it runs on: UBUNTU or CENTOS
    :param kernel: the kernel that its modules are for, as ``uname -r`` says it; ANY_KERNEL when it has none
    """

    __slots__ = ()

    @property
    def path(self):
        """The file below repositories/."""
        return '{0}/{1}'.format(FOLDERS[self.release], self.file)


def read(folder):
    # type: (str) -> tuple
    """The Entries of the manifest in ``folder``; none when there is no manifest.

    :param folder: the plugin's repositories/
    :raises InputError: when it cannot be used; it names everything that is wrong with it
    """
    path = os.path.join(folder, FILE)
    if not os.path.lexists(path):
        return ()
    value = document.load(path, _WHAT, _TODO)[0].value
    found = problems(value)
    if found:
        raise InputError(_WHAT, path, '; '.join(found), _TODO)
    return tuple(sorted(Entry(**dict((str(key), text_type(text)) for key, text in item.items()))
                        for item in value['packages']))


def text(entries):
    # type: (tuple) -> str
    """The manifest that lists ``entries``."""
    import yaml
    items = [dict((text_type(key), value) for key, value in entry._asdict().items()) for entry in sorted(entries)]
    return _HEADER + yaml.safe_dump({'packages': items}, default_flow_style=False)


def schema():
    # type: () -> dict
    """The JSON schema of the manifest."""
    with io.open(SCHEMA, encoding='utf-8') as stream:
        return json.load(stream)


def problems(value):
    # type: (object) -> list
    """Everything that is wrong with a manifest, a line each.

    The master has no jsonschema: this knows the few keywords that the schema uses, and a test holds the two together.
    What no schema can say comes after it: a file that does not fit its release, and two entries for the same thing.
    """
    found = _differences(schema(), value, '')
    return found or _contradictions(value['packages'])


def _differences(rule, value, where):
    if not isinstance(value, _TYPES[rule.get('type', 'string')]) or (
            value not in rule['enum'] if 'enum' in rule else
            'pattern' in rule and not re.match('(?:{0})\\Z'.format(rule['pattern']), value)):
        shown = json.dumps(value) if isinstance(value, string_types) else describe(value)
        return ['{0}: expected {1}, found {2}'.format(where or 'the file', rule['description'], shown)]
    if isinstance(value, list):
        return [line for index, item in enumerate(value)
                for line in _differences(rule['items'], item, '{0}[{1}]'.format(where, index))]
    found = []
    if isinstance(value, dict):
        prefix = where + ' -> ' if where else ''
        for key in sorted(set(rule['properties']).union(value), key=text_type):
            if key not in value:
                found.append('{0}{1} is missing'.format(prefix, key))
            elif key not in rule['properties']:
                found.append('{0}{1} means nothing here'.format(prefix, key))
            else:
                found += _differences(rule['properties'][key], value[key], prefix + key)
    return found


def _contradictions(items):
    found, files, places = [], {}, {}
    for index, item in enumerate(items):
        where = 'packages[{0}]'.format(index)
        if not item['file'].endswith(SUFFIXES[item['release']]):
            found.append('{0} -> file: {1} takes {2} files'.format(where, item['release'], SUFFIXES[item['release']]))
        for seen, key in ((files, item['file']), (places, (item['release'], item['name'], item['kernel']))):
            if key in seen:
                found.append('{0} and {1} are for the same {2}'.format(
                    seen[key], where, 'file' if seen is files else 'package and kernel'))
            seen.setdefault(key, where)
    return found
