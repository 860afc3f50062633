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
    """The text of the file ``path`` below ``root`` with its line ends as they are; None when there is no such file.

    What is not UTF-8 is replaced; :func:`unwritable` tells of files that for that reason must not be written again.

    :raises InputError: when it is there and cannot be read
    """
    place = os.path.join(root, path.lstrip('/'))
    try:
        with io.open(fs_path(place), encoding='utf-8', errors='replace', newline='') as stream:
            SEEN['file', place] = stream.read()
    except EnvironmentError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR):
            raise InputError('cannot read a configuration file', place, error.strerror, 'run as root')
        SEEN['file', place] = None
    return SEEN['file', place]


def names(root, folder):
    # type: (str, str) -> list
    """Paths of what is in ``folder`` below ``root``, as they are without the root; none where there is no folder.

    :raises InputError: when it is there and cannot be read
    """
    place = os.path.join(root, folder.lstrip('/'))
    try:
        found = os.listdir(fs_path(place))
    except EnvironmentError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR):
            raise InputError('cannot look into a folder', place, error.strerror, 'run as root')
        found = ()
    SEEN['folder', place] = sorted('{0}/{1}'.format(folder, to_text(name)) for name in found)
    return SEEN['folder', place]


def unwritable(root, paths):
    # type: (str, list) -> list
    """InputErrors about those of the files that cannot be replaced, made or removed, or not without harm."""
    places = [os.path.join(root, path.lstrip('/')) for path in sorted(paths)]
    obstacles = [(place, _obstacle(fs_path(place))) for place in places]
    return [InputError('cannot change a configuration file', place, found[0], found[1] + '; nothing was changed')
            for place, found in obstacles if found]


def _obstacle(place):
    """(why a file cannot be changed, what to do about that), None where it can."""
    folder = os.path.dirname(place)
    while not os.path.exists(folder):
        folder = os.path.dirname(folder)
    if not os.access(folder, os.W_OK) or os.path.exists(place) and not os.access(place, os.W_OK):
        return 'it cannot be written, not even by root', 'mount its file system for writing, or see lsattr'
    if not os.path.isfile(place):
        return None
    with io.open(place, 'rb') as stream:
        raw = stream.read()
    try:
        raw.decode('utf-8')
    except UnicodeDecodeError as error:
        return 'line {0} is not UTF-8, and would be another one afterwards'.format(
            raw[:error.start].count(b'\n') + 1), 'convert it to UTF-8'
    return None


def others(root, path):
    # type: (str, str) -> dict
    """{path: text} of the files beside the one at ``path`` whose names end like its.

    :raises InputError: when one is there and cannot be read
    """
    suffix = os.path.splitext(path)[1]
    return dict((other, read(root, other) or '') for other in names(root, os.path.dirname(path))
                if other != path and other.endswith(suffix))
