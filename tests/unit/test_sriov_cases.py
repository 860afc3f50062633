# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The cases of virtual functions, tests/cases/sriov: what is done, what the kernel then has, and what nova reads.

For each: operations, files and virtual functions as expected; nothing to do the second time; everything as before when
the setting is off again; the same end wherever the process is killed and run again; a write that fails is undone, with
all that came before it.  For those that are refused: every reason in one message, and nothing changed.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import os

import pytest

from plugin_lib.errors import ApplyError, InputError
from tests.model.case import expected, expected_files, killed_everywhere, names
from tests.model.sriov_case import Case

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'cases', 'sriov')
DONE, REFUSED = names(FOLDER)
# The others have the same writes, more of them.
SMALL = [path for path in DONE if not path.endswith(('/most-functions', '/two-devices', '/connectx3-compute'))]


@pytest.mark.parametrize('name', DONE)
def test_what_is_done_and_what_comes_of_it(tmpdir, name):
    case = Case(name, tmpdir)
    before = case.files()
    assert '\n'.join(case.settle()) + '\n' == expected(name, 'operations.txt')
    assert ''.join(line + '\n' for line in case.virtual()) == expected(name, 'virtual.txt')
    assert case.files() == expected_files(name, before)


@pytest.mark.parametrize('name', DONE)
def test_the_second_time_nothing_is_to_be_done(tmpdir, name):
    case = Case(name, tmpdir)
    case.settle()
    assert [line for line in case.run() if not line.startswith('found: ')] == []


@pytest.mark.parametrize('name', DONE)
def test_when_the_setting_is_off_again_everything_is_as_before(tmpdir, name):
    case = Case(name, tmpdir)
    files, virtual = case.state()
    ours = [path for path in files if path.endswith(('sriov.json', 'fuel-infiniband-sriov.conf'))]
    case.settle()
    case.switch('sriov', 'false')
    case.settle()
    assert case.files() == dict((path, files[path]) for path in files if path not in ours)
    assert [line.split()[0] for line in case.virtual()] == ([] if ours else [line.split()[0] for line in virtual])


@pytest.mark.parametrize('setting', ['true', 'false'])
@pytest.mark.parametrize('name', SMALL)
def test_killed_after_any_write_and_run_again_it_ends_the_same(tmpdir, name, setting):
    def made(folder):
        case = Case(name, tmpdir.mkdir(folder))
        if setting == 'false':
            case.settle()
            case.switch('sriov', 'false')
        return case

    for case, whole in killed_everywhere(made, Case.settle):
        case.settle()
        assert case.state() == whole.state()
        assert set(case.restarted) == set(whole.restarted)


@pytest.mark.parametrize('name', [os.path.join(FOLDER, each) for each in (
    'connectx3-compute', 'connectx4-compute', 'controller')])
def test_a_change_that_fails_is_undone_with_what_came_before_it(tmpdir, name):
    whole = Case(name, tmpdir.mkdir('whole'))
    subjects = set(line.rpartition(' ')[2] for line in whole.settle() if line.startswith('  '))
    for number, subject in enumerate(sorted(subjects)):
        case = Case(name, tmpdir.mkdir('failing-{0}'.format(number)))
        case.failing = {subject: errno.EIO}
        with pytest.raises(ApplyError) as caught:
            case.settle()
        assert caught.value.errno == errno.EIO
        if '/restart/' not in subject:  # a marker that cannot be removed stays
            assert case.before_step == case.state()
        case.failing = {}
        case.settle()
        assert case.state() == whole.state()


@pytest.mark.parametrize('name', REFUSED)
def test_what_cannot_be_is_refused_with_every_reason_before_anything_is_changed(tmpdir, name):
    case = Case(name, tmpdir)
    before = case.state()
    with pytest.raises(InputError) as caught:
        case.settle()
    assert '\n'.join(caught.value.lines()).replace(case.root, '') + '\n' == expected(name, 'refused.txt')
    assert case.state() == before
