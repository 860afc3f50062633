# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Our partitions in an operator's file: between two marks everything is ours, and nothing else is touched."""
from __future__ import absolute_import, print_function, unicode_literals

import difflib

from plugin_lib.errors import InputError
from plugin_lib.pkey import DEFAULT_KEY
from plugin_lib.subnet_manager import partition_file, remarks
from plugin_lib.subnet_manager.tables import groups, keyed

BEGIN = "# BEGIN fuel-infiniband: what stands up to END is replaced by 'fuel-infiniband partitions'"
END = '# END fuel-infiniband'

WHAT = 'cannot put the partitions into the file'


def merged(text, path, partitions, our_lines, default_line):
    # type: (str, str, list, list, str) -> str
    """The text of the file with our partitions in the place of those from before.

    :param text: of the file as it is, empty where there is none
    :param path: of the file, for messages
    :param partitions: needs.Partitions
    :param our_lines: what generate makes of them
    :param default_line: the line of the default partition, for a file that has none; None: never
    :raises InputError: when the result would not mean what is wanted, with every reason
    """
    head, ours, tail = _split(text, path)
    # Blank lines in place of ours: the others keep their numbers.
    theirs = partition_file.parse('\n'.join(head + [''] * len(ours) + tail))
    defined = keyed(theirs.definitions)
    problems = [str(remark) for remark in theirs.remarks if remark.is_fatal] if _holds_something(head + tail) else []
    before = partition_file.parse('\n'.join(head))
    if not problems and before.is_open:
        problems.append('line {0}: the definition has no ; at its end, ours would become part of it'.format(
            before.definitions[-1].line))
    problems += _clashes(defined, partitions)
    if default_line and not any(key == DEFAULT_KEY for key, _ in defined):
        our_lines = [default_line] + our_lines
    result = '\n'.join(head + [BEGIN] + our_lines + [END] + tail) + '\n'
    if not problems:
        problems = [remark.text for remark in remarks.overfull(partition_file.parse(result))]
    if problems:
        raise InputError(WHAT, path, '\n'.join(problems), 'correct the file; nothing was written')
    return result


def difference(before, after, path):
    # type: (str, str, str) -> str
    """The unified diff, empty where nothing changes."""
    return ''.join(line + '\n' for line in difflib.unified_diff(
        before.split('\n')[:-1], after.split('\n')[:-1], path, path + ' (new)', lineterm=''))


def needs_restart(before, after):
    # type: (str, str) -> bool
    """Whether OpenSM has to be restarted, not only told: it keeps the MTU and rate of the groups that it has."""
    old, new = (groups(partition_file.parse(text)) for text in (before, after))
    return any(key in new and new[key] != codes for key, codes in old.items())


def _split(text, path):
    """(lines before ours, ours with their marks, lines after them)."""
    lines = text.split('\n')
    if not lines[-1]:
        lines.pop()
    begins = [index for index, line in enumerate(lines) if line.startswith(BEGIN.partition(':')[0])]
    ends = [index for index, line in enumerate(lines) if line.startswith(END)]
    if not begins and not ends:
        return lines, [], []
    if len(begins) != 1 or len(ends) != 1 or begins[0] > ends[0]:
        raise InputError(WHAT, path, 'lines {0}: expected one mark BEGIN fuel-infiniband and one END after it'.format(
            ', '.join('{0}'.format(index + 1) for index in sorted(begins + ends))),
            'mend the marks, or remove them with all that is between them')
    return lines[:begins[0]], lines[begins[0]:ends[0] + 1], lines[ends[0] + 1:]


def _holds_something(lines):
    return any(line.partition('#')[0].strip(partition_file.BLANKS) for line in lines)


def _clashes(defined, partitions):
    ours = set(partition.vlan for partition in partitions)
    return ['line {0}: P_Key 0x{1:04x} is that of {2}, VLAN {1} would be joined with it'.format(
        definition.line, key, definition.title or 'another partition') for key, definition in defined if key in ours]
