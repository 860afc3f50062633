# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The cases of storage over RDMA, tests/cases/storage, beyond test_case_folders.py.

Covered: eipoibd leaves storage alone; Cinder is restarted once each way; another VLAN leaves nothing of the one before;
an address that Fuel itself puts where we have put it stays; preflight tells what published data tells.
"""
from __future__ import absolute_import, print_function, unicode_literals

import os

import pytest

from plugin_lib import stages
from plugin_lib.paths import OWN_HIERA_FILE
from plugin_lib.planning.iser import CINDER_FILE
from plugin_lib.planning.storage_steps import interface_file
from tests.model.case import expected, names
from tests.model.storage_case import Case

DONE, REFUSED = names(Case.folder)
TAGGED = [os.path.join(Case.folder, name) for name in (
    '9.2-tagged-cinder', '8.0-tagged-cinder', '7.0-tagged-shared', '7.0-tagged-theirs', '6.1-tagged-cinder')]

each = pytest.mark.parametrize('folder', DONE, ids=os.path.basename)


@each
def test_eipoibd_and_its_settings_leave_storage_alone(tmpdir, folder):
    case = Case(folder, tmpdir)
    case.play()
    assert case.serve() == ()
    case.switch('queue_size', "'64'", "'128'")
    assert [line for line in case.run() if not line.startswith('found: ')] == []


@each
def test_services_are_restarted_once_each_way(tmpdir, folder):
    case = Case(folder, tmpdir)
    case.play()
    restarted = list(case.restarted)
    case.switch('storage_rdma', 'false')
    case.play()
    assert case.restarted == 2 * restarted


@pytest.mark.parametrize('folder', TAGGED, ids=os.path.basename)
def test_another_vlan_leaves_nothing_of_the_one_before(tmpdir, folder):
    case, fresh = Case(folder, tmpdir.mkdir('changed')), Case(folder, tmpdir.mkdir('fresh'))
    case.play()
    for node in (case, fresh):
        node.switch_text('.202', '.203')
        node.play()
        node.serve()
    assert case.state() == fresh.state()
    assert 'ib0.80cb' in case.read('/etc/fuel-infiniband/storage.json')


def test_an_address_stays_where_fuel_itself_has_come_to_put_it(tmpdir):
    case = Case(os.path.join(Case.folder, '9.2-roce-tagged-cinder'), tmpdir)
    case.play()
    case.write(interface_file('ens5.202'), 'netconfig wrote it\n')
    for of, to in ((' bridge: br-storage,', ''), ('  - {action: add-br, name: br-storage}\n', ''),
                   ('br-storage', 'ens5.202')):
        case.switch_text(of, to)
    assert case.run_stage('storage') == ['storage: storage (storage leaves ens5.202)',
                                         '  remove /etc/fuel-infiniband/storage.json',
                                         '  remove /etc/hiera/plugins/infiniband.yaml']
    assert case.read(interface_file('ens5.202'))


@pytest.mark.parametrize('folder', REFUSED, ids=os.path.basename)
def test_preflight_tells_before_anything_what_published_data_tells(tmpdir, folder):
    case = Case(folder, tmpdir)
    found = ''.join(finding.text for finding in stages.preflight(case.node()) if finding.level == 'FAIL')
    reasons = [line.partition('why:')[2].strip() for line in expected(folder, 'refused.txt').splitlines()]
    of_machine = ('mlx4_0 port', 'storage is to move to ib0')
    assert [why for why in reasons if why not in found and not why.startswith(of_machine)] == []


def test_preflight_tells_of_files_that_nobody_can_edit(tmpdir):
    case = Case(os.path.join(Case.folder, '9.2-tagged-cinder'), tmpdir)
    for path in (CINDER_FILE, OWN_HIERA_FILE):
        case.write(path, 'no option\n')
    found = [finding.subject for finding in stages.preflight(case.node()) if finding.level == 'FAIL']
    assert [path for path in (CINDER_FILE, OWN_HIERA_FILE) if not any(path in subject for subject in found)] == []
