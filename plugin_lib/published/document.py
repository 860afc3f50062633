# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""A YAML file that Fuel wrote, loaded with care: what YAML 1.1 would change silently stays as it was written."""
from __future__ import absolute_import, print_function, unicode_literals

import io

import yaml

from plugin_lib._compat import fs_path
from plugin_lib.errors import InputError
from plugin_lib.published.section import Section, Sexagesimal, describe

TAG = 'tag:yaml.org,2002:'
SCALARS = dict((TAG + kind, 'construct_yaml_' + kind) for kind in ('bool', 'float', 'int', 'timestamp'))
# A key is a name, also where it looks like something else: 7, 010, on, 2015-01-01, ~.
NAMES = frozenset(SCALARS) | frozenset([TAG + 'null'])


def _careful(construct):
    """``construct`` of a scalar, keeping sexagesimal numbers and telling the line of what makes no sense."""
    def constructor(loader, node):
        if node.tag in (TAG + 'int', TAG + 'float') and ':' in node.value:
            return Sexagesimal(node.value)
        try:
            return construct(loader, node)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            # 2015-99-99 looks like a date; !!int x and !!bool x say that they are what they are not.
            why = 'it reads as a {0} and is none: put text in quotes'.format(node.tag.rpartition(':')[2])
            raise yaml.constructor.ConstructorError(None, None, why, node.start_mark)
    return constructor


def _binary(loader, node):
    """Base64 as text where it holds text, so that both Pythons take it alike; else as bytes, which nothing accepts."""
    raw = bytearray(loader.construct_yaml_binary(node))
    try:
        return raw.decode('utf-8')
    except UnicodeDecodeError:
        return raw


def _loader_class(base):
    """A loader class like the safe ``base``, with scalars and keys as this module has them."""
    def flatten_mapping(self, node):
        written = node.value
        base.flatten_mapping(self, node)
        for key, _ in node.value:
            if key.tag in NAMES:
                key.tag = TAG + 'str'
        if node.value is not written:  # merged: without what is overridden, or merges of merges grow without end
            last = dict((key.value if isinstance(key, yaml.ScalarNode) else id(key), (key, value))
                        for key, value in node.value)
            node.value = list(last.values())

    loader = type(base.__name__, (base,), {str('flatten_mapping'): flatten_mapping})
    for tag, method in SCALARS.items():
        loader.add_constructor(tag, _careful(getattr(base, method)))
    loader.add_constructor(TAG + 'binary', _binary)
    return loader


PythonLoader = _loader_class(yaml.SafeLoader)
Loader = _loader_class(getattr(yaml, 'CSafeLoader', yaml.SafeLoader))

# libyaml's loader recurses on the C stack: 30,000 levels were a segmentation fault with PyYAML 6.0, 40,000 with 3.10.
DEEPEST_FOR_C = 10000
# Up to here a line's length says enough about the levels in it.
SHORT_LINE = 1000


def _loader(raw):
    """The loader for a document: the fast one unless the document could nest deeper than that one bears."""
    try:
        text = raw.decode('utf-8')
    except UnicodeDecodeError:  # UTF-16 is YAML too
        return PythonLoader(raw)
    brackets = 2 * text.count('[') + text.count('{')  # [a: b] is a mapping in a sequence
    deepest = brackets + max([0] + [_deepest(line) for line in text.splitlines()])
    return (Loader if deepest < DEEPEST_FOR_C else PythonLoader)(raw)


def _deepest(line):
    """How many levels of block style can be open at the end of a line.

    The first token of a line closes every level that begins to the right of it;
    those that are left take a column each, and each that the line opens itself
    takes an indicator.  (A sequence may begin in its mapping's column: one level more, far from the limit.)
    """
    if len(line) < SHORT_LINE:
        return len(line)
    return len(line) - len(line.lstrip(' ')) + line.count('-') + line.count('?') + line.count(':')


def load(path, what='cannot read what Fuel published', todo='give the astute.yaml that Fuel wrote to the node'):
    # type: (str, str, str) -> tuple
    """A YAML file as (Section, warnings).

    :param path: the file
    :param what: the error's first words, for a file that Fuel did not write
    :param todo: what is to be done about it
    :returns: the top-level mapping, and a line for each key of network_scheme
        that stands twice with different values (YAML takes the last one, and
        Fuel 7.0 did write such files)
    :raises InputError: when the file cannot be read or is not YAML that is safe to load
    """
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
        raise InputError(what, where, ' '.join(part for part in (error.context, error.problem) if part), todo)
    except RuntimeError:  # Python's limit of recursion
        raise InputError(what, path, 'it is nested too deeply', todo)
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, MemoryError) as error:
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
                _duplicates_below(value, path, 'network_scheme', found, set())
    return found


def _duplicates_below(node, path, where, found, visited):
    if not isinstance(node, yaml.MappingNode) or id(node) in visited:
        return
    visited.add(id(node))
    seen = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag == TAG + 'merge':
            continue
        if key.value in seen and not _same(value, seen[key.value], set()):
            found.append('{0}, line {1}: {2} -> {3} stands twice with different values, the last one counts'.format(
                path, key.start_mark.line + 1, where, key.value))
        seen[key.value] = value
        _duplicates_below(value, path, '{0} -> {1}'.format(where, key.value), found, visited)


def _same(one, other, compared):
    """Whether two nodes mean the same; an alias in them may lead back to where it stands.

    :param compared: pairs of ids that are, or are being, compared: the first difference ends it all
    """
    pair = id(one), id(other)
    if one is other or pair in compared:
        return True
    compared.add(pair)
    if type(one) is not type(other) or one.tag != other.tag:
        return False
    if isinstance(one, yaml.ScalarNode):
        return one.value == other.value
    parts, others = _parts(one), _parts(other)
    return len(parts) == len(others) and all(_same(part, twin, compared) for part, twin in zip(parts, others))


def _parts(node):
    """The nodes right below a sequence, or a mapping: its keys and values in turn."""
    return [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else node.value
