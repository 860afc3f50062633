# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Files, whole or not at all."""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import io
import os
import stat
from contextlib import contextmanager

from plugin_lib._compat import fs_path
from plugin_lib.host.tree import numbers

_CHUNK = 1 << 20


def write_atomically(path, text, mode):
    # type: (str, str, int) -> None
    """Replace ``path`` by a file that holds ``text``; see :func:`replacing`.

    :param mode: permission bits; None: those of the file that is replaced
    :raises EnvironmentError: the old file is then untouched
    """
    with replacing(path, mode) as descriptor:
        write_all(descriptor, text.encode('utf-8'))


@contextmanager
def replacing(path, mode):
    # type: (str, int) -> object
    """A descriptor to write the new content of ``path`` to, which takes its place when the block is done.

    Whoever reads the file sees the old content or the new one, also after a power cut.

    The file that is replaced keeps its owner: a service reads its own configuration through its group.  A symbolic link
    stays, and leads to the new file: plugins of Fuel share one under several names.

    :param mode: permission bits; None: those of the file that is replaced
    :raises EnvironmentError: the old file is then untouched; ENOENT where it is to lend its mode and is not there
    """
    path = os.path.realpath(fs_path(path))
    folder = make_folder(os.path.dirname(path))
    old = os.stat(path) if mode is None or os.path.exists(path) else None
    if old and not stat.S_ISREG(old.st_mode):
        # Renaming would replace a device of root's, /dev/null behind a symbolic link for one.
        raise EnvironmentError(errno.EINVAL, 'it is not a regular file', path)
    sweep(path)
    temporary = os.path.join(folder, _begin(path) + str(os.getpid()))
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        try:
            yield descriptor
            if old and (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(descriptor, old.st_uid, old.st_gid)
            os.fchmod(descriptor, stat.S_IMODE(old.st_mode) if mode is None else mode)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    _sync_folder(folder)


def sweep(path):
    # type: (str) -> None
    """Remove what processes that were killed while they replaced ``path`` left beside it.

    :param path: as the functions of ``os`` take it, and no symbolic link
    """
    begin, folder = _begin(path), os.path.dirname(path)
    for process in numbers(name[len(begin):] for name in os.listdir(folder) if name.startswith(begin)):
        if process == os.getpid() or not os.path.exists('/proc/{0}'.format(process)):
            remove(os.path.join(folder, begin + str(process)))


def _begin(path):
    """How the new content of ``path`` is called meanwhile: the number of the process that writes it follows."""
    return str('.') + os.path.basename(path) + str('.')


def copy_atomically(source, path, mode):
    # type: (str, str, int) -> None
    """Replace ``path`` by a copy of the file ``source``; see :func:`replacing`."""
    with io.open(source, 'rb') as stream:
        with replacing(path, mode) as descriptor:
            for chunk in iter(lambda: stream.read(_CHUNK), b''):
                write_all(descriptor, chunk)


def remove(path):
    # type: (str) -> None
    """Remove a file; one that is not there is removed."""
    try:
        os.unlink(path)
    except EnvironmentError as error:
        if error.errno != errno.ENOENT:
            raise


def make_folder(path):
    # type: (str) -> str
    """Make a folder and those above it, unless they exist."""
    try:
        os.makedirs(path, 0o755)
    except EnvironmentError as error:
        if error.errno != errno.EEXIST:
            raise
    return path


def write_all(descriptor, data):
    # type: (int, bytes) -> None
    """Write all of ``data`` to an open file."""
    while data:
        data = data[os.write(descriptor, data):]


def _sync_folder(folder):
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
