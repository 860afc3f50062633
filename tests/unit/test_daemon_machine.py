# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Whatever happens to a node, eipoibd ends in the desired state and touches nothing of others: 2,000 steps of
tests/model/machine.py, the same ones in every run; ``./dev soak`` makes as many as one likes, others each time.

That the machine finds bugs was tried with bugs made by hand, which it found within 130 to 720 steps: the ifindex
forgotten in what is ours, the cut row of the page trusted, a cut page taken for a whole one, an asynchronous delete not
waited for, the key not masked, children of others changed or withdrawn or flushed, nothing noted before the deed, an
unreadable or garbled table or one of a port that is down taken at its word, a changed MAC not seen, a limited member
taken for a full one, interfaces not listed anew, half-made children not made anew.
"""
from __future__ import absolute_import, print_function, unicode_literals

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from plugin_lib.errors import InfinibandError
from tests.model.machine import Eipoibd
from tests.model.node import Node

LEAST_STEPS = 2000


def test_whatever_happens_to_a_node(capsys):
    before = Eipoibd.rules_run
    run_state_machine_as_test(Eipoibd, settings=settings(
        max_examples=80, stateful_step_count=50, derandomize=True, database=None))
    steps = Eipoibd.rules_run - before
    with capsys.disabled():
        print('\n{0} steps of the state machine'.format(steps))
    assert steps >= LEAST_STEPS


def test_an_error_that_stops_a_pass_is_one_of_ours(tmpdir):
    node = Node(tmpdir)
    tmpdir.join('children.json').write('no ledger')
    with pytest.raises(InfinibandError) as refused:
        node.once()
    assert 'children.json' in refused.value.one_line()
    assert node.children() == []
