# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What a single look cannot tell: for how long P_Keys have been away, and what failed before."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib._compat import monotonic
from plugin_lib.planning import backoff, departures, withdrawal


class Absences(object):
    """Remembers since when what a child is there for has been absent: its key, or who talks through it.

    What comes back ends an absence, and so does a look at which it is not known to be absent (a port that is not
    ACTIVE, a table that cannot be read); it counts anew from the next look that shows one.

    :param clock: seconds that never step
    """

    def __init__(self, clock=monotonic):
        # type: (object) -> None
        self._clock = clock
        self._since = {}

    def ages(self, absent):
        # type: (list) -> dict
        """{child: seconds of absence without a break} as of now.

        :param absent: names of the children for which it is absent at this look
        """
        now = self._clock()
        self._since = dict((name, self._since.get(name, now)) for name in absent)
        return dict((name, now - since) for name, since in self._since.items())


class Withdrawals(object):
    """Decides what may be taken down, by what it has seen before.

    :param clock: seconds that never step
    """

    def __init__(self, clock=monotonic):
        # type: (object) -> None
        self._keys, self._talkers = Absences(clock), Absences(clock)

    def decide(self, host, ours, talkers, settings):
        # type: (object, dict, object, object) -> object
        """The planning.withdrawal.Withdrawal of now.

        :param talkers: planning.talkers.Talkers
        :param settings: daemon.config.Config
        """
        without_key = [name for each in withdrawal.absent(host, ours).values() for name in each[0]]
        silent = departures.gone(host, ours, talkers)
        return departures.both(
            withdrawal.decide(host, ours, self._keys.ages(without_key), settings.removal_grace,
                              settings.mass_removal_hold),
            departures.decide([name for name in silent if name not in without_key], self._talkers.ages(silent),
                              settings.vif_grace))


class Failures(object):
    """Remembers what failed, so that it is tried again at its own pace.

    :param clock: seconds that never step
    """

    def __init__(self, clock=monotonic):
        # type: (object) -> None
        self._clock = clock
        self._present = {}
        self._held = frozenset()
        self.by_subject = {}  # {subject: planning.backoff.Failure}

    def held(self, host):
        # type: (object) -> dict
        """{subject: InfinibandError} of what is not to be tried now; call it at the beginning of a pass."""
        self._present = backoff.circumstances(host)
        waiting = backoff.held(self.by_subject, self._present, self._clock())
        self._held = frozenset(waiting)
        return dict((subject, failure.error) for subject, failure in waiting.items())

    def note(self, result):
        # type: (object) -> None
        """Remember what a daemon.convergence.Result tells."""
        self.by_subject = backoff.after(self.by_subject, self._held & result.wanted, result.outcomes, self._present,
                                        self._clock())

    def forget(self, eipoibs=None):
        # type: (frozenset) -> None
        """Something happened to these EIPOIB interfaces (None: to all): what failed there is tried again at once."""
        self.by_subject = dict((subject, failure) for subject, failure in self.by_subject.items()
                               if eipoibs is not None and failure.eipoib not in eipoibs)

    def pause(self):
        # type: () -> float
        """Seconds until something is to be tried again; None when nothing is."""
        due = [failure.due for failure in self.by_subject.values()]
        return max(0.0, min(due) - self._clock()) if due else None
