# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""eipoibd as a service: a pass whenever something happened, and now and then when nothing did."""
from __future__ import absolute_import, print_function, unicode_literals

import os
import signal

from plugin_lib._compat import monotonic
from plugin_lib.daemon import config, locks
from plugin_lib.daemon.convergence import converge
from plugin_lib.daemon.events import LINKS, TALK, Events
from plugin_lib.daemon.history import Failures, Withdrawals
from plugin_lib.daemon.notify import Notifier
from plugin_lib.daemon.report import Report
from plugin_lib.daemon.status import Status
from plugin_lib.errors import InfinibandError
from plugin_lib.host import machine
from plugin_lib.host.topology import Surroundings
from plugin_lib.planning import backoff, talkers

# Reasons for a pass, beside LINKS, where interfaces of others have changed, and TALK, where not even these have.
RESYNC, OTHER = 'resync', 'other'


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
        self._manager = Notifier(os.environ)
        self._withdrawals, self._failures = Withdrawals(), Failures()
        self._surroundings = Surroundings(source)
        self._host = None      # at the end of the last pass
        self._interfaces = {}  # {(HCA, port): name of the EIPOIB interface} of the last pass
        self._failed_passes = 0
        self._next_removal = None
        self._stopping = self._reread = False

    def run(self):
        # type: () -> None
        """Serve until SIGTERM or SIGINT; the network stays as it is then.

        :raises InfinibandError: when another service runs, or there can be no events
        """
        with locks.held(self._folder, locks.SERVICE):
            events = Events(self._source.tree, self._surroundings, self._log)
            try:
                self._catch_signals()
                self._log.write('info', 'start', ('pid', os.getpid()),
                                ('resync_interval', self._config.resync_interval))
                self._serve(events)
            finally:
                events.close()
            self._log.write('info', 'stop')

    def _serve(self, events):
        reason = RESYNC
        while not self._stopping:
            events.follow(reason not in (LINKS, TALK))
            self._pass(reason)
            self._manager.send('READY=1', 'STATUS={0}'.format(self._status.summary()))
            reason = self._wait(events)
            if self._reread and not self._stopping:
                self._manager.send('RELOADING=1')
                self._read_config()
        self._manager.send('STOPPING=1')

    def _pass(self, reason):
        self._manager.alive()
        last, self._host = self._host if reason in (LINKS, TALK) else None, None
        try:
            with locks.held(self._folder, locks.PASS, locks.PASS_TIMEOUT, stop=self._between_steps):
                result = converge(self._source, self._executor, self._ledger, self._withdrawals.decide,
                                  self._between_steps, self._failures.held, self._config, self._talk, last,
                                  reason != TALK)
            self._host = result.host
            self._failures.note(result)
            self._interfaces = dict(((eipoib.hca, eipoib.port), name) for name, eipoib in result.host.eipoibs.items())
            self._next_removal = result.next_removal
            self._report.result(result, self._failures.by_subject)
            self._status.update(result, self._failures.by_subject, reason == RESYNC)
        except locks.Stopped:
            pass
        except InfinibandError as error:
            self._failed_passes += 1
            self._report.failure(error)
            self._note_failure(error)
        else:
            self._failed_passes = 0
            self._report.recovered()

    def _between_steps(self):
        self._manager.alive()
        return self._stopping

    def _note_failure(self, error):
        try:
            self._status.fail(error)
        except InfinibandError:
            pass  # whoever cannot write a status either has said enough in the log

    def _talk(self, eipoibs):
        return talkers.find(self._surroundings.read(), eipoibs)

    def _wait(self, events):
        """Until there is reason for another pass, which is returned; RESYNC: nothing happened for long."""
        now = monotonic()
        resync = now + self._config.resync_interval
        pauses = [backoff.delay(self._failed_passes)] if self._failed_passes else [
            self._next_removal, self._failures.pause(), self._surroundings.pause()]
        wake = min([resync] + [now + pause for pause in pauses if pause is not None])
        while True:
            left = wake - monotonic()
            if left <= 0:
                return RESYNC if wake == resync else OTHER
            watchdog = self._manager.pause()
            happened = events.wait(left if watchdog is None else min(left, watchdog))
            self._manager.alive()
            if happened:
                # Link events reset nothing: what fails makes some itself.  What changed is seen by the next look.
                self._failures.forget(frozenset(self._interfaces.get(port) for port in happened
                                                if port not in (None, LINKS, TALK)))
                reason = self._reason(happened)
                if reason:
                    return reason

    def _reason(self, happened):
        """The reason for a pass that events are; None where they are but the echo of the last one."""
        host = self._host
        if not happened <= frozenset([LINKS, TALK]) or host is None or host.problems:
            return OTHER
        if LINKS in happened:
            try:
                changed = machine.changes(self._source, host)
            except InfinibandError:
                return OTHER  # the pass tells
            if any(kind != 'ethernet' or name in host.eipoibs for name, kind in changed) or any(
                    child.pkey is None for child in host.children.values()):
                return OTHER
            if changed:
                return LINKS
        return TALK if TALK in happened else None

    def _read_config(self):
        self._reread = False
        self._failures.forget()
        try:
            self._config = config.read(self._config_path)
        except InfinibandError as error:
            self._log.error('reload', error)
            return
        self._log.level = self._config.log_level
        self._log.write('info', 'reload', ('resync_interval', self._config.resync_interval))

    def _catch_signals(self):
        for number, handler in ((signal.SIGTERM, self._on_stop), (signal.SIGINT, self._on_stop),
                                (signal.SIGHUP, self._on_reload)):
            signal.signal(number, handler)
            signal.siginterrupt(number, False)  # Python 2 would end a system call in the middle of a pass with EINTR

    def _on_stop(self, number, frame):
        self._stopping = True

    def _on_reload(self, number, frame):
        self._reread = True
