# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The cases of storage over RDMA and of virtual functions, tests/cases: what is done, and what the node then has.

For each: operations, devices and files as expected; nothing to do the second time; everything as before when the
setting is off again; the same end wherever the process is killed and run again; a write that fails, whichever it is, is
undone with what came before it.  For those that are refused: every reason in one message, and nothing changed.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import os

import pytest

from plugin_lib.effect import files
from plugin_lib.errors import InputError
from tests.model import sriov_case, storage_case
from tests.model.case import expected, expected_files, failed, killed, names, writes

DONE, REFUSED = [[pytest.param(kind, folder, id=os.path.basename(folder)) for kind in (
    sriov_case.Case, storage_case.Case) for folder in names(kind.folder)[index]] for index in (0, 1)]

each = pytest.mark.parametrize('kind, folder', DONE)
WAYS = [pytest.param(True, id='on'), pytest.param(False, id='off')]


@pytest.fixture
def new(tmpdir, monkeypatch):
    """Makes the node of a case, before its setting is switched on, or off again."""
    made = []
    monkeypatch.setattr(files.os, 'fsync', lambda descriptor: None)  # nobody cuts the power, and disks are slow

    def make(kind, folder, is_on=True):
        node = kind(folder, tmpdir.mkdir(str(len(made))))
        made.append(node)
        if not is_on:
            node.play()
            node.switch(node.setting, 'false')
        return node
    return make


@each
def test_what_is_done_and_what_comes_of_it(new, kind, folder):
    case = new(kind, folder)
    before, _ = case.state()
    assert '\n'.join(case.play()) + '\n' == expected(folder, 'operations.txt')
    after, lines = case.state()
    assert ''.join(line + '\n' for line in lines) == expected(folder, kind.shown)
    assert after == expected_files(folder, before)


@each
def test_the_second_time_nothing_is_to_be_done(new, kind, folder):
    case = new(kind, folder)
    case.play()
    assert [line for line in case.run() if not line.startswith('found: ')] == []


@each
def test_when_the_setting_is_off_again_everything_is_as_before(new, kind, folder):
    case = new(kind, folder)
    before = case.switched_off(case.state())
    case.play()
    case.switch(kind.setting, 'false')
    case.go_on()
    assert case.switched_off(case.state()) == before
    assert case.run() == []


@pytest.mark.parametrize('is_on', WAYS)
@each
def test_killed_after_any_write_and_run_again_it_ends_the_same(new, kind, folder, is_on):
    whole = new(kind, folder, is_on)
    number = writes(whole)
    whole.go_on()
    for count in range(number):
        case = new(kind, folder, is_on)
        case.writes_left = count
        assert killed(case)
        case.go_on()
        assert case.state() == whole.state()
        assert set(case.restarted) == set(whole.restarted)


@pytest.mark.parametrize('is_on', WAYS)
@each
def test_killed_after_every_single_write_it_ends_the_same(new, kind, folder, is_on):
    whole, case = new(kind, folder, is_on), new(kind, folder, is_on)
    number, states = writes(whole), [case.state()]
    whole.go_on()
    case.writes_left = 1
    while killed(case):
        case.meanwhile()
        states.append(case.state())
        # A service that is restarted before that is forgotten is restarted again.
        case.writes_left = 1 if states[-1] != states[-2] else 2
    assert len(states) > number // 2, number
    case.writes_left = None
    case.go_on()
    assert case.state() == whole.state()


@pytest.mark.parametrize('is_on', WAYS)
@each
def test_every_write_fails_once_and_is_undone_with_what_came_before_it(new, kind, folder, is_on):
    whole, case = new(kind, folder, is_on), new(kind, folder, is_on)
    number, failures = writes(whole), 0
    whole.go_on()
    case.next_failing = 0
    while failed(case):
        failures += 1
        assert failures < 1000, case.failed
        assert case.failed.error.errno == errno.EIO
        assert case.failed.line().startswith('failed')
        if case.undone(case.state()) != case.undone(case.before_step):
            case.meanwhile()  # a child that went back to eipoibd is served again
            assert case.undone(case.state()) == case.undone(case.before_step)
    assert failures >= number
    case.go_on()
    assert case.state() == whole.state()


@pytest.mark.parametrize('kind, folder', REFUSED)
def test_what_cannot_be_is_refused_with_every_reason_before_anything_is_changed(new, kind, folder):
    case = new(kind, folder)
    before = case.state()
    with pytest.raises(InputError) as caught:
        case.play()
    assert '\n'.join(caught.value.lines()).replace(case.root, '') + '\n' == expected(folder, 'refused.txt')
    assert case.state() == before
