# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The model that levels 0 and 1 stand on answers as the real kernel does.

Covered: every operation of tests/vm/operations.py gives the same error and leaves the same state on both, whether the
list was written by hand, fills more than a page, or is drawn at random. Of ib_ipoib this compares with the real driver;
of eth_ipoib with the stand-in, which was written from the same facts.
"""
import pytest

from tests.vm import operations

# {name: (operations, after how many of them the states are compared)}
LISTS = {'by hand': (operations.by_hand(), 1), 'full page': (operations.full_page(), 51),
         'random 1': (operations.at_random(1, 120), 1), 'random 2': (operations.at_random(2, 120), 1)}


@pytest.mark.parametrize('name', list(LISTS))
def test_same_answers_and_states(guest, name):
    todo, every = LISTS[name]
    modelled = operations.perform(operations.Modelled(), todo, every)
    real = guest.call(operations.perform_here, todo, every)
    differences = []
    for number, operation in enumerate(todo):
        differences += [f'{number} {operation}: {line}' for line in difference(modelled[number], real[number])]
    assert differences[:12] == []


def difference(modelled, real):
    """Lines that tell in what two [answer, state] differ."""
    if modelled[0] != real[0]:
        yield f'the model says {modelled[0]}, the kernel {real[0]}'
    if real[1] is None:
        return
    for name in sorted(set(modelled[1]) | set(real[1])):
        ours, theirs = modelled[1].get(name), real[1].get(name)
        if ours == theirs:
            continue
        if not isinstance(ours, dict) or not isinstance(theirs, dict):
            yield f'{name}: {ours} in the model, {theirs} in the kernel'
            continue
        for key in sorted(set(ours) | set(theirs)):
            if ours.get(key) != theirs.get(key):
                yield f'{name} {key}: {ours.get(key)} in the model, {theirs.get(key)} in the kernel'
