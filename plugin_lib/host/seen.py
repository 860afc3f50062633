# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What this process has looked at: a hook that found nothing to do need not look again while it stays the same."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib.host.tree import AnyTree

# {(how, path): answer}: ``file`` and ``folder`` are looks of host.files, the others methods of a tree.
SEEN = {}


class Noted(AnyTree):
    """A tree of which every answer is noted; the errno where it was an error.

    :param tree: the tree that answers
    """

    def __init__(self, tree):
        # type: (object) -> None
        self._tree = tree

    def read(self, path):
        # type: (str) -> str
        return self._note('read', path)

    def names(self, path):
        # type: (str) -> list
        return self._note('names', path)

    def link(self, path):
        # type: (str) -> str
        return self._note('link', path)

    def table(self, folder):
        # type: (str) -> list
        return self._note('table', folder)

    def _note(self, how, path):
        try:
            SEEN[how, path] = getattr(self._tree, how)(path)
        except EnvironmentError as error:
            SEEN[how, path] = error.errno
            raise
        return SEEN[how, path]


def again(tree, how, path):
    # type: (object, str, str) -> object
    """What a Noted tree would note now."""
    try:
        return getattr(tree, how)(path)
    except EnvironmentError as error:
        return error.errno
