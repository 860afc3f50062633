# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The Fuel master: its release, and where the discovery images and what we keep of them are."""
from __future__ import absolute_import, print_function, unicode_literals

import io
import os
import re
import subprocess
from collections import namedtuple
from contextlib import contextmanager

from plugin_lib._compat import to_text
from plugin_lib.errors import InfinibandError

# Fuel 8.0 and later say it in the first file, 6.1 to 8.0 in the second.
_RELEASE_FILES = ('/etc/fuel_release', '/etc/fuel/version.yaml')
_RELEASE = re.compile(r'^(?:\s*release:\s*)?["\']?(\d+\.\d+)["\']?\s*$', re.M)
# 6.1 and 7.0 have one image, of CentOS 6; later ones as many as are built, of Ubuntu.
CENTOS = ('6.1', '7.0')
UBUNTU = ('8.0', '9.0', '9.1', '9.2')
STATE = '/var/lib/fuel-infiniband/bootstrap'
_MIB = 1 << 20
_LOCK, _PROGRAM = 'lock', 'fuel-infiniband bootstrap'


class Status(namedtuple('Status', 'active is_ours previous built')):
    """The discovery images of a master.

    :param active: what nodes boot, None when nothing
    :param is_ours: whether it is one of ours
    :param previous: what comes back with a restore, None when nothing is known
    :param built: list of our images
    """

    __slots__ = ()


class Master(object):
    """A Fuel master.

    :param root: its root folder
    :param plugin: the folder of the plugin on it
    """

    def __init__(self, root, plugin):
        # type: (str, str) -> None
        self.root = root
        self.plugin = plugin
        self._lock = None

    def path(self, name):
        # type: (str) -> str
        """The path ``name`` of the master."""
        return os.path.join(self.root, name.lstrip('/'))

    def state(self, *names):
        # type: (*str) -> str
        """A path in the folder that holds what has to survive: originals, and what is being built."""
        return os.path.join(self.path(STATE), *names)

    def release(self):
        # type: () -> str
        """The release of Fuel, one of CENTOS and UBUNTU.

        :raises InfinibandError: where this is no Fuel master, or one of another release
        """
        for name in _RELEASE_FILES:
            try:
                with io.open(self.path(name), encoding='utf-8') as stream:
                    found = _RELEASE.search(stream.read())
            except (EnvironmentError, ValueError):
                continue
            if found and found.group(1) in CENTOS + UBUNTU:
                return found.group(1)
            raise InfinibandError('this release of Fuel is not known', self.path(name),
                                  'release {0}'.format(found.group(1)) if found else 'it names no release',
                                  'use the plugin with Fuel {0}'.format(', '.join(CENTOS + UBUNTU)))
        raise InfinibandError('this is no Fuel master', ', '.join(self.path(name) for name in _RELEASE_FILES),
                              'none of them is there', 'run this on the Fuel master, as root')

    def need(self, space):
        # type: (dict) -> None
        """Have room.

        :param space: {folder: bytes that will be written to it}
        :raises InfinibandError: where a file system has less
        """
        wanted = {}
        for folder, size in sorted(space.items()):
            while not os.path.isdir(folder):
                folder = os.path.dirname(folder)  # it will be made there
            device = os.stat(folder).st_dev
            folders, total = wanted.get(device, ([], 0))
            wanted[device] = (folders + [folder], total + size)
        for folders, total in wanted.values():
            found = os.statvfs(folders[0])
            free = found.f_bavail * found.f_frsize
            if free < total:
                raise InfinibandError('there is not enough space', ', '.join(folders),
                                      '{0} MiB free, {1} MiB needed'.format(free // _MIB, -(-total // _MIB)),
                                      'make room, for instance by deleting unused images')

    @contextmanager
    def at_work(self):
        # type: () -> object
        """Nobody else works on the images meanwhile, and whatever the system refuses is told as such.

        :raises InfinibandError: when somebody does
        """
        from plugin_lib.daemon import locks
        with locks.held(self.state(), _LOCK, program=_PROGRAM) as self._lock:
            try:
                yield
            except EnvironmentError as error:
                raise InfinibandError('the work on the discovery image cannot go on', error.filename or self.state(),
                                      error.strerror, 'put that right and run it again')

    def stream(self, argv, say, todo):
        # type: (list, object, str) -> None
        """Run a program that takes long, and pass on what it says.

        It may outlive this process, and has the lock of :meth:`at_work` too, as its standard input.

        :param say: called with each line
        :param todo: what the operator does when it fails
        :raises InfinibandError: when it cannot be run, or fails
        """
        try:
            child = subprocess.Popen(argv, stdin=self._lock, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                     close_fds=True)
        except EnvironmentError as error:
            raise InfinibandError('cannot run {0}'.format(argv[0]), argv[0], error.strerror, todo)
        last = ''
        try:
            for line in iter(child.stdout.readline, b''):
                last = to_text(line).rstrip() or last
                say('  ' + last)
        finally:
            child.stdout.close()
            child.wait()
        if child.returncode:
            raise InfinibandError('{0} failed with status {1}'.format(' '.join(argv[:2]), child.returncode), argv[0],
                                  last, todo)


def found_program(name):
    # type: (str) -> bool
    """Whether there is a program ``name``."""
    return any(os.access(os.path.join(folder, name), os.X_OK) for folder in os.environ.get('PATH', '').split(':'))
