# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that wakes the service: signals, link events, the asynchronous events of the HCAs, what happens to those
who talk through the EIPOIB interfaces."""
from __future__ import absolute_import, print_function, unicode_literals

import fcntl
import os
import signal

from plugin_lib._compat import drain, monotonic, readable
from plugin_lib.errors import ApplyError
from plugin_lib.host import links, netlink, uverbs

# A subnet manager programs a table in blocks of 32 keys, and a child comes with several link events: what
# follows within QUIET seconds belongs to it, but nothing waits longer than BURST.
QUIET = 0.002
BURST = 0.02

LINKS, TALK = 'links', 'talk'  # a link event; one of what is attached to the EIPOIB interfaces


class Events(object):
    """Waits for something to happen.

    :param tree: of a live Source
    :param surroundings: host.topology.Surroundings
    :param log: daemon.log.Log
    :raises ApplyError: when the kernel gives no link events
    """

    def __init__(self, tree, surroundings, log):
        # type: (object, object, object) -> None
        self._tree = tree
        self._surroundings = surroundings
        self._log = log
        try:
            self._links = links.subscribe()
        except EnvironmentError as error:
            raise ApplyError('cannot listen to link events', 'rtnetlink', error.strerror,
                             'check that the process may open netlink sockets', error.errno)
        self._wakeup, self._end = _pipe()
        signal.set_wakeup_fd(self._end)
        self._devices = {}  # {HCA: (name, uverbs.Device)}
        self._told = {}     # {HCA: the trouble that was logged of it, None when its events come}

    def follow(self, hcas=True):
        # type: (bool) -> None
        """Listen to the HCAs, the namespaces and the Open vSwitch that are there now.  Call it before each look at the
        machine: what happens between the two is an event already.

        :param hcas: whether HCAs may have come or gone
        """
        self._surroundings.follow()
        if not hcas:
            return
        there = uverbs.devices(self._tree)
        for hca in sorted(self._devices):
            if there.get(hca) != self._devices[hca][0]:
                self._drop(hca)
        for hca in sorted(there):
            if hca not in self._devices:
                self._open(hca, there[hca])
        if not there:
            self._tell(None, 'there is no {0}/uverbsN'.format(uverbs.DEVICES))

    def wait(self, seconds):
        # type: (float) -> set
        """Wait until something happens or the time is over, and until the burst that began is over.

        What only TALK tells is whole when it comes, a transaction or what an interface is now, and waits for nothing.

        :returns: {None} for a signal, {LINKS}, {TALK}, {(HCA, port)} for what an HCA told; empty when nothing happened
        """
        happened = set()
        ready, until = readable(self._sources(), seconds), monotonic() + BURST
        while ready:
            for source in ready:
                happened.update(self._take(source))
            if happened == frozenset([TALK]):
                break
            left = until - monotonic()
            ready = readable(self._sources(), min(left, QUIET)) if left > 0 else []
        return happened

    def close(self):
        # type: () -> None
        signal.set_wakeup_fd(-1)
        os.close(self._wakeup)
        os.close(self._end)
        self._links.close()
        self._surroundings.close()
        for hca in sorted(self._devices):
            self._drop(hca)

    def _sources(self):
        return [self._wakeup, self._links] + [device for _, device in self._devices.values()] + \
            self._surroundings.sources()

    def _take(self, source):
        if source is self._links:
            netlink.drain(source)
            return [LINKS]
        if source == self._wakeup:
            drain(source)
            return [None]
        told = [hca for hca, (_, device) in self._devices.items() if device is source]
        if not told:
            return [TALK] if self._surroundings.take(source) else []
        (hca,) = told
        events, more = source.read()
        for event in events:
            self._log.write('debug', 'hca', ('hca', hca), ('port', event.port),
                            ('what', uverbs.EVENT_NAMES.get(event.type, event.type)))
        if not more:
            self._drop(hca)
        return [(hca, event.port) for event in events] or [None]

    def _open(self, hca, name):
        try:
            self._devices[hca] = name, uverbs.Device(name)
        except EnvironmentError as error:
            self._tell(hca, '{0}/{1}: {2}'.format(uverbs.DEVICES, name, error.strerror))
        else:
            self._tell(hca, None)

    def _drop(self, hca):
        self._devices.pop(hca)[1].close()

    def _tell(self, hca, trouble):
        if hca not in self._told or self._told[hca] != trouble:
            self._log.write('info', 'events', ('hca', hca), ('from', None if trouble else 'uverbs'), ('why', trouble),
                            ('next', trouble and 'changes of P_Keys are found by the resync'))
        self._told[hca] = trouble


def _pipe():
    """A pipe that nobody blocks on."""
    ends = os.pipe()
    for end in ends:
        fcntl.fcntl(end, fcntl.F_SETFL, fcntl.fcntl(end, fcntl.F_GETFL) | os.O_NONBLOCK)
        fcntl.fcntl(end, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
    return ends
