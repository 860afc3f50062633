# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Virtual functions beyond the cases of tests/cases/sriov.

Covered: the kernel's errors and what they tell the operator; another number, and another device, later on; what others
have done to nova's file meanwhile; P_Key tables and GUIDs for any keys; what must not reach sysfs; files that cannot
be written; preflight, and what the hook tells; nova and neutron that are not there yet; mechanism drivers of packages;
what a boot gives back.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_lib import guests, hooks, paths, stages
from plugin_lib.commands import functions as boot
from plugin_lib.daemon import locks
from plugin_lib.effect import commands, files
from plugin_lib.effect import sriov as effect
from plugin_lib.errors import ApplyError, InputError, InputErrors
from plugin_lib.host import capture, mechanisms
from plugin_lib.host import sriov as host_sriov
from plugin_lib.host.sysfs import Reader
from plugin_lib.pkey import PKey
from plugin_lib.planning import sriov, vfs
from plugin_lib.planning.operations import Binding, Step, WriteAttribute, WriteFile
from tests.model.sriov_case import Case
from tests.unit.test_sriov_cases import FOLDER

NUMBER = '/sys/bus/pci/devices/0000:05:00.0/sriov_numvfs'
NOVA = '/etc/nova/nova.conf'


@pytest.fixture
def case(tmpdir):
    return lambda name: Case(os.path.join(FOLDER, name), tmpdir)


# the kernel's answers

@pytest.mark.parametrize('driver, virtual, guests_have, text, number', [
    ('mlx5_core', 0, (), '9', errno.ERANGE), ('mlx5_core', 2, (), '3', errno.EBUSY),
    ('mlx5_core', 2, (1,), '0', errno.EBUSY), ('mlx5_core', 0, (), 'many', errno.EINVAL),
    ('mlx4_core', 0, (), '4', errno.ENOENT), ('mlx5_core', 2, (), '2', None), ('mlx5_core', 2, (), '0', None)])
def test_the_model_answers_like_drivers_pci_iov(case, driver, virtual, guests_have, text, number):
    made = case('connectx4-compute')
    function = made.kernel.hcas['mlx5_0'].sriov
    function.driver = driver
    function.make(virtual)
    for guest in guests_have:
        function.virtual[guest].driver = 'vfio-pci'
    try:
        made.kernel.write(NUMBER, text)
        answer = None
    except EnvironmentError as error:
        answer = error.errno
    assert answer == number


@pytest.mark.parametrize('number, advice', [
    (errno.EBUSY, 'stop the guests'), (errno.ERANGE, 'ask for fewer'), (errno.EINVAL, 'dmesg')])
def test_what_the_kernel_refuses_is_told_with_what_to_do(case, number, advice):
    made = case('connectx4-compute')
    made.failing = {NUMBER: number}
    before = made.state()
    with pytest.raises(ApplyError) as caught:
        made.run()
    assert (caught.value.where, caught.value.exit_status) == (NUMBER, 3)
    assert advice in caught.value.todo
    assert made.state() == before


def test_a_guest_that_comes_between_plan_and_write_keeps_its_function(case):
    made = case('connectx4-compute')
    function = made.kernel.hcas['mlx5_0'].sriov
    read = made.kernel.write

    def write(path, text):
        function.virtual[1].driver = 'vfio-pci'
        read(path, text)
    made.kernel.write = write
    with pytest.raises(ApplyError) as caught:
        made.run()
    assert caught.value.errno == errno.EBUSY
    assert len(function.virtual) == 2


# changes later on

def test_another_number_of_functions(case):
    made = case('connectx4-compute')
    made.settle()
    made.switch('num_of_vfs', "'7'", "'4'")
    made.settle()
    assert len(made.kernel.hcas['mlx5_0'].sriov.virtual) == 7
    assert made.read(NOVA).count('"0000:05:00.') == 14
    made.switch('sriov', 'false')
    made.settle()
    assert len(made.kernel.hcas['mlx5_0'].sriov.virtual) == 2, 'as many as there were before us'


def test_the_private_network_moves_to_another_device(case):
    made = case('two-devices')
    made.settle()
    made.switch_text('interfaces: [eth4, eth5]', 'interfaces: [eth5, eth6]')
    made.settle()
    assert [len(made.kernel.hcas[name].sriov.virtual) for name in ('mlx4_0', 'mlx4_1', 'mlx4_2')] == [0, 2, 2]
    assert '0000:03:00' not in made.read(NOVA) + made.read(sriov.MODPROBE_FILE)


def test_a_device_that_is_gone_is_forgotten(case):
    made = case('connectx4-compute')
    made.settle()
    made.switch('sriov', 'false')
    del made.kernel.hcas['mlx5_0']
    made.settle()
    assert made.read(sriov.SRIOV_MEMORY) is None


def test_what_another_plugin_adds_to_nova_meanwhile_stays(case):
    made = case('connectx3-compute')
    made.settle()
    theirs = 'pci_passthrough_whitelist = {"address": "0000:07:00.1"}\n'
    made.write(NOVA, made.read(NOVA).replace('\n[libvirt]', theirs + '\n[libvirt]'))
    assert not any(line.startswith('  ') for line in made.run())
    made.switch('sriov', 'false')
    made.settle()
    assert theirs in made.read(NOVA) and '0000:03' not in made.read(NOVA)


def test_a_memory_that_makes_no_sense_changes_nothing(case):
    for text in ('{"../..": 1}', '[]', 'word', '{"0000:03:00.0": -1}', '{"0000:03:00.0": "1"}'):
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


# tables and GUIDs

KEYS = st.dictionaries(st.builds(PKey, st.integers(1, 0x7fff) | st.integers(1000, 1010) | st.just(0x7fff),
                                 st.booleans()), st.integers(0, 126), max_size=40)


@given(KEYS, st.lists(st.integers(1000, 1010), unique=True), st.integers(2, 127))
def test_a_table_holds_the_needed_keys_and_the_default_one_and_nothing_else(keys, needed, size):
    table = vfs.table(keys, needed, size)
    assert len(table) == size
    default = [keys[PKey(0x7fff, full)] for full in (False, True) if PKey(0x7fff, full) in keys]
    assert table[vfs.DEFAULT_INDEX] == (default[0] if default else None)
    tenants = [index for place, index in enumerate(table) if place != vfs.DEFAULT_INDEX and index is not None]
    expected = [keys.get(PKey(vlan, True), keys.get(PKey(vlan, False))) for vlan in needed]
    assert tenants == [index for index in expected if index is not None][:size - 1]


@given(st.integers(0, 2 ** 40 - 1), st.integers(0, 2 ** 24 - 1), st.sets(st.integers(0, 61)))
def test_guids_differ_from_each_other_and_from_every_physical_one(high, low, numbers):
    physical = (high & ~2 ** 33 & 2 ** 32 - 1) << 32 | low
    guids = [vfs.guid_of(physical, number) for number in numbers]
    assert len(set(guids)) == len(guids)
    assert all(guid & vfs.LOCAL and guid & 0xffffff == low for guid in guids)
    assert vfs.guid_of(physical | 1 << vfs.FIFTH_BYTE, 0) is None


def test_functions_keep_their_guids_where_ours_could_be_anothers(case):
    made = case('connectx4-compute')
    for port in made.kernel.hcas['mlx5_0'].ports.values():
        port.guid = '7cfe900317292501'
    told = made.settle()
    assert 'found: mlx5_0: GUID 7cfe900317292501 was not made of a MAC: virtual functions keep the GUIDs that they ' \
        'have' in told
    assert all(each.guids == {'node': 0, 'port': 0} for each in made.kernel.hcas['mlx5_0'].sriov.virtual)


def test_a_port_without_gid_leaves_guids_alone(case):
    made = case('connectx3-6.1')
    made.kernel.hcas['mlx4_0'].ports[1].guid = None
    made.settle()
    assert set(made.kernel.hcas['mlx4_0'].sriov.admin_guids[1]) == set([0])


def test_a_file_system_that_cannot_be_read_is_no_device(case):
    made = case('connectx3-compute')
    assert host_sriov.read_all(Reader(made.kernel.tree), ['0000:99:00.0']) == {}


# sysfs

@pytest.mark.parametrize('path, text', [
    (NUMBER, '-1'), (NUMBER, '4\n'), (NUMBER, ''), (NUMBER, '1000'), (NUMBER.replace('0000:05', '../05'), '4'),
    ('/sys/class/infiniband/mlx4_0/iov/0000:03:00.1/ports/1/pkey_idx/0', 'nothing'),
    ('/sys/class/infiniband/../iov/0000:03:00.1/ports/1/pkey_idx/0', '0'),
    ('/sys/class/infiniband/mlx4_0/iov/ports/1/admin_guids/1', '0x1'),
    ('/sys/bus/pci/devices/0000:05:00.0/sriov/0/node', '02:02:c9:03:00:00:01'),
    ('/sys/bus/pci/devices/0000:05:00.0/sriov/0/policy', 'Sideways'),
    ('/sys/bus/pci/devices/0000:05:00.0/remove', '1'), ('/proc/sysrq-trigger', 'b')])
def test_what_must_not_reach_the_kernel(path, text):
    calls = []
    with pytest.raises(InputError):
        effect.write(WriteAttribute(path, text, None), lambda *call: calls.append(call))
    assert calls == []


@pytest.mark.parametrize('pci, driver', [('0000:05:00.1\n', 'mlx5_core'), ('05:00.1', 'mlx5_core'),
                                         ('0000:05:00.1', 'vfio-pci')])
def test_no_other_driver_and_no_other_device_is_bound(pci, driver):
    with pytest.raises(InputError):
        effect.bind(Binding(pci, driver, True), lambda *call: pytest.fail('it was'))


# files, services, packages

def test_files_that_cannot_be_written_are_named_together_before_anything_is_changed(tmpdir, monkeypatch):
    steps = [Step('passthrough', 'x', '', (WriteFile(str(tmpdir.join(name)), 'a', None, None),)) for name in 'abc']
    monkeypatch.setattr(files.os, 'access', lambda path, mode: path.endswith('c') or path == str(tmpdir))
    for name in 'abc':
        tmpdir.join(name).write('b')
    with pytest.raises(InputErrors) as caught:
        stages._refuse_unwritable(steps)
    assert [os.path.basename(error.where) for error in caught.value.errors] == ['a', 'b']


def test_a_file_of_a_folder_that_is_still_to_be_made_can_be_written(tmpdir):
    assert files.is_writable(str(tmpdir.join('a', 'b', 'c')))


def test_services_that_are_not_installed_yet_are_told(case):
    made = case('controller')
    for path in (NOVA, '/etc/neutron/plugins/ml2/ml2_conf.ini'):
        os.unlink(made.root + path)
    told = made.run()
    assert 'found: /etc/nova/nova.conf: not there yet: its service is not installed' in told
    assert not any('rewrite' in line for line in told)


@pytest.mark.parametrize('place', [
    'usr/lib/python2.7/dist-packages/networking_mlnx-7.0.egg-info/entry_points.txt',
    'usr/lib/python3/dist-packages/networking_mlnx-9.0.dist-info/entry_points.txt'])
def test_mechanism_drivers_of_packages(tmpdir, place):
    tmpdir.join('usr/lib/python2.7/dist-packages/old.egg-info').write('a file: distutils\n', ensure=True)
    tmpdir.join(place).write('[x]\nno = a:b\n[neutron.ml2.mechanism_drivers]\n one=a:b\ntwo = c:d\n\n[y]\nno = e:f\n',
                             ensure=True)
    assert mechanisms.read(str(tmpdir)) == frozenset(['one', 'two'])


@pytest.mark.parametrize('status, calls', [
    ('nova-compute start/running, process 7\n', ['status', 'restart']), ('nova-compute stop/waiting\n', ['status'])])
def test_upstart_restarts_what_runs(tmpdir, monkeypatch, status, calls):
    log = tmpdir.join('log')
    initctl = tmpdir.join('initctl')
    initctl.write('#!/bin/sh\necho "$1" >> {0}\necho "{1}"\n'.format(log, status.strip()))
    initctl.chmod(0o755)
    monkeypatch.setattr(commands, 'SYSTEMD_RUNS', str(tmpdir.join('none')))
    monkeypatch.setattr(commands, 'INITCTL', str(initctl))
    commands.restart_service('nova-compute')
    assert log.read().split() == calls


# captures, preflight, hooks, boots

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


@pytest.mark.parametrize('name', ['sriov', 'passthrough'])
def test_a_hook_that_is_not_switched_on_has_nothing_to_do(tmpdir, name, capsys):
    path = tmpdir.join('astute.yaml')
    path.write('infiniband: {sriov: false}\nnetwork_scheme: {}\n')
    assert hooks.run(name, str(path)) == 0
    assert capsys.readouterr()[0] == name + ': nothing to do, it is not switched on\n'


def test_the_hook_tells_that_a_reboot_is_needed(case, monkeypatch, capsys):
    made = case('connectx3-compute')
    monkeypatch.setattr(stages, 'Node', lambda root, astute: made.node())
    monkeypatch.setattr(stages, 'apply', lambda node, stage, report: made.run_stage(stage))
    assert hooks.run('sriov', os.path.join(made.root, 'astute.yaml')) == 0
    assert 'found: 0000:03:00.0: reboot the node: it has 0 virtual functions' in capsys.readouterr()[0]


@pytest.fixture
def service(monkeypatch, tmpdir):
    """serve(made, world): ``fuel-infiniband functions`` on a case; each of ``world`` happens when it is at rest."""
    real = effect.write

    def serve(made, world):
        left, status = list(world), [0]

        def pause(_):
            left.pop(0)()
            status[0] += 1  # eipoibd has seen it
        monkeypatch.setattr(boot.time, 'sleep', pause)
        monkeypatch.setattr(boot, '_status', lambda: status[0])
        monkeypatch.setattr(paths, 'RUN_FOLDER', str(tmpdir.join('run')))
        monkeypatch.setattr(stages, 'Node', lambda root, astute: made.node())
        monkeypatch.setattr(stages, 'apply', lambda node, stage, report: made.run_stage(stage))
        monkeypatch.setattr(effect, 'write', lambda it, write=made.kernel.write: real(it, write))
        return boot.run(None)
    return serve


def test_after_a_boot_functions_get_their_keys_when_the_port_has_them(case, service):
    made = case('connectx3-compute')
    made.settle()
    whole, nova = made.virtual(), made.read(NOVA)
    made.reboot()
    port = made.kernel.hcas['mlx4_0'].ports[1]
    pkeys = list(port.pkeys)
    port.set_pkeys([0xffff])
    seen = []

    def has_them():
        seen.append(made.virtual())
        port.set_pkeys(pkeys)

    def is_complete():
        seen.append(made.virtual())
        made.switch('sriov', 'false')
    assert service(made, [has_them, is_complete]) == 0
    assert '0x83e8' not in ''.join(seen[0])
    assert seen[1] == whole and made.read(NOVA) == nova


def test_keys_that_come_to_other_places_are_followed(case, service):
    made = case('connectx3-compute')
    made.settle()
    whole = made.virtual()
    port = made.kernel.hcas['mlx4_0'].ports[1]

    def move():
        port.set_pkeys([0x83ea, 0x83e8, 0, 0xffff, 0x83e9])
        assert made.virtual() != whole, 'a guest would have the keys of others'
    assert service(made, [move, lambda: made.switch('sriov', 'false')]) == 0
    assert made.virtual() == whole


def test_a_guest_keeps_the_keys_that_its_agent_gave_it_wherever_they_move(case, service):
    made = case('guest-runs')
    port, function = made.kernel.hcas['mlx4_0'].ports[1], made.kernel.hcas['mlx4_0'].sriov.virtual[1]
    function.pkeys[1][:3] = [2, 0, 77]  # VLAN 1001, the default key; what is at 77 nobody knows

    def keys():
        return [port.pkeys[index] for index in function.pkeys[1] if index not in (None, 77)]
    assert keys() == [0x83e9, 0xffff]
    seen = []

    def move(table):
        def world():
            seen.append(keys())
            port.set_pkeys(table)
        return world
    tables = [[0x83e8, 0xffff, 0x83ea, 0x83e9],  # others move
              [0xffff, 0x83e8, 0x83ea, 0x03e9],  # membership becomes limited
              [0xffff, 0x83e8, 0x83ea],          # it is gone, and its place is empty
              [0xffff, 0x83e8, 0x83ea, 0x83eb],  # another key is at its place
              [0xffff], [0x83ea, 0x83eb, 0x83e8, 0x83e9, 0xffff]]
    assert service(made, [move(table) for table in tables] + [lambda: seen.append(keys()) or made.switch(
        'sriov', 'false')]) == 0
    assert seen == [[0x83e9, 0xffff], [0x83e9, 0xffff], [0x03e9, 0xffff], [0, 0xffff], [0xffff], [0xffff],
                    [0x83e9, 0xffff]]
    assert function.pkeys[1][2] == 77


def test_one_of_them_is_enough(tmpdir, monkeypatch):
    monkeypatch.setattr(paths, 'RUN_FOLDER', str(tmpdir))
    with locks.held(str(tmpdir), paths.FUNCTIONS_LOCK):
        with pytest.raises(ApplyError) as caught:
            boot.run(None)
    assert 'another fuel-infiniband functions is at work' in caught.value.what


def test_the_settings_of_every_case_are_those_that_fuel_has():
    """What the cases publish is what the schema takes; a case with a setting of another name would test nothing."""
    from plugin_lib import published
    from plugin_lib.published import settings
    for name in sorted(os.listdir(FOLDER)):
        path = os.path.join(FOLDER, name, 'astute.yaml')
        assert settings.problems(published.read(path).settings) == []
        with io.open(path, encoding='utf-8') as stream:
            assert stream.readline().startswith('# '), 'what the case shows'
