# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Changes of an OpenStack service's configuration file that keep its comments and order, and can be taken back.

The syntax is oslo.config's (its iniparser.py): ``[section]``, ``name = value`` or ``name: value``, indented lines that
go on with a value, comments with # or ; in the first column.

What we change is marked in the file itself, so that one atomic write is the change and the memory of it::

    # fuel-infiniband set: iscsi_protocol = iser
    # fuel-infiniband was: iscsi_protocol=iscsi
    iscsi_protocol = iser

A marked line that someone else has changed since is theirs, and stays.  A list keeps what others added to it::

    # fuel-infiniband set: mechanism_drivers = openvswitch,sriovnicswitch
    # fuel-infiniband was: mechanism_drivers=openvswitch
    # fuel-infiniband item: sriovnicswitch
    mechanism_drivers = openvswitch,sriovnicswitch
"""
from __future__ import absolute_import, print_function, unicode_literals

import re
from collections import namedtuple

from plugin_lib.errors import InputError

_MARKS = tuple('# fuel-infiniband {0}: '.format(word) for word in ('set', 'was', 'item'))

_ASSIGNMENT = re.compile(r'^([^=:]*)[=:](.*)$')


class Set(namedtuple('Set', 'section name value')):
    """An option has this value."""

    __slots__ = ()


class Add(namedtuple('Add', 'section name value')):
    """An option that may stand several times (oslo.config's MultiStrOpt) has this value beside its others."""

    __slots__ = ()


class Append(namedtuple('Append', 'section name item default')):
    """An option that is a list with commas holds this item.

    :param default: tuple of the service's default items, which count where the file does not have the option
    """

    __slots__ = ()


def edit(text, changes, path):
    # type: (str, tuple, str) -> str
    """``text`` with these ``changes``, and without those of ours that are not among them.

    So ``edit(text, (), path)`` is the text as it was before we came, and doing it twice is doing it once.

    :param text: of the file
    :param changes: tuple of Set, Add and Append; values of one line
    :param path: of the file, for messages
    :raises InputError: naming every line that oslo.config would refuse too
    """
    blocks = _parse(_text(_without_ours(_parse(text, path))), path)
    for change in changes:
        _DO[type(change)](blocks, change)
    edited = _text(blocks)
    # Ours again, below what others have added since: no reason to write it, nor for a service to start anew.
    return text if _lines_of_sections(edited, path) == _lines_of_sections(text, path) else edited


def problems(texts):
    # type: (dict) -> list
    """InputErrors, as of :func:`edit`, about those of {path: text, None without a file} that cannot be edited."""
    found = []
    for path in sorted(path for path in texts if texts[path] is not None):
        try:
            _parse(texts[path], path)
        except InputError as error:
            found.append(error)
    return found


def values(text, section, name, path):
    # type: (str, str, str, str) -> list
    """The values of an option, in order; of one that takes a single value the last counts.

    :raises InputError: as :func:`edit`
    """
    return [block.value for block in _parse(text, path) if block.is_option(section, name)]


def sections(text, path):
    # type: (str, str) -> list
    """The names of the sections, in order.

    :raises InputError: as :func:`edit`
    """
    return [block.section for block in _parse(text, path) if block.is_header]


class _Block(object):
    """Lines that belong together: an option, a section's header, a comment or an empty line.

    :param section: that it stands in, or opens
    :param name: of an option, else None
    """

    def __init__(self, section, name, lines, is_header=False):
        self.section = section
        self.name = name
        self.lines = lines
        self.is_header = is_header
        self.was = None  # the lines before we changed them, none where there were none
        self.items = []

    @property
    def value(self):
        """The value as oslo.config takes it."""
        lines = [_ASSIGNMENT.match(self.lines[0]).group(2)] + self.lines[1:]
        value = '\n'.join(line.strip() for line in lines)
        if len(value) > 1 and value[0] == value[-1] and value[0] in '"\'':
            return value[1:-1]
        return value

    def is_option(self, section, name):
        return self.name == name and self.section == section

    def change(self, lines):
        self.was = self.lines if self.was is None else self.was
        self.lines = lines

    def marks(self):
        if self.was is None:
            return []
        return [mark + text for mark, texts in zip(_MARKS, (self.lines, self.was, self.items)) for text in texts]


def _parse(text, path):
    blocks, problems, section = [], [], None
    for number, line in enumerate(text.split('\n'), 1):
        assignment = _ASSIGNMENT.match(line)
        if not line.strip() or line[0] in '#;':
            blocks.append(_Block(section, None, [line]))
        elif line[0] in ' \t':
            if blocks and blocks[-1].name:
                blocks[-1].lines.append(line)
            else:
                problems.append((number, 'goes on with an option, and there is none above it'))
        elif line[0] == '[':
            section = line.rstrip()[1:-1]
            blocks.append(_Block(section, None, [line], is_header=True))
            if not section or line.rstrip()[-1] != ']':
                problems.append((number, 'is no [section]'))
        elif not assignment or not assignment.group(1).strip():
            problems.append((number, 'is no option = value'))
        elif section is None:
            problems.append((number, 'is an option in no [section]'))
        else:
            blocks.append(_Block(section, assignment.group(1).strip(), [line]))
    if problems:
        raise InputError('cannot edit a configuration file', path,
                         '; '.join('line {0} {1}'.format(number, why) for number, why in problems),
                         'correct the file: the service that reads it refuses it too')
    return blocks


def _text(blocks):
    return '\n'.join(line for block in blocks for line in block.marks() + block.lines)


def _lines_of_sections(text, path):
    return sorted((block.section or '', line) for block in _parse(text, path) for line in block.lines)


def _without_ours(blocks):
    """The blocks as they were before we changed them, but for what others changed since."""
    kept, marks, headers = [], [], []
    for block in blocks:
        if block.lines[0].startswith(_MARKS):
            marks.append(block.lines[0])
            continue
        ours, was, items = ([line[len(mark):] for line in marks if line.startswith(mark)] for mark in _MARKS)
        if block.lines == ours and block.is_header:
            headers.append(block)
        elif block.lines == ours:
            block.lines = was
        elif items and block.name:
            block.lines = _without_items(block.lines, items)
        marks = []
        kept.append(block)
    for header in headers:
        if not any(block.name and block.lines and block.section == header.section for block in kept):
            kept.remove(header)
    return kept


def _without_items(lines, items):
    text = '\n'.join(lines)
    for item in items:
        text = re.sub(r',\s*{0}(?=\s*(,|\Z))|(?<=[=:,\s]){0}\s*(,|\Z)'.format(re.escape(item)), '', text, count=1)
    return text.split('\n')


def _set(blocks, change):
    found = _found(blocks, change)
    if not found:
        _insert(blocks, change, change.value)
    elif found[-1].value != change.value:
        found[-1].change(_lines(change, change.value))


def _add(blocks, change):
    if change.value not in [block.value for block in _found(blocks, change)]:
        _insert(blocks, change, change.value)


def _append(blocks, change):
    found = _found(blocks, change)
    if not found:
        _insert(blocks, change, ','.join(change.default + (change.item,)))
        return
    block = found[-1]
    items = [item.strip() for item in block.value.split(',')]
    if change.item not in items:
        block.change(_lines(change, ','.join(items + [change.item] if block.value else [change.item])))
        block.items.append(change.item)


_DO = {Set: _set, Add: _add, Append: _append}


def _found(blocks, change):
    return [block for block in blocks if block.is_option(change.section, change.name)]


def _lines(change, value):
    return '{0} = {1}'.format(change.name, value).replace('\n', '\n  ').split('\n')


def _insert(blocks, change, value):
    """One more line: below the last of the same option, else at the end of the options of its section."""
    there = [index for index, block in enumerate(blocks) if block.section == change.section]
    options = [index for index in there if blocks[index].name]
    headers = [index for index in there if blocks[index].is_header]
    same = [index for index in options if blocks[index].name == change.name]
    if not there:
        headers = [len(blocks) - 1 if blocks[-1].lines == [''] else len(blocks)]  # what follows the last newline
        blocks.insert(headers[0], _new(_Block(change.section, None, ['[{0}]'.format(change.section)], is_header=True)))
    at = max(same or options or headers) + 1
    blocks.insert(at, _new(_Block(change.section, change.name, _lines(change, value))))


def _new(block):
    block.was = []
    return block
