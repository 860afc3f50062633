# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The nodes that the modelled sysfs is made of, and how a path finds one.

kernfs semantics (facts: fs/kernfs, observed): an attribute without show()
gives EACCES on read even to root, one without store() likewise on write; a
missing name gives ENOENT, a name below a file ENOTDIR.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import os

from plugin_lib.host.tree import AnyTree


def refuse(number, path=None):
    # type: (int, str) -> None
    """Raise the OSError that the system call would give."""
    raise OSError(number, os.strerror(number), path)


class Attribute(object):
    """A file: ``show()`` gives its text with the trailing newline, ``store(text)`` takes a write."""

    kind = 'file'

    def __init__(self, show=None, store=None):
        self.show = show
        self.store = store

    @property
    def mode(self):
        # type: () -> int
        """Permission bits, as the driver's DEVICE_ATTR would declare them."""
        return (0o444 if self.show else 0) | (0o200 if self.store else 0)


class Link(object):
    """A symbolic link."""

    kind = 'link'
    mode = 0o777

    def __init__(self, target):
        self.target = target


class Folder(object):
    """A folder whose entries are made when somebody looks: ``names()`` and ``get(name)`` (None: no such entry).

    :param texts: of one with many attributes that can all be read, ``texts()`` -> {name: what it shows}
    """

    kind = 'dir'
    mode = 0o755

    def __init__(self, names, get, texts=dict):
        self.names = names
        self.get = get
        self.texts = texts

    @classmethod
    def of(cls, entries):
        # type: (dict) -> Folder
        """A folder of the nodes in a dictionary."""
        return cls(lambda: list(entries), entries.get)


class Tree(AnyTree):
    """The reading and writing side of a tree of nodes, with absolute paths such as ``/sys/class/net``.

    It has the methods of a Source's ``tree`` (``read``, ``names``, ``link``,
    ``exists``); failures raise OSError with the kernel's errno and the path.
    """

    def __init__(self, root):
        # type: (Folder) -> None
        self._root = root

    def node(self, path):
        # type: (str) -> object
        """The node at ``path``; links are not followed.  ENOENT and ENOTDIR as the kernel gives them."""
        node = self._root
        for name in path.strip('/').split('/'):
            if not isinstance(node, Folder):
                refuse(errno.ENOTDIR, path)
            node = node.get(name)
            if node is None:
                refuse(errno.ENOENT, path)
        return node

    def exists(self, path):
        # type: (str) -> bool
        try:
            self.node(path)
        except OSError:
            return False
        return True

    def names(self, path):
        # type: (str) -> list
        node = self.node(path)
        if not isinstance(node, Folder):
            refuse(errno.ENOTDIR, path)
        return sorted(node.names())

    def link(self, path):
        # type: (str) -> str
        node = self.node(path)
        if not isinstance(node, Link):
            refuse(errno.EINVAL, path)
        return node.target

    def _attribute(self, path):
        node = self.node(path)
        if not isinstance(node, Attribute):
            refuse(errno.EISDIR, path)  # every link of this tree leads to a folder
        return node

    def show(self, path):
        # type: (str) -> str
        """What one read() of the attribute gives, the trailing newline included."""
        return _shown(self._attribute(path), path)

    def read(self, path):
        # type: (str) -> str
        return _text(self._attribute(path), path)

    def read_each(self, paths):
        # type: (list) -> list
        texts, known = [], {}  # the kernel looks up its names in a cache, too
        for path in paths:
            place, _, name = path.rpartition('/')
            if place not in known:
                folder = self.node(place)
                known[place] = folder, folder.texts() if isinstance(folder, Folder) else {}
            folder, shown = known[place]
            if name in shown:
                texts.append(shown[name].rstrip('\n'))
                continue
            attribute = folder.get(name) if isinstance(folder, Folder) else None
            texts.append(_text(attribute, path) if isinstance(attribute, Attribute) else self.read(path))
        return texts

    def store(self, path, text):
        # type: (str, str) -> None
        """One write() of ``text`` to the attribute."""
        node = self._attribute(path)
        if node.store is None:
            refuse(errno.EACCES, path)
        if not text:
            return  # sysfs does not bother the driver
        try:
            node.store(text)
        except OSError as error:
            refuse(error.errno, path)


def _shown(attribute, path):
    if attribute.show is None:
        refuse(errno.EACCES, path)
    try:
        return attribute.show()
    except OSError as error:
        refuse(error.errno, path)


def _text(attribute, path):
    text = _shown(attribute, path)
    return text[:-1] if text.endswith('\n') else text
