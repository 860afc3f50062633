# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The install hook for real: apt, dpkg and the built repository on a throw-away node.

Covers the first run, the second, one killed at each of its steps, a package that is not the one of the build, a
repository that is not there, and dependencies that apt must bring or cannot.
"""
import shutil

import pytest

import plugin_lib
from tests.package.conftest import PLUGIN_FOLDER, REPOSITORY, SOURCE_LIST

VERSION = plugin_lib.version()
STATUS = "dpkg-query -W -f '${Status}' fuel-infiniband"


def assert_refused(node, result, *words):
    """The hook ended with one message of four parts and status 3, and left nothing half done."""
    assert result.returncode == 3, result
    assert [line.split(':')[0].strip() for line in result.stderr.splitlines()
            if not line.startswith('   ' * 3)] == ['error', 'where', 'why', 'next'], result.stderr
    for word in words:
        assert word in result.stderr
    assert not node.path('/var/cache/fuel-infiniband').exists()


def kill_hook_at(node, program, step):
    """Have ``program`` kill the whole hook when it is called with the word ``step``, after doing it."""
    path = node.path(f'/usr/local/sbin/{program}')
    path.write_text(f'#!/bin/sh\n/usr/bin/{program} "$@"\nstatus=$?\n'
                    f'case " $* " in *" {step} "*) kill -9 0;; esac\nexit $status\n')
    path.chmod(0o755)
    return path


def test_first_and_second_run(node):
    first = node.shell('sh ./install')
    assert (first.returncode, first.stdout) == (0, f'installed fuel-infiniband {VERSION}\n'), first
    assert node.shell(STATUS).stdout == 'install ok installed'
    node.path(SOURCE_LIST).unlink()
    second = node.shell('sh ./install')
    assert (second.returncode, second.stdout) == (0, f'fuel-infiniband {VERSION} is installed already\n')


def install_older_version(node):
    node.shell(f'cd /srv && dpkg-deb -R {REPOSITORY}/*.deb old')
    control = node.path('/srv/old/DEBIAN/control')
    control.write_text(control.read_text().replace(f'Version: {VERSION}', 'Version: 0.9'))
    node.shell('cd /srv && dpkg-deb -b old && dpkg -i old.deb')
    assert node.shell("dpkg-query -W -f '${Version}' fuel-infiniband").stdout == '0.9'


def test_an_older_version_is_replaced(node):
    install_older_version(node)
    assert node.shell('sh ./install').returncode == 0
    assert node.shell("dpkg-query -W -f '${Version}' fuel-infiniband").stdout == VERSION


@pytest.mark.parametrize(('program', 'step'), [
    ('apt-get', 'update'), ('apt-get', 'download'), ('sha256sum', '-c'), ('dpkg', '-i')])
def test_killed_after_any_step_and_run_again(node, program, step):
    trap = kill_hook_at(node, program, step)
    assert node.shell('setsid --wait sh ./install').returncode != 0
    trap.unlink()
    again = node.shell('sh ./install')
    assert again.returncode == 0, again
    assert node.shell(STATUS).stdout == 'install ok installed'
    assert not node.path('/var/cache/fuel-infiniband').exists()


def test_killed_between_unpacking_and_configuring(node):
    path = node.path('/usr/local/sbin/dpkg')
    path.write_text('#!/bin/sh\nfor last; do :; done\n/usr/bin/dpkg --unpack "$last"\nkill -9 0\n')
    path.chmod(0o755)
    node.shell('setsid --wait sh ./install')
    assert node.shell(STATUS).stdout == 'install ok unpacked'
    path.unlink()
    assert node.shell('sh ./install').returncode == 0
    assert node.shell(STATUS).stdout == 'install ok installed'


def test_another_package_than_the_one_of_the_build_is_not_installed(node):
    path = node.path(f'{PLUGIN_FOLDER}/fuel-infiniband.sha256')
    path.write_text('0' * 64 + path.read_text()[64:])
    assert_refused(node, node.shell('sh ./install'), 'is not the package that this plugin was built with', '0' * 64)
    assert node.shell(STATUS).returncode != 0


def test_no_apt_source(node):
    node.path(SOURCE_LIST).unlink()
    assert_refused(node, node.shell('sh ./install'), 'could not be fetched', '/plugins/infiniband-1.0/',
                   'Unable to locate package fuel-infiniband')


def test_a_repository_that_is_gone(node):
    shutil.rmtree(node.path(REPOSITORY))
    assert_refused(node, node.shell('sh ./install'), 'could not be fetched', 'Failed to fetch')


def test_another_source_that_is_gone_does_not_matter(node):
    node.path('/etc/apt/sources.list.d/mirror.list').write_text('deb file:/srv/mirror/ /\n')
    assert node.shell('sh ./install').returncode == 0


def test_hooks_without_a_checksum(node):
    node.path(f'{PLUGIN_FOLDER}/fuel-infiniband.sha256').unlink()
    assert_refused(node, node.shell('sh ./install'), f'{PLUGIN_FOLDER}/fuel-infiniband.sha256')


def test_dependencies_come_from_the_other_sources(node):
    """Also when the lists of those were never fetched on this node."""
    repack = ('cd /srv && mkdir -p distribution/new/DEBIAN && cd distribution && '
              'dpkg -L python3-jsonschema | while read f; do [ -f "$f" ] && echo "$f"; done > files && '
              'tar -c -T files 2>/dev/null | tar -x -C new && dpkg-query -W '
              "-f 'Package: ${Package}\\nVersion: ${Version}\\nArchitecture: ${Architecture}\\nMaintainer: test\\n"
              "Depends: ${Depends}\\nDescription: repacked\\n' python3-jsonschema > new/DEBIAN/control && "
              'dpkg-deb -b new . && rm -r new && dpkg-scanpackages . > Packages && '
              'dpkg -r --force-depends python3-jsonschema')
    done = node.shell(repack)
    assert done.returncode == 0, done
    node.path('/etc/apt/sources.list.d/os.list').write_text('deb [trusted=yes] file:/srv/distribution/ /\n')
    result = node.shell('sh ./install')
    assert result.returncode == 0, result
    assert 'ok installed' in node.shell("dpkg-query -W -f '${Status}' python3-jsonschema").stdout


def test_dependencies_that_nobody_has(node):
    assert node.shell('dpkg -r --force-depends python3-jsonschema').returncode == 0
    result = node.shell('sh ./install')
    assert_refused(node, result, 'could not be installed', 'jsonschema')


def test_an_upgrade_that_fails_purges_nothing_and_is_finished_later(node):
    install_older_version(node)
    in_use = [node.path('/run/eipoibd/children.json'), node.path('/etc/fuel-infiniband/eipoibd.conf')]
    for path in in_use:
        path.parent.mkdir()
        path.write_text('of this node')
    node.shell('mv /usr/lib/python3/dist-packages/jsonschema /srv')
    assert_refused(node, node.shell('sh ./install'), 'could not be installed', 'imports all of jinja2, jsonschema')
    assert [path.read_text() for path in in_use] == ['of this node'] * 2
    assert node.shell(STATUS).stdout == 'install ok half-configured'
    node.shell('mv /srv/jsonschema /usr/lib/python3/dist-packages/')
    assert node.shell('sh ./install').returncode == 0
    assert node.shell(STATUS).stdout == 'install ok installed'


def test_an_upgrade_that_cannot_be_unpacked_keeps_the_older_version(node):
    install_older_version(node)
    assert node.shell('mount -t tmpfs -o ro none /etc/init').returncode == 0
    assert_refused(node, node.shell('sh ./install'), 'could not be installed')
    assert node.shell("dpkg-query -W -f '${Status} ${Version}' fuel-infiniband").stdout == 'install ok installed 0.9'
    assert node.shell('fuel-infiniband --help').returncode == 0


def test_an_installation_that_fails_leaves_no_package_in_the_way(node):
    node.shell('rm -r /usr/lib/python3/dist-packages/jsonschema')
    assert_refused(node, node.shell('sh ./install'), 'could not be installed', 'imports all of jinja2, jsonschema')
    assert node.shell(STATUS).returncode != 0


def test_a_disk_that_cannot_be_written(node):
    assert node.shell('mount -t tmpfs -o ro none /var/cache').returncode == 0
    assert_refused(node, node.shell('sh ./install'), '/var/cache/fuel-infiniband', 'Read-only file system',
                   'run this hook as root')
