# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""OpenSM's partitions.conf, read the way OpenSM reads it, with a remark wherever that is not what was meant.

Every rule is OpenSM 3.3.23's, and tests/functional/test_partition_file.py holds this module to it.  It is lenient in
ways that surprise (a word that is cut short is the whole word, so that no word at all is the first of them), and
strict in others: one line that it cannot parse, and it gives every port the default P_Key alone.
"""
from __future__ import absolute_import, print_function, unicode_literals

import re
from collections import namedtuple

from plugin_lib._compat import quoted
from plugin_lib.pkey import KEY_MASK

# What OpenSM reads at once; the rest of a longer line is a line of its own.
LONGEST_LINE = 4094
EVERYBODY = ('ALL', 'ALL_CAS', 'ALL_SWITCHES', 'ALL_ROUTERS', 'SELF')
MEMBERSHIPS = ('full', 'both', 'limited')
# In the order in which OpenSM tries them.
FLAGS = ('mtu', 'rate', 'scope', 'Q_Key', 'TClass', 'sl', 'FlowLabel', 'ipoib', 'defmember', 'indx0')
# InfiniBand Architecture Specification volume 1, 15.2.5.17 (MCMemberRecord): codes of MTUs and rates.
MTU_CODES = frozenset(range(1, 6))
RATE_CODES = frozenset(range(2, 23))

BLANKS = ' \t\n'
# strtoull(3) with base 0, after which nothing may follow.
_NUMBER = re.compile('^[ \t\n\v\f\r]*([+-]?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]*))\\Z')
_LEADING_NUMBER = re.compile('^(?:0[xX][0-9a-fA-F]+|[0-9]*)')
_LARGEST = 0xffffffffffffffff
_MULTICAST = re.compile('^[fF][fF][0-9a-fA-F]{2}:[0-9a-fA-F:.]+\\Z')


class Remark(namedtuple('Remark', 'line is_fatal text')):
    """What OpenSM makes of a line that its author hardly meant.

    :param line: its number, from 1
    :param is_fatal: whether OpenSM drops the whole file for it
    """

    __slots__ = ()

    def __str__(self):
        return str('line {0}: {1}'.format(self.line, self.text))


class Member(namedtuple('Member', 'line who membership')):
    """Whom a definition makes a member: one of EVERYBODY or a port GUID, and one of MEMBERSHIPS."""

    __slots__ = ()


class Definition(namedtuple('Definition', 'line name key ipoib values membership members')):
    """A partition, or a part of one: definitions with the same key add up.

    :param name: its bytes, a character each; None where there is only a key
    :param key: 15 bits; 0 is the key of an earlier partition of that name, else the first free one
    :param values: {'mtu' or 'rate': its code}, as far as they are given, None: there will be no broadcast group
    :param membership: of members for which none is given
    :param members: list of Members
    """

    __slots__ = ()

    @property
    def title(self):
        # type: () -> str
        """The name for people, empty without one."""
        return (self.name or '').encode('latin-1').decode('utf-8', 'replace')


class PartitionFile(namedtuple('PartitionFile', 'definitions remarks is_open')):
    """A file as OpenSM reads it.

    :param definitions: list of Definitions, in their order
    :param remarks: list of Remarks
    :param is_open: whether what is appended becomes a part of the last definition
    """

    __slots__ = ()

    @property
    def is_dropped(self):
        # type: () -> bool
        """Whether OpenSM drops the file: then every port has the default P_Key, as a full member, and no other."""
        return not self.definitions or any(remark.is_fatal for remark in self.remarks)


class _Unreadable(Exception):
    """What OpenSM cannot parse."""


def parse(text):
    # type: (str) -> PartitionFile
    """The file of this text; there is no text that cannot be read, see :attr:`PartitionFile.is_dropped`."""
    definitions, remarks, current = [], [], None
    for number, line in _lines(text, remarks):
        try:
            current = _read_line(number, line, current, definitions, remarks)
        except _Unreadable as error:
            remarks.append(Remark(number, True, '{0}: OpenSM drops the whole file'.format(error.args[0])))
            current = None
    if current:
        definitions.append(current)
        remarks.append(Remark(current.line, False, 'the definition has no ; at its end: whatever follows becomes part '
                                                   'of it'))
    if not definitions and not remarks:
        remarks.append(Remark(1, True, 'no partition is defined: OpenSM drops the whole file'))
    return PartitionFile(definitions, remarks, current is not None)


def number_of(text):
    # type: (str) -> int
    """The number as C reads it (0x.., octal after a 0, negative ones from the top), None when it is none."""
    match = _NUMBER.match(text)
    if not match:
        return None
    sign, hexadecimal, octal, decimal = match.groups()
    value = int(hexadecimal, 16) if hexadecimal else int(octal, 8) if octal else int(decimal)
    if value > _LARGEST:
        return _LARGEST
    return -value & _LARGEST if sign == '-' else value


def _lines(text, remarks):
    """(number, what OpenSM looks at) for each piece that it reads: without what follows a NUL or a #."""
    # A character for each byte: OpenSM counts those.
    for number, line in enumerate(text.encode('utf-8').decode('latin-1').split('\n'), 1):
        if len(line) > LONGEST_LINE:
            remarks.append(Remark(number, False, 'it has more than {0} characters: OpenSM takes the rest for another '
                                                 'line'.format(LONGEST_LINE)))
        if '\0' in line:
            remarks.append(Remark(number, False, 'it holds a NUL: OpenSM does not look behind it'))
        if '\r' in line.partition('#')[0]:
            remarks.append(Remark(number, False, 'it holds a carriage return (a line end of Windows?), which is not '
                                                 'blank to OpenSM'))
        for start in range(0, max(len(line), 1), LONGEST_LINE):
            yield number, line[start:start + LONGEST_LINE].partition('\0')[0].partition('#')[0]


def _read_line(number, line, current, definitions, remarks):
    """Read a line into ``definitions``; returns the Definition that it leaves open, or None."""
    line = line.lstrip(BLANKS)
    while line:
        part, end, line = line.partition(';')
        line = line.lstrip(BLANKS)
        if not part:
            raise _Unreadable('a ; with nothing before it on its line')
        if current is None:
            header, colon, part = part.partition(':')
            if not colon:
                raise _Unreadable('no : after {0}'.format(quoted(header.strip(BLANKS))))
            current = _header(number, header, remarks)
        current.members.extend(_members(number, part, current.membership, remarks))
        if end:
            definitions.append(current)
            current = None
    return current


def _token(text):
    """(name, value or None) of ``name = value``."""
    name, equals, value = text.partition('=')
    return name.strip(BLANKS), value.strip(BLANKS) if equals else None


def _whole(start, words):
    """The first of the words that begins so, None when none does."""
    for word in words:
        if word.startswith(start):
            return word
    return None


def _header(number, text, remarks):
    """The Definition, still without members, of what stands before the colon."""
    tokens = [_token(part) for part in text.split(',')]
    name, key = tokens[0]
    if key is None and '0' <= name[:1] <= '9':
        name, key = None, name
    value = 0 if key is None else number_of(key)
    if value is None:
        raise _Unreadable('{0} is not a P_Key'.format(quoted(key)))
    if key is not None and not value & KEY_MASK:
        remarks.append(Remark(number, False, 'P_Key {0} is none: OpenSM takes the partition of that name, or the first '
                                             'free key from 0x0001 on'.format(key)))
    elif key is None:
        remarks.append(Remark(number, False, 'no P_Key for {0}: OpenSM takes the partition of that name, or the first '
                                             'free key from 0x0001 on'.format(quoted(name))))
    elif value > 0xffff:
        remarks.append(Remark(number, False, '{0} has more than 16 bits: OpenSM takes it for 0x{1:04x}'.format(
            key, value & KEY_MASK)))
    elif not key.lower().startswith('0x') and key.startswith('0'):
        remarks.append(Remark(number, False, '{0} is octal: OpenSM takes it for 0x{1:04x}'.format(
            key, value & KEY_MASK)))
    return Definition(number, name, value & KEY_MASK, *_flags(number, tokens[1:], remarks), members=[])


def _flags(number, tokens, remarks):
    """What a Definition has as ``ipoib``, ``values`` and ``membership``."""
    ipoib, values, membership = False, {}, 'limited'
    for name, value in tokens:
        flag = _whole(name, FLAGS)
        if flag is None:
            remarks.append(Remark(number, False, 'flag {0} is unknown and ignored{1}'.format(
                quoted(name), ': without ipoib, IPoIB gets no broadcast group' if name.startswith('ip') else '')))
            continue
        if flag != name:
            remarks.append(Remark(number, False, 'flag {0} is read as {1}'.format(quoted(name), flag)))
        if flag == 'ipoib':
            ipoib = True
        elif flag == 'defmember':
            membership = _default_membership(number, value, membership, remarks)
        elif flag in ('mtu', 'rate'):
            _group_value(number, flag, value, values, remarks)
    return ipoib, values, membership


def _group_value(number, flag, value, values, remarks):
    if value is None:
        remarks.append(Remark(number, False, '{0} has no value and is ignored'.format(flag)))
        return
    code = number_of(_LEADING_NUMBER.match(value).group())  # what follows a number is ignored
    values[flag] = code if code in (MTU_CODES if flag == 'mtu' else RATE_CODES) else None
    if values[flag] is None:
        remarks.append(Remark(number, False, '{0}={1} is no code of InfiniBand: there will be no broadcast group, and '
                                             'IPoIB stays down'.format(flag, quoted(value))))
    elif code != number_of(value):
        remarks.append(Remark(number, False, '{0}={1} is read as {2}'.format(flag, quoted(value), code)))


def _default_membership(number, value, before, remarks):
    # An empty value passes OpenSM's test, and is then the beginning of "full".
    found = None if value is None else _whole(value, MEMBERSHIPS)
    if found is None:
        remarks.append(Remark(number, False, 'defmember {0} is ignored: members are {1}'.format(
            '' if value is None else quoted(value), before)))
        return before
    if found != value:
        remarks.append(Remark(number, False, 'defmember {0} is read as {1}'.format(quoted(value), found)))
    return found


def _members(number, text, default, remarks):
    """The Members of a list, or of a part of it."""
    found = []
    tokens = text.split(',')
    for index, (name, value) in enumerate(_token(part) for part in tokens):
        if name == 'mgid':
            _group(number, value, tokens[index + 1:])
            break
        if 'NONE'.startswith(name):
            if name not in ('', 'NONE'):
                remarks.append(Remark(number, False, '{0} is read as NONE'.format(quoted(name))))
            continue
        found.append(Member(number, _who(number, name, remarks), _membership(number, name, value, default, remarks)))
    return found


def _group(number, mgid, more):
    """A multicast group: the rest of the list are its flags."""
    if mgid is None:
        raise _Unreadable('mgid without a value, of which OpenSM dies')
    if not _MULTICAST.match(mgid) and more:
        raise _Unreadable('{0} is not a multicast address'.format(quoted(mgid)))


def _who(number, name, remarks):
    who = _whole(name, EVERYBODY)
    if who is not None:
        if who != name:
            remarks.append(Remark(number, False, '{0} is read as {1}'.format(quoted(name), who)))
        return who
    guid = number_of(name)
    if not guid:
        raise _Unreadable('{0} is neither a port GUID nor one of {1}'.format(quoted(name), ', '.join(EVERYBODY)))
    if not name.lower().startswith('0x'):
        remarks.append(Remark(number, False, '{0} without 0x is read as 0x{1:016x}'.format(name, guid)))
    return guid


def _membership(number, name, value, default, remarks):
    if value is None:
        return default
    found = _whole(value, MEMBERSHIPS[:2]) or 'limited'
    if found != value:
        remarks.append(Remark(number, False, '{0} is read as {1}'.format(quoted(name + '=' + value), found)))
    return found
