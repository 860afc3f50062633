# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Receipts: a hook that looked at the whole node and found nothing to do need not look again while nothing changes.

Reading everything takes ten times what the interpreter takes to start.  What tells of any change takes one or two: the
files that a stage reads, the list of interfaces, Open vSwitch's answer, and the status of eipoibd, which watches the
P_Keys and replaces its status with whatever it sees or does.  Only a digest of them is kept: they hold passwords.
"""
from __future__ import absolute_import, print_function, unicode_literals

import io
import os

from plugin_lib.daemon import locks
from plugin_lib.effect.files import remove, write_atomically
from plugin_lib.errors import InfinibandError
from plugin_lib.paths import RUN_FOLDER, STATUS_FILE

# Goes with a reboot, and with the package: what another version looked at says nothing to this one.
FOLDER = '/run/fuel-infiniband'


def witness(astute, files, with_ovs):
    # type: (str, tuple, bool) -> str
    """A digest of what tells of any change on this node, None where that cannot be told: eipoibd does not run.

    :param astute: the file of published data
    :param files: paths of what else is read, where it is there
    :param with_ovs: whether Open vSwitch counts
    """
    import hashlib

    from plugin_lib.host import netlink
    try:
        if not locks.is_held(RUN_FOLDER, locks.SERVICE):
            return None
        parts = [_bytes(path) for path in (astute, os.path.join(RUN_FOLDER, STATUS_FILE))]
        parts += [_bytes(path) if os.path.exists(path) else b'' for path in files]
        parts.append(repr(sorted(netlink.Links().read().items())).encode('utf-8'))
        if with_ovs:
            from plugin_lib.host import ovsdb
            parts.append(ovsdb.answer())
    except (EnvironmentError, InfinibandError):
        return None  # looking in earnest says what is wrong
    return hashlib.sha256(b''.join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def holds(hook, seen):
    # type: (str, str) -> bool
    """Whether ``hook`` found nothing to do when it last saw this witness."""
    try:
        return seen is not None and _bytes(_path(hook)) == seen.encode('ascii')
    except EnvironmentError:
        return False


def keep(hook, seen):
    # type: (str, str) -> None
    """Note that ``hook`` found nothing to do while it saw this witness; without one, that it has to look again."""
    try:
        if seen is None:
            remove(_path(hook))
        else:
            write_atomically(_path(hook), seen, 0o600)
    except EnvironmentError:
        pass  # then it looks again


def _path(hook):
    return os.path.join(FOLDER, hook)


def _bytes(path):
    with io.open(path, 'rb') as stream:
        return stream.read()
