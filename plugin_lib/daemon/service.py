# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""eipoibd as a service: a pass whenever something happened, and now and then when nothing did."""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import fcntl
import os
import signal

from plugin_lib._compat import monotonic, readable
from plugin_lib.daemon import config, locks
from plugin_lib.daemon.convergence import converge
from plugin_lib.daemon.history import Absences
from plugin_lib.daemon.report import Report
from plugin_lib.daemon.status import Status
from plugin_lib.effect import rtnetlink
from plugin_lib.errors import InfinibandError
from plugin_lib.planning import withdrawal

# A step that failed and was undone makes link events of its own: without a pause it would be tried without end.
RETRY_DELAY = 5.0


class Service(object):
    """The loop.

    :param source: a live Source
    :param executor: effect.executor.Executor
    :param ledger: effect.ledger.Ledger
    :param folder: where lock, ledger and status are
    :param config_path: as for config.read
    :param log: daemon.log.Log
    """

    def __init__(self, source, executor, ledger, folder, config_path, log):
        # type: (object, object, object, str, str, object) -> None
        self._source = source
        self._executor = executor
        self._ledger = ledger
        self._folder = folder
        self._config_path = config_path
        self._config = config.read(config_path)
        self._log = log
        self._log.level = self._config.log_level
        self._status = Status(folder, 'service')
        self._report = Report(log)
        self._absences = Absences()
        self._stopping = self._reread = False

    def run(self):
        # type: () -> None
        """Serve until SIGTERM or SIGINT; the network stays as it is then.

        :raises InfinibandError: when another service runs, or there can be no events
        """
        with locks.held(self._folder, locks.SERVICE):
            wakeup = self._catch_signals()
            events = rtnetlink.subscribe()
            self._log.write('info', 'start', ('pid', os.getpid()), ('resync_interval', self._config.resync_interval))
            while not self._stopping:
                failed = self._pass()
                self._wait(events, wakeup, failed)
            self._log.write('info', 'stop')

    def _pass(self):
        """One pass; True when something of it failed."""
        try:
            with locks.held(self._folder, locks.PASS, locks.PASS_TIMEOUT):
                result = converge(self._source, self._executor, self._ledger, self._withdraw, lambda: self._stopping)
            self._report.result(result)
            self._status.update(result)
        except InfinibandError as error:
            self._report.failure(error)
            self._note_failure(error)
            return True
        self._report.recovered()
        return bool(result.errors)

    def _note_failure(self, error):
        try:
            self._status.fail(error)
        except InfinibandError:
            pass  # whoever cannot write a status either has said enough in the log

    def _withdraw(self, host, ours):
        return withdrawal.decide(host, ours, self._absences.ages(host, ours),
                                 self._config.removal_grace, self._config.mass_removal_hold)

    def _wait(self, events, wakeup, failed):
        """Until there is reason for another pass."""
        now = monotonic()
        resync, earliest = now + self._config.resync_interval, now + (RETRY_DELAY if failed else 0)
        while not self._stopping:
            if self._reread:
                self._read_config()
                return
            now = monotonic()
            if now >= resync:
                return
            # Before ``earliest`` events wait in the socket, and only signals wake us.
            sources = [wakeup] + ([events] if now >= earliest else [])
            ready = readable(sources, max(0, (resync if now >= earliest else min(earliest, resync)) - now))
            if wakeup in ready:
                _drain_pipe(wakeup)
            if events in ready:
                rtnetlink.drain(events)
                return

    def _read_config(self):
        self._reread = False
        try:
            self._config = config.read(self._config_path)
        except InfinibandError as error:
            self._log.error('reload', error)
            return
        self._log.level = self._config.log_level
        self._log.write('info', 'reload', ('resync_interval', self._config.resync_interval))

    def _catch_signals(self):
        """The end of a pipe that becomes readable when a signal has come."""
        wakeup, end = os.pipe()
        for descriptor in (wakeup, end):
            fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) | os.O_NONBLOCK)
            fcntl.fcntl(descriptor, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
        signal.set_wakeup_fd(end)
        for number, handler in ((signal.SIGTERM, self._on_stop), (signal.SIGINT, self._on_stop),
                                (signal.SIGHUP, self._on_reload)):
            signal.signal(number, handler)
            signal.siginterrupt(number, False)  # Python 2 would end a system call in the middle of a pass with EINTR
        return wakeup

    def _on_stop(self, number, frame):
        self._stopping = True

    def _on_reload(self, number, frame):
        self._reread = True


def _drain_pipe(descriptor):
    try:
        while os.read(descriptor, 512):
            pass
    except EnvironmentError as error:
        if error.errno not in (errno.EAGAIN, errno.EINTR):
            raise
