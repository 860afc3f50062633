# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""When what failed is tried again: after 1 second, 2, 4 and so on, and at once when its circumstances change.

Each service of each EIPOIB interface (``eth4 vlan 100``) has a pace of its own, so that one P_Key that cannot be
served neither stops the others nor keeps the machine busy.
"""
from __future__ import absolute_import, print_function, unicode_literals

from collections import namedtuple

FIRST, LONGEST = 1.0, 300.0  # seconds


def delay(count):
    # type: (int) -> float
    """Seconds to wait after something failed ``count`` times in a row."""
    return min(LONGEST, FIRST * 2 ** min(count - 1, 30))


class Failure(namedtuple('Failure', 'eipoib count since circumstances error')):
    """What failed the last time it was tried.

    :param eipoib: name of the EIPOIB interface it is about
    :param count: how often in a row
    :param since: when it last was tried, in seconds
    :param circumstances: as :func:`circumstances` gave them then
    :param error: the InfinibandError
    """

    __slots__ = ()

    @property
    def due(self):
        # type: () -> float
        """When it is to be tried again, in seconds of the clock of ``since``."""
        return self.since + delay(self.count)


def circumstances(host):
    # type: (object) -> dict
    """{EIPOIB name: a value that changes when a step that failed has a new chance}.

    What steps themselves change for a moment is no part of it: a failure and its undo would count as news.

    :param host: state.Host
    """
    found = {}
    for eipoib in host.eipoibs.values():
        links = [(link.ifindex, link.up) for link in (host.interfaces.get(name) for name in
                                                      (eipoib.name, eipoib.parent)) if link]
        port = host.port_of(eipoib)
        found[eipoib.name] = eipoib.mac, links, port and (port.state, port.pkeys)
    return found


def held(failures, present, now):
    # type: (dict, dict, float) -> dict
    """Those of ``failures`` {subject: Failure} that are not to be tried now.

    :param present: the circumstances as they are
    :param now: seconds
    """
    return dict((subject, failure) for subject, failure in failures.items()
                if failure.due > now and failure.circumstances == present.get(failure.eipoib))


def after(failures, kept, outcomes, present, now):
    # type: (dict, frozenset, tuple, dict, float) -> dict
    """``failures`` after a pass.

    :param kept: the subjects that were held and still are to be done; what else was not tried has no failure any more
    :param outcomes: the effect.apply.Outcomes of the pass
    :param present: circumstances at the beginning of the pass
    """
    result = dict((subject, failures[subject]) for subject in kept)
    for outcome in outcomes:
        subject = outcome.step.subject
        if not outcome.error:
            result.pop(subject, None)
            continue
        eipoib = subject.split(' ')[0]
        before = failures.get(subject)
        again = before is not None and before.circumstances == present.get(eipoib)
        result[subject] = Failure(eipoib, before.count + 1 if again else 1, now, present.get(eipoib), outcome.error)
    return result
