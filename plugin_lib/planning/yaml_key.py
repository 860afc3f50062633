# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""One top-level key of a YAML file that others write to: read, replaced or removed, with every other line as it was."""
from __future__ import absolute_import, print_function, unicode_literals

import yaml

from plugin_lib._compat import text_type
from plugin_lib.errors import InputError
from plugin_lib.published.document import Loader
from plugin_lib.published.section import Sexagesimal


class _Dumper(yaml.SafeDumper):
    """Quotes what YAML 1.1 would take for a number in base 60: the bus_info 0000:03:00.0."""


_Dumper.add_representer(Sexagesimal, lambda dumper, value: dumper.represent_data(text_type(value)))


def get(text, key, path):
    # type: (str, str, str) -> object
    """The value below ``key``, None where there is none.

    :param text: of the file, None: there is no such file
    :param path: of the file, for messages
    :raises InputError: for what is no YAML mapping, or a value that is not safe to load
    """
    node = _find(_root(text, path), key)[1]
    if node is None:
        return None
    try:
        return Loader('').construct_document(node)
    except yaml.YAMLError as error:
        raise _refusal(path, error)


def put(text, key, value, path):
    # type: (str, str, object, str) -> str
    """``text`` with ``value`` below ``key``; None removes the key.

    :raises InputError: for a file that is not a mapping in block style
    """
    root = _root(text, path)
    lines = (text or '').splitlines(True)
    name, node = _find(root, key)
    block = '' if value is None else yaml.dump({key: value}, Dumper=_Dumper, default_flow_style=False)
    if root is None or not root.value:
        # Of an empty mapping, {} or ---, only the comments are kept.
        comments = ''.join(line for line in lines if line.startswith('#'))
        return comments + block
    if root.flow_style:
        raise InputError('cannot change a file of Hiera', path, 'it is a mapping in braces, not in lines',
                         'write it as lines of key: value')
    margin = ' ' * root.start_mark.column
    block = ''.join(margin + line for line in block.splitlines(True))
    if name is None:
        begin = end = _end_of(root, lines)
        if lines and begin == len(lines) and not lines[-1].endswith('\n'):
            block = '\n' + block if block else ''
    else:
        begin = name.start_mark.line
        end = next((other.start_mark.line for other, _ in root.value if other.start_mark.line > begin),
                   _end_of(root, lines))
        end = max(begin + 1, _without_comments(lines, begin, end))
        block = _of_first_line(lines[begin], name) + block
    result = ''.join(lines[:begin]) + block + ''.join(lines[end:])
    if get(result, key, path) != value:
        raise InputError('cannot change a file of Hiera', path, 'the lines of {0} cannot be told from others'.format(
            key), 'write it as lines of key: value')
    return result


def _of_first_line(line, name):
    """``---`` where the mapping begins in the same line."""
    return '' if not line[:name.start_mark.column].strip() else line[:name.start_mark.column].rstrip() + '\n'


def _end_of(root, lines):
    """The number of the line behind the mapping: the end of the file, or of its document."""
    for number in range(root.start_mark.line, len(lines)):
        if lines[number].rstrip() == '...':
            return number
    return len(lines)


def _without_comments(lines, begin, end):
    """``end`` without the comments and empty lines before it, which belong to what follows."""
    while end > begin and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith('#')):
        end -= 1
    return end


def _root(text, path):
    """The node of the top-level mapping; None of an empty file."""
    try:
        root = yaml.compose(text or '', Loader=Loader)
    except (yaml.YAMLError, ValueError) as error:
        raise _refusal(path, error)
    if root is None or isinstance(root, yaml.ScalarNode) and root.value in ('', 'null', '~'):
        return None
    if not isinstance(root, yaml.MappingNode):
        raise InputError('cannot change a file of Hiera', path, 'it holds no mapping', 'correct it, or remove it')
    return root


def _find(root, key):
    found = [pair for pair in (root.value if root is not None else ()) if pair[0].value == key]
    return found[-1] if found else (None, None)  # Ruby takes the last of two, too


def _refusal(path, error):
    mark = getattr(error, 'problem_mark', None)
    where = path if mark is None else '{0}, line {1}'.format(path, mark.line + 1)
    return InputError('cannot change a file of Hiera', where, getattr(error, 'problem', None) or 'it is not YAML',
                      'correct it: Hiera does not read it either')
