# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Interfaces in other network namespaces: those that have a name, as ``ip netns`` and Neutron give them one.

A netlink socket stays in the namespace in which it was opened (netlink(7)), so each one is entered once.  It also keeps
the namespace alive, and the ends of veths in it: when a name goes its sockets have to go at once, or whoever makes such
a veth anew finds the old one there.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import os
from contextlib import contextmanager

from plugin_lib._compat import drain, fs_path, to_text
from plugin_lib.host.links import Links
from plugin_lib.host.sysfs import problem_of
from plugin_lib.host.veth import Peers

FOLDER = 'var/run/netns'
OWN = ''  # how the namespace of this process is called here
_SOCKETS = 3  # of each namespace: those of Links and of Peers
_OTHERS = 512  # descriptors of everything else: attributes of ports and functions stay open
_CLONE_NEWNET = 0x40000000  # linux/sched.h
_IN_CREATE, _IN_DELETE, _IN_CLOEXEC = 0x100, 0x200, 0o2000000  # linux/inotify.h


class Namespaces(object):
    """The named namespaces and their interfaces.

    :param root: the folder that holds FOLDER
    """

    def __init__(self, root='/'):
        # type: (str) -> None
        self._folder = os.path.join(root, FOLDER)
        self._known = {}  # {name: (device and inode of the namespace, Links, Peers)}
        self._names = None  # a _Names, while there are any
        self.problems = []

    def follow(self):
        # type: () -> None
        """Notice the namespaces that have come and gone."""
        self.problems, there = [], {}
        names = self._listed()
        if names:
            _make_room(len(names) * _SOCKETS + _OTHERS)
        for name in names:
            path = os.path.join(self._folder, name)
            try:
                status = os.stat(fs_path(path))
                identity = status.st_dev, status.st_ino
                before = self._known.pop(name, None)
                there[name] = before if before and before[0] == identity else (identity,) + self._open(path)
            except EnvironmentError as error:
                self.problems.append(problem_of(error))
        self._forget()
        self._known = there

    def sources(self):
        # type: () -> list
        """Objects that are readable when an interface in one of them has changed, or a name; drain what is."""
        return [links for _, links, _ in self._known.values()] + ([self._names] if self._names else [])

    def read(self):
        # type: () -> dict
        """{name: {interface: links.Link}}"""
        found = {}
        for name, (_, links, peers) in self._known.items():
            try:
                found[name] = peers.fill(links.read())
            except EnvironmentError as error:
                self.problems.append(problem_of(error))
        return found

    def close(self):
        # type: () -> None
        self._forget()
        self._known = {}
        if self._names:
            self._names.close()
            self._names = None

    def _listed(self):
        """The names that are there now, sorted; those that come and go later wake whoever waits."""
        names = _names_in(self._folder)
        if names and self._names is None:
            try:
                self._names = _Names(self._folder)
            except EnvironmentError as error:
                self.problems.append(problem_of(error))
            names = _names_in(self._folder)
        return names

    def _forget(self):
        for _, links, _ in self._known.values():
            links.close()

    def _open(self, path):
        links = Links()
        with _entered(path):
            links.open()
            peers = Peers()
        return links, peers


class _Names(object):
    """Readable when a name has come to a folder or gone, inotify(7).

    :raises EnvironmentError: what the kernel says
    """

    def __init__(self, folder):
        # type: (str) -> None
        self._descriptor = _function('inotify_init1', folder)(os.O_NONBLOCK | _IN_CLOEXEC)
        try:
            _function('inotify_add_watch', folder)(self._descriptor, folder.encode('utf-8'), _IN_CREATE | _IN_DELETE)
        except EnvironmentError:
            self.close()
            raise

    def fileno(self):
        # type: () -> int
        return self._descriptor

    def drain(self):
        # type: () -> None
        drain(self._descriptor)

    def close(self):
        # type: () -> None
        os.close(self._descriptor)


def _make_room(descriptors):
    """Have this process allowed that many open files, as far as it may decide that: a login gives it 1024."""
    import resource  # late, as ctypes
    try:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < min(descriptors, hard):
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(descriptors, hard), hard))
    except (ValueError, resource.error):  # its unit forbids the service to ask, and gives it enough
        pass


def _names_in(folder):
    try:
        return sorted(to_text(name) for name in os.listdir(fs_path(folder)))
    except EnvironmentError:
        return []  # nobody has named one yet


@contextmanager
def _entered(path):
    """This process in the network namespace of a file.  EnvironmentError with the kernel's errno.

    A name in FOLDER on which no namespace is mounted gives EINVAL.
    """
    setns = _function('setns', path)  # os.setns is of Python 3.12
    there = os.open(fs_path(path), os.O_RDONLY | os.O_NONBLOCK)  # nobody waits for the writer of a pipe
    try:
        own = os.open('/proc/self/ns/net', os.O_RDONLY)
        try:
            setns(there, _CLONE_NEWNET)
            try:
                yield
            finally:
                try:
                    setns(own, _CLONE_NEWNET)
                except EnvironmentError as error:  # nothing may go on elsewhere
                    raise SystemExit('cannot come back from {0}: {1}'.format(path, error.strerror))
        finally:
            os.close(own)
    finally:
        os.close(there)


def _function(name, path):
    """A function of the C library whose errors are EnvironmentErrors about ``path``."""
    try:
        import ctypes  # late: most nodes have no named namespace, and it takes a megabyte
        function = getattr(ctypes.CDLL(None, use_errno=True), str(name))
    except (ImportError, MemoryError, AttributeError):  # systemd may forbid what old libffi needs; glibc before 2.14
        raise EnvironmentError(errno.ENOSYS, os.strerror(errno.ENOSYS), path)

    def call(*arguments):
        result = function(*arguments)
        if result < 0:
            raise EnvironmentError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)
        return result
    return call
