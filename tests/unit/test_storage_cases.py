# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The cases of storage over RDMA, tests/cases/storage: what is done, and what node, Hiera and Cinder then have.

For each: operations, interfaces and files as expected; nothing to do the second time, for eipoibd neither; everything
as before when the setting is off again; the same end wherever the process is killed and run again; a change that fails
is taken back.  For those that are refused: every reason in one message, and nothing changed.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import os

import pytest

from plugin_lib import stages
from plugin_lib.effect import files
from plugin_lib.errors import ApplyError, InputError
from tests.model.case import expected, expected_files, killed_everywhere, names
from tests.model.storage_case import Case

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'cases', 'storage')
DONE, REFUSED = names(FOLDER)
TAGGED = [os.path.join(FOLDER, name) for name in (
    '9.2-tagged-cinder', '8.0-tagged-cinder', '7.0-tagged-shared', '7.0-tagged-theirs', '6.1-tagged-cinder')]
# Between them they have every kind of write.
SMALL = [os.path.join(FOLDER, name) for name in ('9.2-tagged-cinder', '9.2-untagged-compute', '7.0-tagged-shared')]

each = pytest.mark.parametrize('folder', DONE, ids=os.path.basename)
some = pytest.mark.parametrize('folder', SMALL, ids=os.path.basename)


@each
def test_what_is_done_and_what_comes_of_it(tmpdir, folder):
    case = Case(folder, tmpdir)
    before = case.state()[0]
    assert '\n'.join(case.deploy()) + '\n' == expected(folder, 'operations.txt')
    after, interfaces = case.state()
    assert ''.join(line + '\n' for line in interfaces) == expected(folder, 'interfaces.txt')
    assert after == expected_files(folder, before)


@each
def test_the_second_time_nothing_is_to_be_done_for_eipoibd_neither(tmpdir, folder):
    case = Case(folder, tmpdir)
    case.deploy()
    assert [line for line in case.run() if not line.startswith('found: ')] == []
    assert case.serve() == ()
    case.switch('queue_size', "'64'", "'128'")
    assert [line for line in case.run() if not line.startswith('found: ')] == []


@each
def test_when_the_setting_is_off_again_everything_is_as_before(tmpdir, folder):
    case = Case(folder, tmpdir)
    before = case.state()
    case.deploy()
    restarted = len(case.restarted)
    case.switch('storage_rdma', 'false')
    case.deploy()
    case.serve()
    assert case.state() == before
    assert len(case.restarted) == 2 * restarted
    assert case.run() == []


@pytest.mark.parametrize('folder', TAGGED, ids=os.path.basename)
def test_another_vlan_leaves_nothing_of_the_one_before(tmpdir, folder):
    case, fresh = Case(folder, tmpdir.mkdir('changed')), Case(folder, tmpdir.mkdir('fresh'))
    case.deploy()
    for node in (case, fresh):
        files.write_atomically(node.root + '/astute.yaml', node.read('/astute.yaml').replace('.202', '.203'), 0o644)
        node.deploy()
        node.serve()
    assert case.state() == fresh.state()
    assert 'ib0.80cb' in case.read('/etc/fuel-infiniband/storage.json')


@pytest.mark.parametrize('setting', ['true', 'false'])
@each
def test_killed_after_any_write_and_run_again_it_ends_the_same(tmpdir, folder, setting):
    def made(name):
        case = Case(folder, tmpdir.mkdir(name))
        if setting == 'false':
            case.deploy()
            case.switch('storage_rdma', 'false')
        return case

    for case, whole in killed_everywhere(made, Case.run):
        case.serve()  # eipoibd goes on meanwhile
        case.run()
        whole.serve()
        case.serve()
        assert case.state() == whole.state()
        assert set(case.restarted) == set(whole.restarted)


@some
def test_a_change_that_fails_is_taken_back_with_what_came_before_it(tmpdir, folder):
    whole, failed = Case(folder, tmpdir.mkdir('whole')), 0
    whole.run()
    for number, target in enumerate((
            '/sys/class/net/ib0/create_child', '/sys/class/net/ib0.80ca/mode', '/sys/class/net/ib0/mode', 'ib0.80ca',
            '/etc/hiera/plugins/infiniband.yaml', '/etc/hiera/override/plugins.yaml', 'ib_iser',
            '/etc/cinder/cinder.conf', 'cinder-volume')):
        case = Case(folder, tmpdir.mkdir('failing-{0}'.format(number)))
        case.failing = {target: errno.EIO}
        try:
            case.run()
        except ApplyError as error:
            assert error.errno == errno.EIO
            case.failing = {}
            case.serve()
            failed += 1
            before, interfaces = case.before_step
            assert case.state()[0] == before
            assert [line.split()[0] for line in case.interfaces()] == [line.split()[0] for line in interfaces]
        case.failing = {}
        case.run()
        assert case.state() == whole.state()
    assert failed > 2


@pytest.mark.parametrize('folder', REFUSED, ids=os.path.basename)
def test_preflight_tells_before_anything_what_published_data_tells(tmpdir, folder):
    case = Case(folder, tmpdir)
    found = ''.join(finding.text for finding in stages.preflight(case.node()) if finding.level == 'FAIL')
    reasons = [line.partition('why:')[2].strip() for line in expected(folder, 'refused.txt').splitlines()]
    of_machine = ('mlx4_0 port', 'it holds no mapping', 'another plugin')
    assert [why for why in reasons if why not in found and not why.startswith(of_machine)] == []


@pytest.mark.parametrize('folder', REFUSED, ids=os.path.basename)
def test_what_cannot_be_is_refused_with_every_reason_before_anything_is_changed(tmpdir, folder):
    case = Case(folder, tmpdir)
    before = case.state()
    with pytest.raises(InputError) as caught:
        case.run()
    assert '\n'.join(caught.value.lines()).replace(case.root, '') + '\n' == expected(folder, 'refused.txt')
    assert case.state() == before
