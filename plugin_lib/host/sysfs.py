# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Attributes of the kernel's /sys, read below a root folder."""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import fcntl
import os
import re

from plugin_lib._compat import read_each_from_start, read_from_start, to_text
from plugin_lib.host.tree import PAGE_SIZE, Tree, below_root, text_of

# The tables of four ports; the usual limit is 1024.
MOST_OPEN = 512

_INTERFACE_NAME = re.compile(r'^[A-Za-z0-9_.-]{1,15}\Z')


def is_interface_name(name):
    # type: (str) -> bool
    """Whether ``name`` may enter a path.

    The kernel allows more than this (any byte but ``/``, ``:`` and white space); such interfaces are not ours.
    """
    return bool(_INTERFACE_NAME.match(name)) and name not in ('.', '..')


class LiveTree(Tree):
    """The running kernel's, which is read again and again: P_Key tables make most of what is read, and opening an
    attribute takes the kernel several times as long as reading it, so their files stay open.  Python in turn takes
    several times as long to ask for one: a table that reads as before is not looked at entry by entry.
    """

    def __init__(self):
        # type: () -> None
        super(LiveTree, self).__init__()
        self._open = {}  # {path: descriptor}
        self._tables = {}  # {path of the first entry: (what was read, as texts)}

    def __del__(self, close=os.close):  # an argument: when the interpreter ends the module may be gone already
        for descriptor in self._open.values():
            close(descriptor)

    def read_each(self, paths):
        # type: (list) -> list
        try:
            data = read_each_from_start([self._open[path] for path in paths], PAGE_SIZE)
        except (EnvironmentError, KeyError):  # one after the other tells which
            return super(LiveTree, self).read_each(paths)
        if not paths:
            return []
        known, texts = self._tables.get(paths[0], (None, None))
        if data != known:
            texts = [text_of(entry) for entry in data]
            self._tables[paths[0]] = data, texts
        return texts

    def read(self, path):
        # type: (str) -> str
        descriptor = self._open.get(path)
        if descriptor is not None:
            try:
                return text_of(read_from_start(descriptor, PAGE_SIZE))
            except EnvironmentError:  # the HCA has gone, and another may be there under its name
                os.close(self._open.pop(path))
        if '/pkeys/' not in path or len(self._open) >= MOST_OPEN:
            return super(LiveTree, self).read(path)
        try:
            descriptor = os.open(path, os.O_RDONLY)
            fcntl.fcntl(descriptor, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
            self._open[path] = descriptor
            return text_of(os.read(descriptor, PAGE_SIZE))
        except EnvironmentError as error:
            raise below_root(error, path)


class Reader(object):
    """Reads what may be missing or broken: the answer is then None, and what is broken becomes a line in ``problems``.

    What is not there is no problem: another driver or kernel has other attributes, and interfaces and HCAs may go at
    any moment.

    :param tree: a source's tree
    """

    def __init__(self, tree):
        # type: (Tree) -> None
        self.tree = tree
        self.problems = []

    def read(self, path):
        # type: (str) -> str
        return self._try(self.tree.read, path)

    def names(self, path):
        # type: (str) -> list
        return self._try(self.tree.names, path)

    def table(self, folder):
        # type: (str) -> list
        """See :meth:`plugin_lib.host.tree.AnyTree.table`."""
        return self._try(self.tree.table, folder)

    def link_name(self, path):
        # type: (str) -> str
        """The last part of a link's target: a device's link leads to its PCI address."""
        target = self._try(self.tree.link, path)
        return None if target is None else target.rpartition('/')[2]

    def _try(self, ask, path):
        try:
            return ask(path)
        except EnvironmentError as error:
            if error.errno not in (errno.ENOENT, errno.ENODEV):
                self.problems.append(problem_of(error))
            return None


def problem_of(error):
    # type: (EnvironmentError) -> str
    return '{0}: {1}'.format(to_text(error.filename), error.strerror)
