# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The two plugin packages as the real fuel-plugin-builder makes them: checks, contents, needs, reproducibility."""
import os
import stat
import subprocess
import sys

import pytest
import yaml

import plugin_lib
from tools import packages
from tools.packages import FLAVOURS, TOP

METADATA = yaml.safe_load((TOP / 'metadata.yaml').read_text())
DEB = f'fuel-infiniband_{METADATA["version"]}_all.deb'

FILES = {'CHANGELOG.md', 'LICENSE', 'checksums.sha1', 'environment_config.yaml', 'metadata.yaml', 'tasks.yaml',
         'deployment_scripts/drivers', 'deployment_scripts/fuel-infiniband.sha256', 'deployment_scripts/install',
         'deployment_scripts/ovs', 'deployment_scripts/passthrough', 'deployment_scripts/preflight',
         'deployment_scripts/rdma', 'deployment_scripts/sriov', 'deployment_scripts/storage',
         'deployment_scripts/verify', 'deployment_scripts/vlans', 'fuel-infiniband',
         'repositories/ubuntu/Packages.gz', 'repositories/ubuntu/Release', f'repositories/ubuntu/{DEB}'}
# What the command on the master is made of, and what it makes the discovery image with.
ON_MASTER = [path for folder in ('plugin_lib', 'bootstrap') for path in (TOP / folder).rglob('*')
             if path.is_file() and path.suffix != '.pyc']
FILES |= {str(path.relative_to(TOP)) for path in ON_MASTER}
ONLY_IN = {'fuel6': set(), 'fuel8': {'deployment_tasks.yaml', 'post_install.sh', 'uninstall.sh'}}
EXECUTABLE = {name for name in FILES if name.startswith('deployment_scripts/') and not name.endswith('.sha256')}
EXECUTABLE |= {'fuel-infiniband'} | {str(path.relative_to(TOP)) for path in ON_MASTER if path.stat().st_mode & 0o100}


def run(*argv, **options):
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)


def check(folder):
    """What the builder says about a plugin folder."""
    return run(sys.executable, '-m', 'tools.fpb', '--check', str(folder), cwd=TOP)


def query(rpm, *arguments):
    return run('rpm', '-qp', *arguments, str(rpm)).stdout


@pytest.fixture(scope='session', params=FLAVOURS)
def flavour(request):
    return request.param


@pytest.fixture
def rpm(built, flavour):
    (path,) = built[flavour].parents[5].glob(f'dist/{flavour}/*.rpm')
    return path


def test_the_builder_finds_the_root_valid():
    assert check(TOP).stdout.strip() == 'Plugin is valid'


def test_the_builder_finds_the_staged_tree_valid(flavour, tmp_path):
    assert check(packages.stage(flavour, tmp_path / 'tree')).stdout.strip() == 'Plugin is valid'


def test_what_the_builder_refuses_exits_255(tmp_path):
    tree = packages.stage('fuel8', tmp_path / 'tree')
    (tree / 'metadata.yaml').write_text('package_version: 4.0.0\n')
    result = check(tree)
    assert result.returncode == 255
    assert 'is a required property' in result.stdout


def test_the_file_is_named_for_plugin_and_version(rpm):
    assert rpm.name == 'infiniband-1.0-1.0.0-1.noarch.rpm'


def test_contents(built, flavour):
    plugin = built[flavour]
    found = {str(path.relative_to(plugin)) for path in plugin.rglob('*') if path.is_file()}
    assert found == FILES | ONLY_IN[flavour]


def listing(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob('*')}


@pytest.mark.parametrize('marker', [None, '', '/somewhere/else\n'], ids=['plain', 'empty', 'copied'])
def test_the_hook_removes_nothing_where_it_was_not_staged(tmp_path, marker):
    tree = packages.stage('fuel6', tmp_path / 'tree')
    (tree / '.staged').unlink()
    if marker is not None:
        (tree / '.staged').write_text(marker)
    before = listing(tree)
    assert run('./pre_build_hook', cwd=tree).returncode == 0
    assert listing(tree) == before | {'deployment_scripts/fuel-infiniband.sha256', f'repositories/ubuntu/{DEB}'}


def test_the_builder_packs_the_plain_source_tree_too_and_removes_nothing(tmp_path):
    """All of it, tests included: the packages that are for users come of ./dev rpm."""
    checkout = tmp_path / 'checkout'
    made = run('git', 'clone', '-q', str(TOP), str(checkout))
    if made.returncode:
        pytest.skip(f'this is no git checkout: {made.stdout.strip()}')
    before = listing(checkout)
    built = run(sys.executable, '-m', 'tools.fpb', '--build', '.', cwd=checkout, env=packages.environment(tmp_path))
    assert built.returncode == 0, built.stdout
    assert [path.name for path in checkout.glob('*.rpm')] == ['infiniband-1.0-1.0.0-1.noarch.rpm']
    assert before | {f'repositories/ubuntu/{DEB}'} <= listing(checkout)
    assert run('git', 'status', '--porcelain', '--untracked-files=no', cwd=checkout).stdout == ''


def test_modes_and_owners(rpm, flavour):
    for line in query(rpm, '--dump').splitlines():
        path, mode, owner, group = [line.split()[position] for position in (0, 4, 5, 6)]
        name = path.partition('infiniband-1.0/')[2]
        kind = stat.S_IFREG if name in FILES | ONLY_IN[flavour] else stat.S_IFDIR
        plain = kind == stat.S_IFREG and name not in EXECUTABLE
        assert int(mode, 8) == kind | (0o644 if plain else 0o755), path
        assert (owner, group) == ('root', 'root')


def test_it_asks_for_nothing_that_a_fuel_master_lacks(rpm):
    """rpm 4.11 of CentOS 7 must read the payload, and there is no Python 3 there."""
    needs = {line.split()[0] for line in query(rpm, '--requires').splitlines()}
    assert needs <= {'/bin/sh', 'rpmlib(CompressedFileNames)', 'rpmlib(FileDigests)', 'rpmlib(PayloadFilesHavePrefix)'}
    assert query(rpm, '--qf', '%{PAYLOADCOMPRESSOR}') == 'gzip'


def test_what_the_packages_say_differs_only_where_fuel_does(built):
    told = [yaml.safe_load((built[name] / 'metadata.yaml').read_text()) for name in FLAVOURS]
    differing = {key for key in told[0].keys() | told[1].keys() if told[0].get(key) != told[1].get(key)}
    assert differing == {'fuel_version', 'groups', 'is_hotpluggable', 'package_version', 'releases'}
    assert [(one['package_version'], [release['version'] for release in one['releases']]) for one in told] == [
        ('2.0.0', ['2014.2.2-6.1', '2015.1.0-7.0']), ('4.0.0', ['liberty-8.0', 'mitaka-9.0'])]
    assert plugin_lib.version() == METADATA['version']


def test_both_carry_the_same_node_package_and_its_checksum(built):
    sums = {run('sha256sum', DEB, cwd=built[name] / 'repositories/ubuntu').stdout for name in FLAVOURS}
    assert sums == {(built[name] / 'deployment_scripts/fuel-infiniband.sha256').read_text() for name in FLAVOURS}
    assert len(sums) == 1


def test_two_builds_of_one_commit_are_byte_identical(tmp_path):
    """The second one from another folder, under another umask, at another time, beside leftovers."""
    checkouts = [tmp_path / 'one', tmp_path / 'a longer name']
    for source, checkout in zip((TOP, checkouts[0]), checkouts):
        made = run('git', 'clone', '-q', str(source), str(checkout))
        if made.returncode:
            pytest.skip(f'this is no git checkout: {made.stdout.strip()}')
    (checkouts[1] / 'plugin_lib/__pycache__').mkdir()
    (checkouts[1] / 'plugin_lib/__pycache__/left.cpython-311.pyc').write_text('left over')
    results = []
    for checkout, mask in zip(checkouts, (0o022, 0o077)):
        built = run(sys.executable, '-m', 'tools.packages', 'dist', cwd=checkout, umask=mask,
                    env=dict(os.environ, TZ='Asia/Tokyo' if mask == 0o077 else 'UTC'))
        assert built.returncode == 0, built.stdout
        results.append({flavour: next((checkout / 'dist' / flavour).glob('*.rpm')).read_bytes()
                        for flavour in FLAVOURS})
    assert results[0] == results[1]
