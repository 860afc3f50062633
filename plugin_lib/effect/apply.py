# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Applies the steps of a plan: each is done whole, or undone."""
from __future__ import absolute_import, print_function, unicode_literals

from collections import namedtuple

from plugin_lib.errors import InfinibandError


class Outcome(namedtuple('Outcome', 'step performed error')):
    """What became of a step.

    :param performed: tuple of the operations that succeeded, in order, those that undid others included
    :param error: the InfinibandError that stopped it, None when all of it was done
    """

    __slots__ = ()

    def line(self):
        # type: () -> str
        """How it went: ``done``, or what became of the part that was done."""
        if not self.error:
            return 'done'
        done = len([1 for one, planned in zip(self.performed, self.step.operations) if one is planned])
        left = done - len(self.performed[done:])
        return 'failed' + (', undone but for {0} of {1} operations'.format(left, done) if left else
                           ', undone' if done else '')


def apply(steps, executor, keep_going=False, stop=None):
    # type: (tuple, object, bool, object) -> tuple
    """Do the steps in order.

    :param executor: has ``do(operation)``, which raises InfinibandError
    :param keep_going: go on with the next step after one that failed
    :param stop: asked before each step; when it answers True the rest is left
    :returns: tuple of Outcomes, without the steps that were not begun
    """
    outcomes = []
    for step in steps:
        if stop and stop():
            break
        outcomes.append(_apply_step(step, executor))
        if outcomes[-1].error and not keep_going:
            break
    return tuple(outcomes)


def _apply_step(step, executor):
    performed = []
    for operation in step.operations:
        try:
            executor.do(operation)
        except InfinibandError as error:
            return Outcome(step, tuple(performed + _undo(performed, executor)), error)
        performed.append(operation)
    return Outcome(step, tuple(performed), None)


def _undo(performed, executor):
    """What could be undone of ``performed``; the rest is left for the next plan, which looks at what is there."""
    undone = []
    for operation in reversed(performed):
        undo = operation.undo()
        if undo is None:
            continue
        try:
            executor.do(undo)
        except InfinibandError:
            continue
        undone.append(undo)
    return undone
