# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Who may change EIPOIB interfaces: one service at a time, and one pass at a time."""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import fcntl
import os
import time
from contextlib import contextmanager

from plugin_lib._compat import fs_path, monotonic
from plugin_lib.effect.files import make_folder
from plugin_lib.errors import ApplyError

SERVICE, PASS = 'lock', 'pass.lock'

# A pass over two ports of 128 keys takes well under a second; only one that hangs in the kernel takes longer.
PASS_TIMEOUT = 10.0

_TAKEN = (errno.EAGAIN, errno.EWOULDBLOCK)


class Stopped(Exception):
    """The wait for a lock was ended, as was asked."""


@contextmanager
def held(folder, name, timeout=0.0, program='eipoibd', stop=lambda: False):
    # type: (str, str, float, str, object) -> object
    """Hold the lock ``name`` in ``folder``; the kernel gives it back when the process ends, however it ends.

    :param folder: made if need be; the lock itself is for root only
    :param timeout: seconds to wait for whoever has it
    :param program: who has it then, for the message
    :param stop: asked while waiting; True ends it
    :returns: its descriptor: a child that has it too keeps the lock as long as it lives
    :raises ApplyError: when it cannot be had
    :raises Stopped: when it is no longer wanted
    """
    path = os.path.join(folder, name)
    descriptor = _open(path)
    try:
        _acquire(descriptor, path, monotonic() + timeout, program, stop)
        yield descriptor
    finally:
        os.close(descriptor)


def is_held(folder, name):
    # type: (str, str) -> bool
    """Whether somebody holds the lock now; looking leaves no trace.

    :raises ApplyError: when that cannot be told
    """
    try:
        descriptor = os.open(fs_path(os.path.join(folder, name)), os.O_RDONLY)
    except EnvironmentError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return False
        raise _cannot_lock(error, os.path.join(folder, name))
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two who look do not see each other
    except EnvironmentError as error:
        if error.errno not in _TAKEN:
            raise _cannot_lock(error, os.path.join(folder, name))
        return True
    finally:
        os.close(descriptor)
    return False


def _open(path):
    try:
        make_folder(os.path.dirname(path))
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.fcntl(descriptor, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
    except EnvironmentError as error:
        raise _cannot_lock(error, path)
    return descriptor


def _cannot_lock(error, path):
    todo = 'run it as root' if error.errno in (errno.EACCES, errno.EPERM) else 'see that its file system can be written'
    return ApplyError('cannot lock', path, error.strerror, todo, error.errno)


def _acquire(descriptor, path, deadline, program, stop):
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except EnvironmentError as error:
            if error.errno not in _TAKEN:
                raise _cannot_lock(error, path)
            if stop():
                raise Stopped()
            if monotonic() >= deadline:
                raise ApplyError('another {0} is at work'.format(program), path, 'it holds this lock',
                                 'wait for it, or stop it: its process is named by fuser {0}'.format(path), error.errno)
            time.sleep(0.05)
        else:
            return
