# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Interfaces in other network namespaces: those that have a name, as ``ip netns`` and Neutron give them one.

A netlink socket stays in the namespace in which it was opened (netlink(7)), so each one is entered once.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import os
from contextlib import contextmanager

from plugin_lib.host.netlink import Links
from plugin_lib.host.sysfs import problem_of
from plugin_lib.host.veth import Peers

FOLDER = 'var/run/netns'
OWN = ''  # how the namespace of this process is called here
_CLONE_NEWNET = 0x40000000  # linux/sched.h


class Namespaces(object):
    """The named namespaces and their interfaces.

    :param root: the folder that holds FOLDER
    """

    def __init__(self, root='/'):
        # type: (str) -> None
        self._folder = os.path.join(root, FOLDER)
        self._known = {}  # {name: (device and inode of the namespace, Links, Peers)}
        self.problems = []

    def follow(self):
        # type: () -> None
        """Notice the namespaces that have come and gone.  The kernel tells nobody of it, but of every interface that
        goes into one: whoever listens to link events calls this at the right moments."""
        try:
            names = os.listdir(self._folder)
        except EnvironmentError:
            names = []  # nobody has named one yet
        self.problems, there = [], {}
        for name in sorted(names):
            try:
                status = os.stat(os.path.join(self._folder, name))
                identity = status.st_dev, status.st_ino
                before = self._known.pop(name, None)
                there[name] = before if before and before[0] == identity else (identity,) + self._open(name)
            except EnvironmentError as error:
                self.problems.append(problem_of(error))
        self.close()
        self._known = there

    def sources(self):
        # type: () -> list
        """Objects that are readable when an interface in one of them has changed."""
        return [links for _, links, _ in self._known.values()]

    def read(self):
        # type: () -> dict
        """{name: {interface: netlink.Link}}"""
        found = {}
        for name, (_, links, peers) in self._known.items():
            try:
                found[name] = peers.fill(links.read())
            except EnvironmentError as error:
                self.problems.append(problem_of(error))
        return found

    def close(self):
        # type: () -> None
        for _, links, _ in self._known.values():
            links.close()
        self._known = {}

    def _open(self, name):
        links = Links()
        with _entered(os.path.join(self._folder, name)):
            links.open()
            peers = Peers()
        return links, peers


@contextmanager
def _entered(path):
    """This process in the network namespace of a file.  EnvironmentError with the kernel's errno."""
    setns = _setns(path)
    there = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # nobody waits for the writer of a pipe
    try:
        own = os.open('/proc/self/ns/net', os.O_RDONLY)
        try:
            setns(there)
            try:
                yield
            finally:
                try:
                    setns(own)
                except EnvironmentError as error:  # nothing may go on elsewhere
                    raise SystemExit('cannot come back from {0}: {1}'.format(path, error.strerror))
        finally:
            os.close(own)
    finally:
        os.close(there)


def _setns(path):
    """setns(2), for a descriptor; os.setns is of Python 3.12.

    A name in FOLDER on which no namespace is mounted gives EINVAL.
    """
    try:
        import ctypes  # late: most nodes have no named namespace, and it takes a megabyte
        function = ctypes.CDLL(None, use_errno=True).setns
    except (ImportError, MemoryError, AttributeError):  # systemd may forbid what old libffi needs; glibc before 2.14
        raise EnvironmentError(errno.ENOSYS, os.strerror(errno.ENOSYS), path)

    def setns(descriptor):
        if function(descriptor, _CLONE_NEWNET):
            raise EnvironmentError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)
    return setns
