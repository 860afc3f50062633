# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Configuration files of the machine, below a root folder."""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import io
import os

from plugin_lib._compat import fs_path, to_text
from plugin_lib.errors import InputError
from plugin_lib.host.seen import SEEN


def read(root, path):
    # type: (str, str) -> str
    """The text of the file ``path`` below ``root``; None when there is no such file.

    :raises InputError: when it is there and cannot be read
    """
    place = os.path.join(root, path.lstrip('/'))
    try:
        with io.open(fs_path(place), encoding='utf-8', errors='replace') as stream:
            SEEN['file', place] = stream.read()
    except EnvironmentError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR):
            raise InputError('cannot read a configuration file', place, error.strerror, 'run as root')
        SEEN['file', place] = None
    return SEEN['file', place]


def names(root, folder):
    # type: (str, str) -> list
    """Paths of what is in ``folder`` below ``root``, as they are without the root; none where there is no folder."""
    place = os.path.join(root, folder.lstrip('/'))
    found = os.listdir(fs_path(place)) if os.path.isdir(fs_path(place)) else ()
    SEEN['folder', place] = sorted('{0}/{1}'.format(folder, to_text(name)) for name in found)
    return SEEN['folder', place]


def unwritable(root, paths):
    # type: (str, list) -> list
    """InputErrors about those of the files, where they are there, that cannot be replaced: in a folder that is mounted
    read-only, say.
    """
    places = [os.path.join(root, path.lstrip('/')) for path in sorted(paths)]
    return [InputError('a configuration file that is to be changed cannot be', place,
                       'nothing can be written to its folder', 'make it writable, then run again')
            for place in places
            if os.path.exists(fs_path(place)) and not os.access(fs_path(os.path.dirname(place)), os.W_OK)]


def others(root, path):
    # type: (str, str) -> dict
    """{path: text} of the files beside the one at ``path`` whose names end like its.

    :raises InputError: when one is there and cannot be read
    """
    suffix = os.path.splitext(path)[1]
    return dict((other, read(root, other) or '') for other in names(root, os.path.dirname(path))
                if other != path and other.endswith(suffix))
