# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""For how long the P_Keys of our children have been away: the one thing that a single look cannot tell."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib._compat import monotonic
from plugin_lib.planning import withdrawal


class Absences(object):
    """Remembers since when each child's key has been absent.

    A key that comes back, a port that is not ACTIVE and a table that cannot be
    read all end an absence; it counts anew from the next look that shows one.

    :param clock: seconds that never step
    """

    def __init__(self, clock=monotonic):
        # type: (object) -> None
        self._clock = clock
        self._since = {}

    def ages(self, host, ours):
        # type: (object, dict) -> dict
        """{child: seconds of absence without a break} as of now."""
        now = self._clock()
        gone = [name for names, _ in withdrawal.absent(host, ours).values() for name in names]
        self._since = dict((name, self._since.get(name, now)) for name in gone)
        return dict((name, now - since) for name, since in self._since.items())
