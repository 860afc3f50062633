# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What is attached to what: interfaces in every named network namespace, Linux bridges, Open vSwitch.

:mod:`plugin_lib.planning.talkers` finds in it who talks through an EIPOIB interface.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import os
from collections import namedtuple

from plugin_lib._compat import fs_path, monotonic, readable
from plugin_lib.host import machine
from plugin_lib.host.links import ARPHRD_ETHER, TAP
from plugin_lib.host.namespaces import OWN, Namespaces
from plugin_lib.host.switch import SOCKET
from plugin_lib.host.sysfs import problem_of
from plugin_lib.host.veth import Peers
from plugin_lib.planning import backoff

_SETTLE = 5.0
_LONGEST = 8.0  # seconds between two tries to connect, as those of Open vSwitch's own daemons (reconnect.py)


class Topology(namedtuple('Topology', 'namespaces switch known problems flows learnt')):
    """One look.

    :param namespaces: {name: {Ethernet interface: links.Link}}; OWN is the one that EIPOIB interfaces are in
    :param switch: host.switch.Snapshot, the last one where the database does not answer now; None without one
    :param known: False where Open vSwitch is installed and its database has not told anything yet
    :param problems: tuple of lines about what could not be read
    :param flows: {(port of Open vSwitch, VLAN): VLAN} of host.flows.changes
    :param learnt: tuple of (name of a tap in a Linux bridge, MAC that the bridge has learnt there)
    """

    __slots__ = ()


Topology.__new__.__defaults__ = ({}, ())


class Surroundings(object):
    """Follows all of it.

    :param source: host.source, for the interfaces of this process's own namespace
    :param root: ``/``, or a captured tree
    """

    def __init__(self, source, root='/'):
        # type: (object, str) -> None
        self._source = source
        self._path = os.path.join(root, SOCKET)
        self._namespaces = Namespaces(root)
        self._peers = Peers()
        self._monitor = None
        self._switch = None   # the last Snapshot
        self._trouble = None  # why there is no connection
        self._flows = {}      # the last ones
        self._failures = 0
        self._retry = 0.0     # when the database is tried again
        self._learnt = None   # host.learnt.Learnt, while there are taps in Linux bridges

    def follow(self):
        # type: () -> None
        """Find what has come since the last call, and connect to the database where it is time to."""
        self._namespaces.follow()
        if self._monitor is None and monotonic() >= self._retry:
            self._connect()

    def sources(self):
        # type: () -> list
        """What is readable when something has changed; hand it to :meth:`take` then."""
        return self._namespaces.sources() + [source for source in (self._monitor, self._learnt) if source]

    def take(self, source):
        # type: (object) -> bool
        """Whether what has become readable is news: a change, or that the connection is over."""
        if source is not self._monitor:
            source.drain()  # a pass that fails early would not do so, and whoever waits would never sleep again
            return True
        try:
            changed = self._monitor.read()
        except EnvironmentError as error:
            self._lose(error)
            return True
        if changed:  # only then it is sure that a database answers
            self._failures, self._trouble = 0, None
        return changed

    def pause(self):
        # type: () -> float
        """Seconds until the database is tried again; None while it is connected or Open vSwitch is not there."""
        return max(0.0, self._retry - monotonic()) if self._failures and not self._monitor else None

    def read(self):
        # type: () -> Topology
        """The Topology of now.

        :raises InfinibandError: when the interfaces cannot be listed
        """
        namespaces = self._namespaces.read()
        namespaces[OWN] = self._peers.fill(machine.links(self._source))
        for name in namespaces:  # children that we make ourselves are no reason to search again
            namespaces[name] = dict(item for item in namespaces[name].items() if item[1].type == ARPHRD_ETHER)
        problems = list(self._namespaces.problems)
        if self._monitor:
            self._switch = self._monitor.snapshot or self._switch
            problems += self._monitor.problems
        if self._trouble:
            problems.append(self._trouble)
        if self._switch:
            problems += self._look_at_flows()
        learnt = self._look_behind_taps(namespaces[OWN], problems)
        return Topology(namespaces, self._switch, self._switch is not None or not self._is_expected(), tuple(problems),
                        self._flows, learnt)

    def settle(self):
        # type: () -> Topology
        """The Topology as soon as the database has told, or some seconds later: for who looks only once."""
        self.follow()
        deadline = monotonic() + _SETTLE
        while self._monitor and self._monitor.snapshot is None and monotonic() < deadline:
            if readable([self._monitor], deadline - monotonic()):
                self.take(self._monitor)
        return self.read()

    def close(self):
        # type: () -> None
        self._namespaces.close()
        for source in (self._monitor, self._learnt):
            if source:
                source.close()
        self._monitor = self._learnt = None

    def _look_behind_taps(self, links, problems):
        """What Linux bridges have learnt at their taps; the rest is found as interfaces."""
        taps = dict((link.ifindex, name) for name, link in links.items() if link.kind == TAP
                    and link.master in links and links[link.master].kind == 'bridge')
        try:
            if taps and self._learnt is None:
                from plugin_lib.host.learnt import Learnt
                self._learnt = Learnt()
            return self._learnt.read(taps) if self._learnt else ()
        except EnvironmentError as error:
            problems.append(problem_of(error))
            return ()

    def _look_at_flows(self):
        """Lines about what could not be read."""
        from plugin_lib.host import flows
        try:
            self._flows = flows.changes(os.path.dirname(self._path), self._switch)
        except EnvironmentError as error:
            return ['{0}; what is known of its flows is kept'.format(problem_of(error))]
        return []

    def _is_expected(self):
        """Whether Open vSwitch is installed, running or not: its packages make the folder of its sockets."""
        return os.path.isdir(fs_path(os.path.dirname(self._path)))

    def _connect(self):
        if not os.path.exists(fs_path(self._path)) and not self._failures:
            return
        from plugin_lib.host.ovs_monitor import Monitor  # where there is no Open vSwitch nothing of it is loaded
        try:
            self._monitor = Monitor(self._path)
        except EnvironmentError as error:
            self._lose(error)

    def _lose(self, error):
        if self._monitor:
            self._switch = self._monitor.snapshot or self._switch
            self._monitor.close()
            self._monitor = None
        if error.errno == errno.ENOENT and not self._is_expected():  # it has been removed
            self._failures, self._trouble, self._switch = 0, None, None
            return
        self._failures += 1
        self._retry = monotonic() + min(backoff.delay(self._failures), _LONGEST)
        self._trouble = '{0}: {1}; what is known of Open vSwitch is kept'.format(self._path, error.strerror)
