# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``fuel-infiniband drivers`` on a Fuel master's copy of the plugin, with the real dpkg, rpm and createrepo.

Covers adding packages, adding them again, replacing and removing them, being killed at every step, everything that is
refused, and ``drivers check``.
"""
import gzip
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from plugin_lib.driver_repository import manifest
from tests.package import killer
from tests.package.driver_packages import CHAIN, deb, files_of, rpm
from tests.package.plugin_copy import TOOLS, PluginCopy
from tools.packages import TOP

PYTHON27 = TOP / '.venv27/bin/python'
OLD, NEW, EL6 = '3.13.0-24-generic', '4.4.0-31-generic', '2.6.32-504.el6.x86_64'


def content(folder, *without):
    """{path: (mode, checksum)} of a folder."""
    return {str(path.relative_to(folder)): (path.lstat().st_mode, path.is_file() and hashlib.sha256(
        path.read_bytes()).hexdigest()) for path in folder.rglob('*') if path.name not in ('.lock', *without)}


OLDEST = str(PYTHON27) if PYTHON27.exists() else '/usr/bin/python3'


@pytest.fixture
def master(request, tmp_path, built):
    """A PluginCopy, with the Python that is most like its real one unless the test names another."""
    return PluginCopy(tmp_path, built['fuel8'], getattr(request, 'param', OLDEST))


@pytest.fixture(scope='module')
def some(tmp_path_factory):
    """Packages of one MLNX_OFED for two kernels."""
    folder = tmp_path_factory.mktemp('packages')
    return {
        'old': deb(folder, 'mlnx-modules', '3.4-a', files_of(OLD)),
        'new': deb(folder, 'mlnx-modules', '3.4-b', files_of(NEW)),
        'newer': deb(folder, 'mlnx-modules', '3.5-b', files_of(NEW)),
        'part': deb(folder, 'mlnx-part', '3.4', files_of(NEW, CHAIN[:3])),
        'library': deb(folder, 'mlnx-library', '41', ['usr/lib/mlnx/library']),
        'dkms': deb(folder, 'mlnx-dkms', '3.4', ['usr/src/mlnx-3.4/dkms.conf'], 'all'),
        'arm': deb(folder, 'mlnx-arm', '3.4', files_of(NEW), 'arm64'),
        'two kernels': deb(folder, 'mlnx-two', '3.4', files_of(OLD) + files_of(NEW)),
        'rpm': rpm(folder, 'kernel-ib', '1.5.3', files_of(EL6)),
    }


@pytest.mark.parametrize('master', sorted({OLDEST, '/usr/bin/python3'}), indirect=True)
def test_what_was_added_is_listed_and_offered_with_its_kernel(master, some):
    out = master.add(some['old'], some['new'], some['library'], some['rpm'])
    assert f'mlnx-modules 3.4-a for ubuntu-14.04, kernel {OLD}: added\n' in out
    listed = master.manifest()
    assert listed[some['rpm'].name] == {
        'name': 'kernel-ib', 'file': some['rpm'].name, 'release': 'centos-6', 'kernel': EL6,
        'sha256': hashlib.sha256(some['rpm'].read_bytes()).hexdigest()}
    assert (master.repositories / 'ubuntu' / some['old'].name).read_bytes() == some['old'].read_bytes()
    assert master.index() == [('fuel-infiniband', '1.0.0', None), ('mlnx-library', '41', None),
                              ('mlnx-modules', '3.4-a', OLD), ('mlnx-modules', '3.4-b', NEW)]
    (primary,) = (master.repositories / 'centos/repodata').glob('*primary.xml.gz')
    assert some['rpm'].name in gzip.decompress(primary.read_bytes()).decode()


def test_adding_again_changes_nothing(master, some):
    given = some['old'], some['library'], some['rpm']
    master.add(*given)
    before = {path: path.stat() for path in master.repositories.rglob('*') if path.is_file()}
    out = master.add(*given)
    assert out.count('there already') == 3
    after = {path: path.stat() for path in master.repositories.rglob('*') if path.is_file()}
    assert [(path, now.st_ino, now.st_mtime_ns) for path, now in after.items()] == [
        (path, was.st_ino, was.st_mtime_ns) for path, was in before.items()]
    assert not list(master.plugin.rglob('*.pyc'))


def test_a_newer_package_for_the_same_kernel_replaces_the_older(master, some):
    master.add(some['new'], some['old'])
    assert f'replaces {some["new"].name}' in master.add(some['newer'])
    assert sorted(master.manifest()) == sorted([some['old'].name, some['newer'].name])
    assert not (master.repositories / 'ubuntu' / some['new'].name).exists()
    assert ('mlnx-modules', '3.5-b', NEW) in master.index()


def test_what_was_added_can_be_removed(master, some):
    before = content(master.plugin)
    master.add(some['new'], some['rpm'])
    between = content(master.plugin)
    master.add(some['old'], some['library'])
    out = master.run('drivers', 'remove', f'ubuntu/{some["old"].name}', some['library'].name, 'absent.deb', status=2)
    assert 'error: no driver package was removed\n  where: absent.deb\n' in out
    assert sorted(master.manifest()) == sorted(some[name].name for name in ('new', 'rpm', 'old', 'library'))
    out = master.run('drivers', 'remove', f'ubuntu/{some["old"].name}', some['library'].name)
    assert out == f'{some["library"].name}: removed\n{some["old"].name}: removed\n'
    assert content(master.plugin) == between
    master.run('drivers', 'remove', some['rpm'].name)
    assert not (master.repositories / 'centos/repodata').exists()
    master.run('drivers', 'remove', some['new'].name)
    assert content(master.plugin) == before


@pytest.mark.parametrize('arguments', ['add newer library', 'remove new', 'remove new rpm'])
def test_killed_before_any_step_and_run_again(tmp_path, built, some, arguments):
    """Whatever step it is killed at, the next run ends as if there was none; what is removed already is refused."""
    (tmp_path / 'reference').mkdir()
    reference = PluginCopy(tmp_path / 'reference', built['fuel8'], OLDEST)
    action, *names = arguments.split()
    given = ['drivers', action, *(some[name] for name in names)]
    reference.add(some['new'], some['rpm'])
    started = tmp_path / 'started'
    shutil.copytree(reference.plugin, started)
    reference.run(*given)
    expected = content(reference.plugin)
    for step in range(1, 100):
        shutil.rmtree(reference.plugin)
        shutil.copytree(started, reference.plugin)
        done = subprocess.run(
            [OLDEST, '-BEs', '-c', killer.AT_STEP, str(step), str(reference.plugin), *map(str, given)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, cwd=tmp_path, env=reference.environment)
        assert done.returncode in (0, *killer.KILLED), done.stdout
        if done.returncode == 0:
            break
        if action == 'add' or any(some[name].name in reference.manifest() for name in names):
            reference.run(*given)
        assert content(reference.plugin) == expected, f'killed before step {step}'
    assert step > 5
    assert content(reference.plugin) == expected


def broken(folder, source, change):
    path = folder / source.name
    path.write_bytes(change(source.read_bytes()))
    return path


def pipe(path):
    os.mkfifo(path)
    return path


@pytest.mark.parametrize('kind, words', [
    ('truncated', 'no whole package'), ('flipped', 'no whole package'), ('text', 'no whole package'),
    ('missing', 'No such file'), ('zip', 'expected the name of a .deb or .rpm'), ('arm', 'it is for arm64'),
    ('two kernels', f'modules for several kernels: {OLD}, {NEW}'), ('rpm cut', 'no whole package'),
    ('folder', 'not a regular file'), ('pipe', 'not a regular file'), ('own name', "the plugin's own"),
    ('own file', "the plugin's own"),
])
def test_what_is_no_package_of_use_is_refused(master, some, tmp_path, kind, words):
    made = {
        'truncated': lambda: broken(tmp_path, some['old'], lambda data: data[:len(data) // 2]),
        'flipped': lambda: broken(tmp_path, some['old'], lambda data: data[:-90] + b'\xff' * 60 + data[-30:]),
        'rpm cut': lambda: broken(tmp_path, some['rpm'], lambda data: data[:-30]),
        'text': lambda: broken(tmp_path, some['old'], lambda data: b'hello'),
        'zip': lambda: tmp_path / 'drivers.zip',
        'missing': lambda: tmp_path / 'absent.deb',
        'own name': lambda: deb(tmp_path, 'fuel-infiniband', '99'),
        'own file': lambda: Path(shutil.copy(some['library'], tmp_path / 'fuel-infiniband_1.0.0_all.deb')),
        'pipe': lambda: pipe(tmp_path / 'pipe.deb'),
        'folder': lambda: Path(shutil.copytree(TOP / 'fuel8', tmp_path / 'folder.deb')),
    }.get(kind, lambda: some[kind])()
    before = content(master.plugin)
    out = master.add(made, status=2)
    assert words in out and str(made) in out
    assert content(master.plugin) == before


def test_a_file_is_named_from_a_folder_whose_name_is_not_ascii(master, some, tmp_path):
    (tmp_path / 'trei\u00f0er').mkdir()
    shutil.copy(some['library'], tmp_path / 'trei\u00f0er')
    assert ': added\n' in master.add(some['library'].name, before=f'cd {tmp_path}/trei\u00f0er')


def test_all_that_is_wrong_is_named_at_once_and_nothing_is_added(master, some, tmp_path):
    before = content(master.plugin)
    out = master.add(some['old'], some['arm'], tmp_path / 'absent.deb', status=2)
    assert 'error: no driver package was added' in out
    assert f'{some["arm"].name}: it is for arm64' in out and 'absent.deb: No such file' in out
    assert content(master.plugin) == before


def test_a_file_that_the_manifest_awaits_with_another_checksum_is_refused(master, some):
    entry = manifest.Entry('mlnx-modules', some['old'].name, '0' * 64, 'ubuntu-14.04', OLD)
    (master.repositories / 'drivers.yaml').write_text(manifest.text((entry,)))
    out = master.add(some['old'], status=2)
    assert f'drivers.yaml says {"0" * 64}' in out
    assert f'ubuntu/{some["old"].name}: the file is awaited' in master.run('drivers', 'check', status=1)


def test_of_two_packages_for_one_kernel_one_is_to_be_chosen(master, some):
    out = master.add(some['new'], some['newer'], status=2)
    assert f'{some["newer"]}\n  why:   {some["new"].name} is for the same package and kernel' in out
    assert master.manifest() == {}


def test_two_kernels_need_two_versions(master, some, tmp_path):
    other = deb(tmp_path, 'mlnx-modules', '3.4-a', files_of(NEW))
    twin = other.rename(tmp_path / 'mlnx-modules_twin.deb')
    out = master.add(some['old'], twin, status=2)
    assert f'both are mlnx-modules 3.4-a, for kernels {OLD} and {NEW}: apt cannot tell them apart' in out
    assert master.manifest() == {}


@pytest.mark.parametrize('tool', TOOLS)
def test_a_missing_tool_is_named_before_anything_is_changed(master, some, tool):
    (master.programs / tool).unlink()
    before = content(master.plugin)
    out = master.add(some['old'], some['rpm'], status=3)
    assert f'where: {tool}\n' in out and 'next:  install it: yum install ' in out.replace('  next:  ', 'next:  ')
    assert content(master.plugin) == before


def test_a_disk_that_is_full_leaves_what_was_there(master, some, tmp_path):
    """It is the size of files that is limited here: the write fails alike."""
    big = deb(tmp_path, 'mlnx-big', '3.4', [f'usr/lib/mlnx/{number}' for number in range(2000)])
    assert big.stat().st_size > 20 * 512
    before = content(master.plugin)
    out = master.add(big, status=3, before='ulimit -f 20')  # blocks of 512 bytes
    assert 'could not be changed as a whole' in out and 'File too large' in out
    assert content(master.plugin) == before
    master.add(big, some['library'])


@pytest.mark.parametrize('arguments', ['drivers add x.deb', 'drivers check', 'setup', 'setup --remove'])
def test_this_is_no_master(arguments):
    if (TOP / 'deployment_scripts/fuel-infiniband.sha256').exists():
        pytest.skip('the build hook has run in this source tree')
    done = subprocess.run(['/usr/bin/python3', '-Bm', 'plugin_lib', *arguments.split()], cwd=TOP, text=True,
                          capture_output=True, check=False)
    assert done.returncode == 3
    assert 'this is no Fuel master' in done.stderr


def test_check_tells_what_is_missing_for_which_kernel(master, some):
    assert 'WARN  drivers.yaml: there are no driver packages' in master.run('drivers', 'check')
    master.add(some['old'], some['library'], some['part'])
    out = master.run('drivers', 'check', '--kernel', OLD, status=1)
    assert f'OK    ubuntu-14.04 kernel {OLD} (named): has mlx4_core, mlx4_ib, ib_ipoib, eth_ipoib\n' in out
    assert f'FAIL  ubuntu-14.04 kernel {NEW} (drivers.yaml): no package has eth_ipoib\n' in out
    master.add(some['new'], some['dkms'])
    assert '0 FAIL' in master.run('drivers', 'check')
    out = master.run('drivers', 'check', '--kernel', '4.8.0-22-generic')
    assert 'DKMS must build them of mlnx-dkms' in out
    assert f'FAIL  centos-6 kernel {EL6} (named)' in master.run('drivers', 'check', '--kernel', EL6, status=1)


def test_check_finds_what_is_broken_strange_or_not_offered(master, some):
    shipped = (master.repositories / 'ubuntu/Packages.gz').read_bytes()
    master.add(some['old'], some['library'], some['rpm'])
    (master.repositories / 'ubuntu/Packages.gz').write_bytes(shipped)  # as an upgrade of the plugin does
    (master.repositories / 'ubuntu' / some['library'].name).write_bytes(b'')
    shutil.copy(some['part'], master.repositories / 'ubuntu')
    out = master.run('drivers', 'check', status=1)
    assert f'FAIL  ubuntu/{some["library"].name}: it is no whole package' in out
    assert f'FAIL  index: it does not offer ubuntu/{some["old"].name}\n' in out
    assert f'WARN  ubuntu/{some["part"].name}: it is not in drivers.yaml' in out
    master.add(master.repositories / 'ubuntu' / some['part'].name)
    assert '0 WARN' in master.run('drivers', 'check', status=1)


def test_every_command_has_its_help_on_a_master(master):
    """Which imports all of them, with PyYAML alone."""
    assert 'drivers' in master.run('--help')


def test_a_broken_index_is_found_and_written_again(master, some):
    master.add(some['old'])
    path = master.repositories / 'ubuntu/Packages.gz'
    whole = path.read_bytes()
    path.write_bytes(whole[:40])
    assert f'FAIL  index: it does not offer ubuntu/{some["old"].name}\n' in master.run('drivers', 'check', status=1)
    master.add(some['old'])
    assert path.read_bytes() == whole
