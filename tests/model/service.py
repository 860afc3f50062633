# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""eipoibd's loop on a modelled machine, with a clock that only waiting moves."""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import io
import os
import signal

from plugin_lib.daemon import history, notify, service
from plugin_lib.daemon.log import Log
from plugin_lib.daemon.service import Service
from plugin_lib.effect.ledger import Ledger
from tests.model.node import Node


class Clock(object):
    now = 1000.0

    def __call__(self):
        return self.now


class Script(object):
    """Takes the place of Events: each wait does the next thing of a script, then the service is stopped.

    A thing is a set of what happened, a function that makes something happen, or None: nothing does.
    """

    def __init__(self, clock, things, stop):
        self._clock = clock
        self._things = list(things)
        self._stop = stop
        self.waits = []   # seconds that each wait was to last at most
        self.passes = 0
        self.closed = False

    def follow(self, hcas):
        self.passes += 1

    def wait(self, seconds):
        self.waits.append(round(seconds, 3))
        if not self._things:
            self._stop()
            return set([None])
        thing = self._things.pop(0)
        if callable(thing):
            thing()
            return set([None])
        if thing is None:
            self._clock.now += seconds
        return thing or set()

    def close(self):
        self.closed = True


class Machine(object):
    """A node and its service, in one process with the test."""

    def __init__(self, folder, monkeypatch):
        self.clock, self.folder, self.log = Clock(), str(folder), io.StringIO()
        self.node = Node(folder, [0xffff, 0x8064, 0x8065])
        self.config = folder.join('eipoibd.conf')
        self.config.write('[eipoibd]\n')
        for module in (service, notify):
            monkeypatch.setattr(module, 'monotonic', self.clock)
        monkeypatch.setattr(service, 'Withdrawals', lambda: history.Withdrawals(self.clock))
        monkeypatch.setattr(service, 'Failures', lambda: history.Failures(self.clock))
        self._monkeypatch = monkeypatch
        for name in (str('NOTIFY_SOCKET'), str('WATCHDOG_USEC'), str('WATCHDOG_PID')):
            monkeypatch.delenv(name, raising=False)

    def run(self, *things):
        """The Script that the service went through."""
        made = Service(self.node.kernel, self.node.executor, Ledger(os.path.join(self.folder, 'children.json')),
                       self.folder, str(self.config), Log(self.log, 'debug'))
        script = Script(self.clock, things, lambda: made._on_stop(signal.SIGTERM, None))
        self._monkeypatch.setattr(service, 'Events', lambda tree, surroundings, log: script)
        before = [(number, signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]
        self.service = made
        try:
            made.run()
        finally:
            for number, handler in before:
                signal.signal(number, handler)
        assert script.closed
        return script


def too_many_files():
    raise EnvironmentError(errno.EMFILE, os.strerror(errno.EMFILE))
