# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The systemd units that the node package brings: eipoibd's, and the one of virtual functions.

Covered: what systemd-analyze says of the unit alone and with its hardening, which must leave an exposure of at most
2.0; the unit alone has nothing that came after systemd 229 (no such release runs here: its settings are held against
the releases that brought them); the hardening is there exactly where systemd knows all of it, and goes with the
package.
"""
import re
import shutil
import subprocess

import pytest

from tests.package.conftest import REPOSITORY
from tools.packages import TOP

# The release of systemd that brought each setting, from its NEWS.
SINCE = {
    'Description': 1, 'ConditionPathExists': 1, 'After': 1, 'Before': 1, 'Wants': 1, 'Type': 1, 'ExecStart': 1,
    'ExecReload': 1, 'Restart': 1, 'RestartSec': 1, 'CapabilityBoundingSet': 1, 'LimitNOFILE': 1, 'PrivateTmp': 1,
    'WantedBy': 1, 'WatchdogSec': 183, 'NoNewPrivileges': 187, 'SystemCallArchitectures': 209,
    'RestrictAddressFamilies': 211, 'ProtectHome': 214, 'ProtectSystem': 214,
}
PLACE = '/usr/lib/systemd/system/eipoibd.service.d/hardening.conf'


@pytest.fixture
def unit(tmp_path):
    """The unit with its hardening in a folder of its own; any program that exists does for the checks."""
    if not shutil.which('systemd-analyze'):
        pytest.skip('systemd-analyze is not installed')
    path = tmp_path / 'eipoibd.service'
    path.write_text((TOP / 'packaging/eipoibd.service').read_text().replace('/usr/sbin/eipoibd', '/bin/true'))
    (tmp_path / 'eipoibd.service.d').mkdir()
    shutil.copy(TOP / 'packaging/hardening.conf', tmp_path / 'eipoibd.service.d')
    return path


def analyze(*arguments):
    return subprocess.run(['systemd-analyze', *map(str, arguments)], capture_output=True, text=True)


def assert_valid(unit):
    result = analyze('verify', '--man=no', unit)
    assert (result.returncode, [line for line in result.stderr.splitlines() if unit.parent.name in line]) == (0, [])


def test_the_hardened_unit_is_valid_and_exposes_little(unit):
    assert_valid(unit)
    result = analyze('security', '--offline=true', '--no-pager', '--threshold=20', unit)
    if 'unrecognized option' in result.stderr:
        pytest.skip('this systemd-analyze cannot look at a unit that is not loaded')
    assert result.returncode == 0, result.stdout[-400:] + result.stderr


def test_the_reduced_unit_is_valid_and_holds_nothing_newer_than_229(unit):
    shutil.rmtree(unit.parent / 'eipoibd.service.d')
    assert_valid(unit)
    settings = set(re.findall(r'^(\w+)=', unit.read_text(), re.MULTILINE))
    assert [name for name in sorted(settings) if SINCE.get(name, 999) > 229] == []
    assert 'ProtectSystem=strict' not in unit.read_text(), 'of 232'
    assert '@' not in unit.read_text(), 'filters of system calls by group are of 231'


def test_virtual_functions_are_configured_at_every_boot_where_there_are_any(unit, node):
    from plugin_lib.paths import SRIOV_MEMORY
    text = (TOP / 'packaging/fuel-infiniband-sriov.service').read_text()
    other = unit.with_name('fuel-infiniband-sriov.service')
    other.write_text(text.replace('/usr/bin/fuel-infiniband', '/bin/true'))
    assert_valid(other)
    assert f'ConditionPathExists={SRIOV_MEMORY}\n' in text
    assert f'test -e {SRIOV_MEMORY} ' in (TOP / 'packaging/fuel-infiniband-sriov.conf').read_text()
    assert node.shell(f'dpkg -i {REPOSITORY}/*.deb').returncode == 0
    wanted = node.path('/usr/lib/systemd/system/multi-user.target.wants') / other.name
    assert (wanted.parent / wanted.readlink()).exists()


def test_the_watchdog_waits_longer_than_twice_for_the_resync(unit):
    from plugin_lib.daemon import config
    assert f'WatchdogSec={3 * config.DEFAULTS.resync_interval}\n' in unit.read_text()


@pytest.mark.parametrize('release, there', [('252 (252.38-1~deb12u1)', True), ('247', True), ('229', False)])
def test_the_hardening_is_there_where_systemd_knows_all_of_it(node, release, there):
    node.path('/usr/bin/systemctl').unlink(missing_ok=True)
    node.path('/usr/bin/systemctl').write_text(f'#!/bin/sh\necho "systemd {release}"\n')
    node.path('/usr/bin/systemctl').chmod(0o755)
    installed = node.shell(f'dpkg -i {REPOSITORY}/*.deb')
    assert installed.returncode == 0, installed
    assert node.path(PLACE).is_symlink() == there
    assert node.shell('dpkg --purge fuel-infiniband').returncode == 0
    assert not node.path(PLACE).parent.exists()
