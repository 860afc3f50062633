# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""From the text that a file has to the one that it is to have."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib.planning.operations import RemoveFile, WriteFile

MODE = 0o644


def rewritten(path, current, wanted):
    # type: (str, str, str) -> tuple
    """The operations after which a file has the text ``wanted``.

    A file that is new gets MODE, one that is there keeps its own.

    :param current: its text now; None, as in ``wanted``: there is no such file
    """
    if wanted == current:
        return ()
    if wanted is None:
        return (RemoveFile(path, current, MODE),)
    return (WriteFile(path, wanted, MODE if current is None else None, current),)
