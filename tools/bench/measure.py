# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What a case of the bench hands back, and how it gets there."""
from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent


class Result(NamedTuple):
    """A line of the table.

    :param value: of the plugin, in ``unit``
    :param reference: what it is compared with, in the same unit
    :param ratio: value / reference, or reference / value where faster is asked for ("at least")
    :param limit: what the ratio may be at most, or must be at least
    """

    name: str
    value: float
    unit: str
    reference: float
    ratio: float
    limit: float
    ok: bool


def at_most(name, value, reference, limit, unit='ms'):
    ratio = value / reference
    return Result(name, round(value, 3), unit, round(reference, 3), round(ratio, 2), limit, ratio <= limit)


def at_least(name, value, reference, limit):
    ratio = reference / value
    return Result(name, round(value, 3), 'ms', round(reference, 3), round(ratio, 1), limit, ratio >= limit)


def within(name, value, allowed, unit):
    """A value that has a limit of its own: the reference is what is allowed."""
    return Result(name, round(value, 3), unit, allowed, round(value / allowed, 2) if allowed else value, 1,
                  value <= allowed)


def in_turn(rounds, *functions, clock=time.perf_counter):
    """The median milliseconds of each function, called in turn."""
    times = [[] for _ in functions]
    for _ in range(rounds):
        for function, seen in zip(functions, times):
            started = clock()
            function()
            seen.append(clock() - started)
    return [statistics.median(seen) * 1000 for seen in times]
