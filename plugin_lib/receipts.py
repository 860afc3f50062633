# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Receipts: a hook that looked at the whole node and found nothing to do need not look again while nothing changes.

Reading everything takes ten times what the interpreter takes to start.  What tells of any change takes one or two: the
files and attributes that the hook noted (host/seen.py), the list of interfaces, Open vSwitch's answer, whether virtual
functions are kept as they should be, and the status of eipoibd, which watches the P_Keys and replaces its status with
whatever it sees or does.  Only a digest of them is kept: they hold passwords.
"""
from __future__ import absolute_import, print_function, unicode_literals

import hashlib
import os

from plugin_lib.daemon import locks
from plugin_lib.effect.files import remove, write_atomically
from plugin_lib.errors import InfinibandError
from plugin_lib.host import files, links, seen
from plugin_lib.host.tree import Tree
from plugin_lib.paths import FUNCTIONS_LOCK, RUN_FOLDER, STATUS_FILE

# Goes with a reboot, and with the package: what another version looked at says nothing to this one.
FOLDER = '/run/fuel-infiniband'

_TREE = Tree()
_FILES = {'file': files.read, 'folder': files.names}


class Receipt(object):
    """The receipt of a hook.

    :param hook: its name
    :param astute: the file of published data
    :param with_ovs: whether Open vSwitch's database counts
    """

    def __init__(self, hook, astute, with_ovs):
        # type: (str, str, bool) -> None
        self._path = os.path.join(FOLDER, hook)
        self._astute = astute
        self._with_ovs = with_ovs
        self._told = None  # the witness of when the hook began

    def holds(self):
        # type: () -> bool
        """Whether the hook found nothing to do the last time, and nothing that counts has changed."""
        self._told = self._witness()
        try:
            kept = files.read('/', self._path)
            if self._told is None or kept is None:
                return False
            digest, looks = kept.split('\n')[0], [tuple(line.split(' ', 1)) for line in kept.split('\n')[1:]]
            return digest == _digest([self._told] + [repr(_again(*look)) for look in looks])
        except (EnvironmentError, InfinibandError, TypeError, AttributeError):  # the last two: it is not one of ours
            return False
        finally:
            seen.SEEN.clear()

    def keep(self, settled):
        # type: (bool) -> None
        """Note what the hook has looked at since :meth:`holds`, if it found nothing to do and nothing happened
        meanwhile; else, that it has to look again.

        :param settled: whether it found nothing to do
        """
        looks, answers = sorted(seen.SEEN), dict(seen.SEEN)
        try:
            if not settled or self._told is None or self._told != self._witness():
                remove(self._path)
            else:
                digest = _digest([self._told] + [repr(answers[look]) for look in looks])
                write_atomically(self._path, '\n'.join([digest] + [' '.join(look) for look in looks]), 0o600)
        except EnvironmentError:
            pass  # then it looks again

    def _witness(self):
        """What tells of any change on this node but in what the hook notes; None where eipoibd does not run."""
        try:
            if not locks.is_held(RUN_FOLDER, locks.SERVICE):
                return None
            parts = [repr(files.read('/', path)) for path in (self._astute, os.path.join(RUN_FOLDER, STATUS_FILE))]
            parts.append(repr(locks.is_held(RUN_FOLDER, FUNCTIONS_LOCK)))
            parts.append(repr(sorted(links.Links().read().items())))
            if self._with_ovs:
                from plugin_lib.host import ovsdb
                parts += ovsdb.answer()
        except (EnvironmentError, InfinibandError):
            return None  # looking in earnest says what is wrong
        return _digest(parts)


def _again(how, path):
    return _FILES[how]('/', path) if how in _FILES else seen.again(_TREE, how, path)


def _digest(parts):
    whole = hashlib.sha256()
    for part in parts:
        whole.update(hashlib.sha256(part.encode('utf-8')).digest())
    return whole.hexdigest()
