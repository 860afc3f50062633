# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The command fuel-infiniband and the hooks, on captured machines: output, exit status, messages without traceback."""
from __future__ import absolute_import, print_function, unicode_literals

import io
import json
import os
import subprocess
import sys

import pytest
import yaml

from plugin_lib import hooks, stages, version
from plugin_lib.cli import HOOKS
from plugin_lib.errors import InputError

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FIXTURES = os.path.join(TOP, 'tests', 'fixtures')
ASTUTE = os.path.join(FIXTURES, 'astute', '9.2-two-ports.yaml')
CONNECTX3 = os.path.join(FIXTURES, 'hosts', 'connectx3-eipoib')
NO_INFINIBAND_ASTUTE = os.path.join(FIXTURES, 'astute', '4.x-patches.yaml')
NO_INFINIBAND = os.path.join(FIXTURES, 'hosts', 'no-infiniband')


def run(*arguments):
    """(exit status, stdout, stderr) of the command, in the locale that Fuel's tasks have."""
    child = subprocess.Popen([sys.executable, '-m', 'plugin_lib'] + list(arguments), cwd=TOP, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, env=dict(os.environ, LC_ALL=str('C')))
    out, err = (stream.decode('utf-8') for stream in child.communicate())
    assert 'Traceback' not in err
    return child.returncode, out, err


def test_version():
    status, out, err = run('--version')
    assert (status, (out + err).strip()) == (0, 'fuel-infiniband ' + version())


@pytest.mark.parametrize('shape, load', [('json', json.loads), ('yaml', yaml.safe_load)])
def test_roles_for_programs(shape, load):
    status, out, err = run('roles', '--astute', ASTUTE, '--format', shape)
    assert (status, err) == (0, '')
    found = load(out)
    assert found['node'] == {'fqdn': 'node-8.example.org', 'uid': '8', 'roles': ['compute', 'cinder']}
    assert found['interfaces']['ens5'] == {'driver': 'mlx5_core', 'bus_info': '0000:05:00.0', 'mode': 'ethernet'}
    assert found['roles']['neutron/private'] == {
        'endpoint': 'br-prv', 'interfaces': ['eth4'], 'bond': None, 'vlans': [[1000, 1003]], 'mode': 'infiniband',
        'ip': []}
    assert found['mode'] == 'mixed'
    assert len(found['warnings']) == 2


@pytest.mark.parametrize('arguments, wanted', [
    (('hook', 'ovs'), []), (('roles', '--astute', ASTUTE), ['argparse', 'plugin_lib.commands.roles']),
    (('status', '--root', CONNECTX3), ['argparse', 'plugin_lib.commands.status'])])
def test_only_what_was_asked_for_is_imported(arguments, wanted):
    program = ('import sys; from plugin_lib import cli; cli.ASTUTE = {0!r}; cli.main(sys.argv[1:]); '
               'sys.stdout.flush(); sys.stderr.write(" ".join(sorted(sys.modules)))').format(str(NO_INFINIBAND_ASTUTE))
    child = subprocess.Popen([sys.executable, '-c', program] + list(arguments), cwd=TOP, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
    modules = child.communicate()[1].decode('utf-8').split()
    assert [name for name in modules if name in ('argparse', 'plugin_lib.stages') or (
        name.startswith('plugin_lib.commands.') and not name.endswith('.options'))] == wanted


def test_roles_for_people():
    out = run('roles', '--astute', ASTUTE)[1]
    assert 'br-mgmt      eth4        -     201        infiniband  192.168.0.8/24  management nova/api\n' in out
    assert 'warning: role ex is left out: it has no endpoint\n' in out


def test_discover_on_a_machine_without_infiniband_says_so():
    status, out, _ = run('discover', '--root', NO_INFINIBAND)
    assert status == 0
    assert out.startswith('no InfiniBand on this machine')


def test_plan_of_a_captured_machine_is_ordered_and_leaves_it_as_it_is():
    before = listing(CONNECTX3)
    status, out, err = run('plan', '--astute', ASTUTE, '--root', CONNECTX3, '--format', 'json')
    assert (status, err) == (0, '')
    stages = [step['stage'] for step in json.loads(out)['steps']]
    assert stages == sorted(stages, key=['packages', 'drivers', 'vlans', 'service', 'ovs'].index)
    assert {'drivers', 'vlans', 'service'} <= set(stages)
    assert listing(CONNECTX3) == before


def test_plan_without_the_published_interface_says_so(tmpdir):
    path = str(tmpdir.join('astute.yaml'))
    with io.open(ASTUTE, encoding='utf-8') as stream:
        text = stream.read().replace('eth4', 'eth9')
    with io.open(path, 'w', encoding='utf-8') as stream:
        stream.write(text)
    status, out, _ = run('plan', '--astute', path, '--root', CONNECTX3)
    assert status == 0
    assert 'found: eth9: Fuel publishes it as InfiniBand, but there is no such EIPOIB interface\n' in out


def test_a_captured_machine_cannot_be_changed():
    assert run('apply', '--astute', ASTUTE, '--root', CONNECTX3)[0] == 2


def test_the_vlans_hook_fails_when_the_fabric_lacks_a_key(monkeypatch, capsys):
    def captured(root, astute):
        return node_of(CONNECTX3, astute)
    node_of = stages.Node
    monkeypatch.setattr(stages, 'Node', captured)
    monkeypatch.setattr(stages, 'apply', lambda node, stage, report: ())
    assert hooks.run('vlans', ASTUTE) == 1
    assert 'FAIL  eth4 (mlx4_0 port 1): no P_Key for VLAN 201, 1000-1003' in capsys.readouterr()[0]


def listing(root):
    return sorted((folder, sorted(folders), sorted(files)) for folder, folders, files in os.walk(root))


def test_check_names_everything_that_is_missing_and_fails():
    status, out, _ = run('check', '--astute', ASTUTE, '--root', CONNECTX3)
    assert status == 1
    assert 'FAIL  eth4 (mlx4_0 port 1): no P_Key for VLAN 201, 1000-1003\n' in out
    assert 'FAIL  modprobe: ' in out
    assert out.endswith(' FAIL\n')


def test_status_before_eipoibd_ever_ran():
    assert run('status', '--root', CONNECTX3)[:2] == (0, 'eipoibd has not run since this machine was started\n')


@pytest.mark.parametrize('arguments, status, words', [
    ((), 2, 'usage:'), (('nonsense',), 2, 'usage:'), (('hook', 'nonsense'), 2, 'usage:'),
    (('roles', '--format', 'xml'), 2, 'usage:'), (('roles', '--astute', '/nowhere/\xfc'), 2, 'where: /nowhere/\xfc'),
    (('discover', '--root', '/nowhere'), 2, 'not a captured tree'), (('capture', '/etc'), 2, 'will not overwrite'),
    (('roles', '--astute', ''), 2, 'No such file'), (('capture', ASTUTE), 2, 'will not overwrite'),
    (('capture', ''), 2, 'its name is empty'),
    (('plan', '--astute', ASTUTE, '--root', os.path.join(FIXTURES, 'hosts', 'connectx5-no-eipoib')), 3,
     'no module mlx4_core, mlx4_ib, eth_ipoib for this kernel'),
])
def test_bad_usage_is_one_message(arguments, status, words):
    arguments = [argument if sys.version_info[0] > 2 else argument.encode('utf-8') for argument in arguments]
    result, out, err = run(*arguments)
    assert (result, out) == (status, '')
    assert words in err


def test_bytes_that_are_no_text_are_shown_escaped():
    child = subprocess.Popen([sys.executable, '-m', 'plugin_lib', 'roles', '--astute', b'/nowhere/\xff'], cwd=TOP,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    err = child.communicate()[1].decode('utf-8')
    assert child.returncode == 2
    assert 'where: /nowhere/' in err and 'Traceback' not in err


@pytest.mark.parametrize('change', [
    {'mode': 1}, {'interfaces': []}, {'interfaces': {'eth4': 1}}, {'interfaces': {'eth4': {}}}, {'problems': 3},
    {'backoff': {'eth4 vlan 1': {}}}, {'counters': {}}, {'format': 2}])
def test_a_status_that_is_not_whole_is_refused(tmpdir, change):
    whole = {'format': 1, 'mode': 'service', 'pid': 1, 'updated': '', 'interfaces': {}, 'backoff': {}, 'problems': [],
             'warnings': [], 'error': None, 'counters': {'steps_done': 0, 'steps_failed': 0}}
    folder = str(tmpdir.mkdir('run').mkdir('eipoibd'))
    with io.open(os.path.join(folder, 'status.json'), 'wb') as stream:
        stream.write(json.dumps(dict(whole, **change)).encode('ascii'))
    status, _, err = run('status', '--root', str(tmpdir))
    assert status == 2
    assert 'expected format 1, whole' in err


@pytest.mark.parametrize('name', HOOKS)
def test_a_hook_on_data_that_is_none_is_refused(name, tmpdir):
    path = str(tmpdir.join('astute.yaml'))
    for text in ('', '[]', 'infiniband: {sriov: false'):
        with io.open(path, 'w') as stream:
            stream.write(text)
        with pytest.raises(InputError):
            hooks.run(name, path)


@pytest.mark.parametrize('name', ['drivers', 'vlans', 'ovs'])
def test_a_hook_on_a_node_without_infiniband_does_nothing(name, capsys):
    assert hooks.run(name, os.path.join(FIXTURES, 'astute', '4.x-patches.yaml')) == 0
    assert capsys.readouterr()[0] == name + ': nothing to do, Fuel publishes no InfiniBand port for this node\n'


def test_preflight_names_every_bad_setting_at_once(tmpdir, capsys):
    with io.open(ASTUTE, encoding='utf-8') as stream:
        text = stream.read().replace('sm_check: fail', 'sm_check: maybe').replace("num_of_vfs: '8'", "num_of_vfs: '99'")
    path = str(tmpdir.join('astute.yaml'))
    with io.open(path, 'w', encoding='utf-8') as stream:
        stream.write(text)
    assert hooks.run('preflight', path) == 1
    out = capsys.readouterr()[0]
    assert path + ' -> infiniband -> num_of_vfs' in out
    assert path + ' -> infiniband -> sm_check' in out
