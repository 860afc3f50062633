# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Guests for the tests of this level."""
import pytest

from tests.vm import eipoibd, inside, kernel, machine


@pytest.fixture(scope='session')
def guest_kernel():
    try:
        return kernel.prepare()
    except kernel.Unavailable as reason:
        pytest.skip(f'level 2 cannot run here: {reason}')


@pytest.fixture(scope='session')
def running(guest_kernel):
    """One guest for all tests."""
    with machine.boot(guest_kernel) as guest:
        guest.call(inside.configure)
        yield guest


@pytest.fixture
def guest(running):
    """The guest with a card that has just been plugged in: two ports, ACTIVE, with the default key alone."""
    running.call(eipoibd.forget)
    running.call(inside.unplug)
    running.call(inside.plug_in)
    yield running
    running.call(eipoibd.forget)
    assert running.call(inside.complaints) == []
