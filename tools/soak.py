# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``./dev soak``: many more steps of tests/model/machine.py than the tests make, other ones each time.

Every round has a seed of its own; that of a round that fails is printed, and brings the same failure again, shortened.
"""
from __future__ import annotations

import argparse
import itertools
import os
import random
import sys
import time
import traceback
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait

import hypothesis
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import Eipoibd

STEPS = 100_000
PROGRESS_SECONDS = 5
EXAMPLES_A_ROUND, STEPS_AN_EXAMPLE = 20, 50


def play(seed, shrink=False):
    """One round: (seed, steps, None or the failure with the steps that lead to it; ``shrink``: with the fewest)."""
    machine = hypothesis.seed(seed)(type('Eipoibd', (Eipoibd,), {}))
    before = Eipoibd.rules_run
    failure = None
    try:
        run_state_machine_as_test(machine, settings=hypothesis.settings(
            max_examples=EXAMPLES_A_ROUND, stateful_step_count=STEPS_AN_EXAMPLE, deadline=None, database=None,
            phases=[hypothesis.Phase.generate] + [hypothesis.Phase.shrink] * shrink,
            suppress_health_check=list(hypothesis.HealthCheck)))
    except Exception:
        failure = traceback.format_exc()
    return seed, Eipoibd.rules_run - before, failure


def main(arguments):
    parser = argparse.ArgumentParser(prog='./dev soak', description=__doc__.splitlines()[0])
    parser.add_argument('--steps', type=int, default=STEPS, help='how many to make (%(default)s)')
    parser.add_argument('--seed', type=int, help='play this round alone, and shorten what fails')
    parser.add_argument('--processes', type=int, default=os.cpu_count(), help='at a time (%(default)s)')
    options = parser.parse_args(arguments)
    if options.seed is not None:
        return 0 if _passed(*play(options.seed, shrink=True)) else 1
    return 0 if soak(options.steps, options.processes) else 1


def soak(wanted, processes):
    """Play rounds until ``wanted`` steps are made or one failed; whether all went well."""
    seeds = itertools.count(random.SystemRandom().randrange(2 ** 32))
    started = told = time.monotonic()
    done = 0
    with ProcessPoolExecutor(processes) as pool:
        pending = {pool.submit(play, next(seeds)) for _ in range(processes)}
        while pending:
            finished, pending = wait(pending, return_when=FIRST_COMPLETED)
            for round_ in finished:
                seed, steps, failure = round_.result()
                done += steps
                if not _passed(seed, steps, failure):
                    return False
                if done < wanted:
                    pending.add(pool.submit(play, next(seeds)))
            now = time.monotonic()
            if now - told > PROGRESS_SECONDS or not pending:
                told = now
                print(f'{done} of {wanted} steps, {done / (now - started):.0f} a second in {processes} processes',
                      flush=True)
    print(f'{done} steps in {time.monotonic() - started:.0f} s: eipoibd always came to the desired state')
    return True


def _passed(seed, steps, failure):
    if failure:
        print(f'{failure}\nfailed after {steps} steps; again: ./dev soak --seed {seed}', flush=True)
    return not failure


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
