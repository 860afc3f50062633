# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What happens at one change of a pass: a refusal, the death of the process, a turn of the world."""
from __future__ import absolute_import, print_function, unicode_literals

from tests.model.listener import Listener


class Crash(BaseException):
    """The process is killed."""


class Disturbance(Listener):
    """Counts the changes of a pass, and does something at one of them.

    :param at: how many changes of the kind go well before; None: nothing is done
    :param act: called with the change's target; may raise
    :param kind: part of the verb or target of the changes that count
    :param late: whether it is done after the change
    """

    def __init__(self, at=None, act=None, kind='', late=False):
        self.changes = 0
        self._left = at
        self._act = act
        self._kind = kind
        self._late = late

    def before(self, verb, target, text):
        self.changes += 1
        if self._left is not None and self._kind in verb + ' ' + target:
            self._left -= 1
            if self._left == -1 and not self._late:
                self._act(target)

    def after(self, verb, target, text):
        if self._left == -1 and self._late and self._kind in verb + ' ' + target:
            self._left -= 1
            self._act(target)
