# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Receipts: a hook that looked at the whole node and found nothing to do need not look again while nothing changes.

Reading everything takes ten times what the interpreter takes to start.  What tells of any change takes one or two: the
files that the hook read, the list of interfaces, Open vSwitch's answer, and the status of eipoibd, which watches the
P_Keys and replaces its status with whatever it sees or does.  Only a digest of them is kept: they hold passwords.
"""
from __future__ import absolute_import, print_function, unicode_literals

import hashlib
import os

from plugin_lib.daemon import locks
from plugin_lib.effect.files import remove, write_atomically
from plugin_lib.errors import InfinibandError
from plugin_lib.host import files, netlink
from plugin_lib.paths import RUN_FOLDER, STATUS_FILE

# Goes with a reboot, and with the package: what another version looked at says nothing to this one.
FOLDER = '/run/fuel-infiniband'


def witness(astute, with_ovs):
    # type: (str, bool) -> str
    """What tells of any change on this node but in files of the hook's own; None where eipoibd does not run.

    :param astute: the file of published data
    :param with_ovs: whether Open vSwitch's database counts
    """
    try:
        if not locks.is_held(RUN_FOLDER, locks.SERVICE):
            return None
        parts = [repr(files.read('/', path)) for path in (astute, os.path.join(RUN_FOLDER, STATUS_FILE))]
        parts.append(repr(sorted(netlink.Links().read().items())))
        if with_ovs:
            from plugin_lib.host import ovsdb
            parts.append(repr(ovsdb.answer()))
    except (EnvironmentError, InfinibandError):
        return None  # looking in earnest says what is wrong
    return _digest(parts)


def holds(hook, seen):
    # type: (str, str) -> bool
    """Whether ``hook`` found nothing to do when it last saw this witness, and what it read then has not changed."""
    try:
        kept = files.read('/', _path(hook))
        if seen is None or kept is None:
            return False
        digest, paths = kept.split('\n')[0], kept.split('\n')[1:]
        return digest == _digest([seen] + [_again(path) for path in paths])
    except (EnvironmentError, InfinibandError):
        return False


def keep(hook, seen):
    # type: (str, str) -> None
    """Note that ``hook`` found nothing to do while it saw this witness and read what it read since this process began;
    without a witness, that it has to look again."""
    read = dict((path, repr(files.SEEN[path])) for path in files.SEEN if path != _path(hook))
    try:
        if seen is None:
            remove(_path(hook))
        else:
            paths = sorted(read)
            write_atomically(_path(hook), '\n'.join([_digest([seen] + [read[path] for path in paths])] + paths), 0o600)
    except EnvironmentError:
        pass  # then it looks again


def _again(path):
    return repr(files.names('/', path[:-1]) if path.endswith('/') else files.read('/', path))


def _digest(parts):
    whole = hashlib.sha256()
    for part in parts:
        whole.update(hashlib.sha256(part.encode('utf-8')).digest())
    return whole.hexdigest()


def _path(hook):
    return os.path.join(FOLDER, hook)
