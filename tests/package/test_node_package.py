# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The Debian package fuel-infiniband for real: installed with dpkg on a throw-away node, run and removed.

Covers Python 3 of this system and, where .venv27 is there, Python 2.7 with the libraries of Ubuntu 14.04; what a
removal leaves; a system without a usable Python; the service units.
"""
import re
import subprocess
from pathlib import Path

import pytest

import plugin_lib
from tests.package.conftest import REPOSITORY, ThrowAwayNode, python27

HOME = '/usr/lib/fuel-infiniband'
INSTALL = f'dpkg -i {REPOSITORY}/*.deb'
# Everything but what dpkg, apt and their triggers keep for themselves, and what others on this machine do in /var/tmp.
FILES = ("find /etc /opt /run /usr /var -path /var/lib/dpkg -prune -o -path /var/log -prune -o -path /var/cache -prune "
         "-o -path /var/tmp -prune -o -type d -printf '%p %m\\n' -o -printf '%p %m %s %l\\n'")
# What the hooks leave on a node that was in use, and what eipoibd does.
BY_HOOKS = ('/etc/fuel-infiniband/eipoibd.conf', '/etc/modprobe.d/fuel-infiniband.conf',
            '/etc/fuel-infiniband/sriov.json', '/etc/modprobe.d/fuel-infiniband-sriov.conf')
# The driver makes it.
DRIVER = '/sys/class/net/eth_ipoib_interfaces'
LEDGER = '/run/eipoibd/children.json'


@pytest.fixture
def deb(built):
    (path,) = (built['fuel8'] / 'repositories/ubuntu').glob('*.deb')
    return path


@pytest.fixture
def node27(root_only, tmp_path, built):
    """A throw-away node whose /usr/bin/python2.7 has the libraries of Ubuntu 14.04."""
    environment, *base = python27()
    machine = ThrowAwayNode(tmp_path, visible=[environment, *base])
    machine.path('/usr/bin/python2.7').symlink_to(environment / 'bin/python')
    machine.deploy(built['fuel6'])
    yield machine
    machine.close()


def assert_programs_run(node):
    told = node.shell('fuel-infiniband --version 2>&1')  # argparse of Python 2 prints it on stderr
    assert (told.returncode, told.stdout.split()[-1:]) == (0, [plugin_lib.version()]), told
    told = node.shell('eipoibd --help')
    assert (told.returncode, told.stdout.lower().split()[:2]) == (0, ['usage:', 'eipoibd']), told


def test_install_run_and_remove_without_leftovers(node):
    before = node.shell(FILES).stdout
    installed = node.shell(INSTALL)
    assert installed.returncode == 0, installed
    assert node.path(f'{HOME}/python').readlink() == Path('/usr/bin/python3')
    assert_programs_run(node)
    for path in BY_HOOKS:
        node.path(path).parent.mkdir(exist_ok=True)
        node.path(path).touch()
    removed = node.shell('dpkg --purge fuel-infiniband')
    assert removed.returncode == 0, removed
    assert node.shell(FILES).stdout == before


def test_what_stays_until_a_purge_does_nothing_without_the_programs(node):
    """Configuration files do: upstart's jobs, and the script that ifupdown runs before every interface."""
    node.shell(INSTALL)
    for path in ('/etc/fuel-infiniband/storage.json', '/etc/fuel-infiniband/sriov.json'):
        node.path(path).parent.mkdir(exist_ok=True)
        node.path(path).write_text('{"name": "ib0"}')
    assert node.shell('dpkg --remove fuel-infiniband').returncode == 0
    assert node.shell('IFACE=ib0 /etc/network/if-pre-up.d/fuel-infiniband').returncode == 0
    for job in ('eipoibd', 'fuel-infiniband-sriov'):
        script = re.search(r'^pre-start script$(.*?)^end script$', node.path(f'/etc/init/{job}.conf').read_text(),
                           re.DOTALL | re.MULTILINE).group(1)
        ran = node.shell(f'stop() {{ echo stopped; }}; test() {{ [ "$*" = "-e {DRIVER}" ] || command test "$@"; }}\n'
                         f'{script}')
        assert (ran.returncode, ran.stdout) == (0, 'stopped\n'), job


def test_the_ledger_outlives_the_package_because_the_interfaces_in_it_do(node):
    node.shell(INSTALL)
    node.path(LEDGER).parent.mkdir()
    node.path(LEDGER).write_text('{}')
    assert node.shell('dpkg --purge fuel-infiniband').returncode == 0
    assert node.path(LEDGER).read_text() == '{}'


def test_it_runs_on_python_2_7(node27):
    installed = node27.shell(INSTALL)
    assert installed.returncode == 0, installed
    assert node27.path(f'{HOME}/python').readlink() == Path('/usr/bin/python2.7')
    assert node27.path(f'{HOME}/plugin_lib/errors.pyc').exists()
    assert_programs_run(node27)
    assert node27.shell('dpkg --purge fuel-infiniband').returncode == 0
    assert not node27.path(HOME).exists()


def test_modules_are_compiled_for_a_quick_start(node):
    node.shell(INSTALL)
    source = {path.stem for path in node.path(f'{HOME}/plugin_lib').glob('*.py')}
    compiled = {path.name.partition('.')[0] for path in node.path(f'{HOME}/plugin_lib/__pycache__').iterdir()}
    assert compiled == source


def test_an_upgrade_keeps_the_programs_running(node):
    node.shell(INSTALL)
    again = node.shell(INSTALL)
    assert again.returncode == 0, again
    assert_programs_run(node)


def test_a_system_without_a_usable_python_is_told_what_to_install(node):
    node.shell('rm -r /usr/lib/python3/dist-packages/jsonschema')
    result = node.shell(INSTALL)
    assert result.returncode != 0
    assert 'imports all of jinja2, jsonschema, ovs and yaml' in result.stderr
    assert 'dpkg --configure fuel-infiniband' in result.stderr


def test_no_service_is_started_or_enabled(node):
    node.shell(INSTALL)
    assert not list(node.path('/etc/systemd/system').rglob('*eipoibd*'))


def test_dpkg_of_ubuntu_14_04_can_unpack_it(deb):
    """It knows no zstd, and xz for control.tar only since a point release."""
    members = subprocess.run(['ar', 't', str(deb)], capture_output=True, text=True, check=True).stdout.split()
    assert members == ['debian-binary', 'control.tar.gz', 'data.tar.gz']


def test_contents_belong_to_root_and_nobody_else_may_write(deb):
    listing = subprocess.run(['dpkg-deb', '-c', str(deb)], capture_output=True, text=True, check=True).stdout
    for line in listing.splitlines():
        assert re.match(r'^(drwxr-xr-x|-rw-r--r--|-rwxr-xr-x|lrwxrwxrwx) root/root ', line), line


def test_every_dependency_is_there_for_either_python(deb):
    needs = subprocess.run(['dpkg-deb', '-f', str(deb), 'Depends'], capture_output=True, text=True, check=True).stdout
    for need in needs.split(', '):
        old, new = re.sub(r' \(.*?\)', '', need).split(' | ')
        assert new.strip() == old.replace('python2.7', 'python').replace('python', 'python3')


def test_man_pages_and_completion(node):
    assert node.shell(INSTALL).returncode == 0
    for name in ('fuel-infiniband', 'eipoibd'):
        page = node.shell(f'gzip -dc /usr/share/man/man8/{name}.8.gz').stdout
        assert page.startswith('.') and 'Synopsis' in page.title()
    complete = ('bash -c \'. /usr/share/bash-completion/completions/{0}; COMP_WORDS=({1}); COMP_CWORD={2}; '
                '_fuel_infiniband; echo "${{COMPREPLY[@]}}"\'')
    assert node.shell(complete.format('fuel-infiniband', 'fuel-infiniband ch', 1)).stdout.split() == ['check']
    assert node.shell(complete.format('fuel-infiniband', 'fuel-infiniband check --env', 2)).stdout.split() == [
        '--environment']
    assert node.shell(complete.format('eipoibd', 'eipoibd --dr', 1)).stdout.split() == ['--dry-run']
    assert node.shell('dpkg --purge fuel-infiniband').returncode == 0
