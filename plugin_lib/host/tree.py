# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Attributes, folders and links below a root folder, as a machine has them or a folder that holds a copy.

Nothing here takes long to import: whoever looks again at what it has seen needs no more.
"""
from __future__ import absolute_import, print_function, unicode_literals

import os

from plugin_lib._compat import fs_path, to_text

# An attribute is at most one page (Linux Documentation/filesystems/sysfs.rst).
PAGE_SIZE = 4096


class AnyTree(object):
    """What every tree has, whatever its ``read(path)`` reads from."""

    def read_each(self, paths):
        # type: (list) -> list
        """The texts of several attributes.  EnvironmentError when one of them cannot be read."""
        return [self.read(path) for path in paths]

    def table(self, folder):
        # type: (str) -> list
        """(number, text) of every attribute in a folder whose name is a number, in order.

        EnvironmentError when one of them cannot be read: half a table says nothing.
        """
        found = numbers(self.names(folder))
        return list(zip(found, self.read_each(['{0}/{1}'.format(folder, number) for number in found])))


class Tree(AnyTree):
    """Reads attributes, folders and links.

    Paths are absolute below the root (``/sys/class/net/ib0/pkey``), and so are the paths in errors:
    a captured tree then fails with the words of the machine that it was captured on.

    Every method raises EnvironmentError with the kernel's errno and the path.

    :param root: the folder that stands for ``/``
    """

    def __init__(self, root='/'):
        # type: (str) -> None
        self._prefix = to_text(root).rstrip('/')

    def read(self, path):
        # type: (str) -> str
        """The text of an attribute without its last newline; one page at most."""
        try:
            descriptor = os.open(fs_path(self._prefix + path), os.O_RDONLY)
            try:
                data = os.read(descriptor, PAGE_SIZE)
            finally:
                os.close(descriptor)
        except EnvironmentError as error:
            raise below_root(error, path)
        return text_of(data)

    def names(self, path):
        # type: (str) -> list
        """The names in a folder, sorted."""
        try:
            return sorted(to_text(name) for name in os.listdir(fs_path(self._prefix + path)))
        except EnvironmentError as error:
            raise below_root(error, path)

    def link(self, path):
        # type: (str) -> str
        """The target of a symbolic link, as it is written in the link."""
        try:
            return to_text(os.readlink(fs_path(self._prefix + path)))
        except EnvironmentError as error:
            raise below_root(error, path)

    def exists(self, path):
        # type: (str) -> bool
        """Whether there is anything at ``path``; a link is followed."""
        return os.path.exists(fs_path(self._prefix + path))


def numbers(names):
    # type: (object) -> list
    """Those of ``names`` that are numbers, as such, in order.  Not str.isdigit: it takes what int() does not."""
    return sorted(int(name) for name in names if name and not name.strip('0123456789'))


def text_of(data):
    # type: (bytes) -> str
    """What was read from an attribute, without its last newline."""
    text = data.decode('utf-8', 'replace')
    return text[:-1] if text.endswith('\n') else text


def below_root(error, path):
    # type: (EnvironmentError, str) -> EnvironmentError
    """The same error, told of ``path``."""
    return EnvironmentError(error.errno, os.strerror(error.errno), path)
