# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""How many virtual functions a device has, beyond the cases of tests/cases/sriov.

Covered: another number, and another device, later on; a device that is gone; a memory that makes no sense; a driver
that did not do as it was told; captures; before the drivers are loaded; preflight; what the hooks tell.
"""
from __future__ import absolute_import, print_function, unicode_literals

import io
import os

import pytest

from plugin_lib import guests, hooks, stages
from plugin_lib.errors import InputError
from plugin_lib.host import capture
from plugin_lib.host import sriov as host_sriov
from plugin_lib.host.sysfs import Reader
from plugin_lib.planning import sriov
from plugin_lib.planning.passthrough import NOVA
from tests.model.sriov_case import FOLDER


def test_another_number_of_functions(case):
    made = case('connectx4-compute')
    made.play()
    made.switch('num_of_vfs', "'7'", "'4'")
    made.play()
    assert len(made.kernel.hcas['mlx5_0'].sriov.virtual) == 7
    assert made.read(NOVA).count('"0000:05:00.') == 14
    made.switch('sriov', 'false')
    made.play()
    assert len(made.kernel.hcas['mlx5_0'].sriov.virtual) == 2, 'as many as there were before us'


def test_the_private_network_moves_to_another_device(case):
    made = case('two-devices')
    made.play()
    made.switch_text('interfaces: [eth4, eth5]', 'interfaces: [eth5, eth6]')
    made.play()
    assert [len(made.kernel.hcas[name].sriov.virtual) for name in ('mlx4_0', 'mlx4_1', 'mlx4_2')] == [0, 2, 2]
    assert '0000:03:00' not in made.read(NOVA) + made.read(sriov.MODPROBE_FILE)


def test_a_device_that_is_gone_is_forgotten(case):
    made = case('connectx4-compute')
    made.play()
    made.switch('sriov', 'false')
    del made.kernel.hcas['mlx5_0']
    assert 'sriov: 0000:05:00.0 (no guest needs virtual functions)' in made.play()
    assert made.read(sriov.SRIOV_MEMORY) is None


def test_a_memory_that_makes_no_sense_changes_nothing(case):
    for text in ('{"../..": 1}', '[]', 'word', '{"0000:03:00.0": -1}', '{"0000:03:00.0": "1"}', '[' * 100000):
        with pytest.raises(InputError) as caught:
            sriov.recall(text)
        assert caught.value.where == sriov.SRIOV_MEMORY


def test_a_driver_that_did_not_do_as_it_was_told_asks_for_no_other_reboot(case):
    made = case('connectx3-compute')
    made.run()
    made.reboot()
    made.kernel.hcas['mlx4_0'].sriov.make(1)
    (finding,) = [line for line in made.run() if line.startswith('found: ')]
    assert 'was loaded with 2 virtual functions and made 1: see dmesg' in finding


@pytest.mark.parametrize('name', ['connectx3-compute', 'connectx4-compute'])
def test_a_captured_machine_is_planned_as_the_machine_itself(case, tmpdir, name):
    made = case(name)
    made.run()
    made.reboot()
    for stage in ('sriov', 'vfs'):
        folder = str(tmpdir.join('capture-' + stage))
        capture.capture(made.kernel, folder, capture.written_by_us(made.root))
        replayed = stages.plan(stages.Node(folder, os.path.join(made.root, 'astute.yaml')), stage)
        assert replayed == stages.plan(made.node(), stage)
        made.run_stage('sriov')


def test_before_the_drivers_are_loaded_the_published_address_tells_the_device(case):
    made = case('bond-all-in-one')
    made.kernel.unregister('ib0')
    made.kernel.unregister('ib1')
    assert guests.problems(made.node()) == []
    made.kernel.hcas['mlx4_0'].sriov.total = 1
    (error,) = guests.problems(made.node())
    assert 'its firmware allows 1' in error.why


def test_preflight_says_what_is_wrong_on_controllers_too(case):
    made = case('refused-nova-network')
    made.switch_text('roles: [compute]', 'roles: [controller]')
    (error,) = guests.problems(made.node())
    assert 'not nova-network or tunnels' in error.why


def test_the_hook_tells_that_a_reboot_is_needed(case, monkeypatch, capsys):
    made = case('connectx3-compute')
    monkeypatch.setattr(stages, 'Node', lambda root, astute: made.node())
    monkeypatch.setattr(stages, 'apply', lambda node, stage, report: made.run_stage(stage))
    assert hooks.run('sriov', os.path.join(made.root, 'astute.yaml')) == 0
    assert 'found: 0000:03:00.0: reboot the node: it has 0 virtual functions' in capsys.readouterr()[0]


@pytest.mark.parametrize('name', ['sriov', 'passthrough'])
def test_a_hook_that_is_not_switched_on_has_nothing_to_do(tmpdir, name, capsys):
    path = tmpdir.join('astute.yaml')
    path.write('infiniband: {sriov: false}\nnetwork_scheme: {}\n')
    assert hooks.run(name, str(path)) == 0
    assert capsys.readouterr()[0] == name + ': nothing to do, it is not switched on\n'


def test_an_address_at_which_there_is_nothing(case):
    made = case('connectx3-compute')
    assert host_sriov.read_all(Reader(made.kernel.tree), ['0000:99:00.0']) == {}


def test_the_settings_of_every_case_are_those_that_fuel_has():
    """What the cases publish is what the schema takes; a case with a setting of another name would test nothing."""
    from plugin_lib import published
    from plugin_lib.published import settings
    for name in sorted(os.listdir(FOLDER)):
        path = os.path.join(FOLDER, name, 'astute.yaml')
        assert settings.problems(published.read(path).settings) == []
        with io.open(path, encoding='utf-8') as stream:
            assert stream.readline().startswith('# '), 'what the case shows'
