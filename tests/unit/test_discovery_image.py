# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What a discovery image needs: rc.local of every release, which release a master has, how much room there is."""
from __future__ import absolute_import, print_function, unicode_literals

import os

import pytest

from plugin_lib.bootstrap_image import customize
from plugin_lib.bootstrap_image.master import Master
from plugin_lib.errors import InfinibandError
from plugin_lib.planning import discovery_image

LINES = ('START', 'WAIT')


@pytest.mark.parametrize('text, expected', [
    ('a\nrm -f /etc/nailgun-agent/nodiscover\nb\n', 'a\nSTART\nWAIT\nb\n'),
    ('a\n  [ -e x ] && rm /etc/nailgun-agent/nodiscover\n', 'a\nSTART\nWAIT\n'),
    ('a\nflock -c "/opt/nailgun/bin/agent >> x" || true\nrm -f /etc/nailgun-agent/nodiscover\nb\n',
     'a\nSTART\nWAIT\nflock -c "/opt/nailgun/bin/agent >> x" || true\nb\n'),
    ('# nailgun-agent\na\nexit 0\n', '# nailgun-agent\na\nSTART\nWAIT\nexit 0\n'),
    ('a', 'a\nSTART\nWAIT\n'), ('', 'START\nWAIT\n')])
def test_rc_local_waits_where_it_opened_the_gate(text, expected):
    assert discovery_image.rc_local(text, LINES) == expected
    assert discovery_image.rc_local(expected, LINES) == expected


@pytest.fixture
def image(tmpdir):
    """The root of an image as fuel-bootstrap has it when it runs our script."""
    for name, text in (('etc/rc.local', 'rm -f /etc/nailgun-agent/nodiscover\n'), ('etc/init/eipoibd.conf', ''),
                       ('etc/modprobe.d/mlnx4_core.conf', 'options mlx4_core port_type_array=2,2\n')):
        tmpdir.join(name).write(text, ensure=True)
    return tmpdir


def test_an_image_is_customized_once(image):
    for _ in range(2):
        assert customize.main(str(image)) == 0
        assert image.join('etc/rc.local').read() == discovery_image.WAIT + '\n'
        assert not image.join('etc/modprobe.d/mlnx4_core.conf').check()


@pytest.mark.parametrize('name', ['etc/rc.local', 'etc/init/eipoibd.conf'])
def test_an_image_of_another_kind_fails_the_build(image, capsys, name):
    image.join(name).remove()
    assert customize.main(str(image)) == 3
    assert 'no such file' in capsys.readouterr().err.lower()


@pytest.mark.parametrize('name, text, release', [
    ('etc/fuel_release', '9.2\n', '9.2'), ('etc/fuel_release', '8.0', '8.0'),
    ('etc/fuel/version.yaml', 'VERSION:\n  api: "1.0"\n  release: "7.0"\n', '7.0'),
    ('etc/fuel/version.yaml', "VERSION:\n  production: 'docker'\n  release: '6.1'\n", '6.1')])
def test_the_release_of_a_master(tmpdir, name, text, release):
    tmpdir.join(name).write(text, ensure=True)
    assert Master(str(tmpdir), '').release() == release


@pytest.mark.parametrize('text', ['10.0\n', '', 'x\n', '6.0'])
def test_another_release_is_refused_by_its_name(tmpdir, text):
    tmpdir.join('etc/fuel_release').write(text, ensure=True)
    with pytest.raises(InfinibandError) as caught:
        Master(str(tmpdir), '').release()
    assert caught.value.where == str(tmpdir.join('etc/fuel_release'))
    assert caught.value.exit_status == 3


def test_room_is_counted_once_for_each_file_system(tmpdir):
    free = os.statvfs(str(tmpdir)).f_bavail * os.statvfs(str(tmpdir)).f_frsize
    master, half = Master(str(tmpdir), ''), free // 2 + (256 << 20)
    master.need({str(tmpdir.join('not/there/yet')): half})
    assert not tmpdir.join('not').check(), 'looking makes nothing'
    with pytest.raises(InfinibandError) as caught:
        master.need({str(tmpdir.join('a')): half, str(tmpdir.join('b')): half})
    assert 'MiB needed' in caught.value.why
