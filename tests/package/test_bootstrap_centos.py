# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``fuel-infiniband bootstrap`` on a master of Fuel 6.1: build, activate, restore, with Python 2.7 and PyYAML alone.

Covers what is in the image as the real cpio unpacks it and what stays as it was; building again; restoring the original
byte for byte; being killed before every step, and anywhere in between; whatever may be missing, broken or in the way,
each of which leaves the active image alone. The image is a small one of the same kind; tests/vm boots a whole one.
cobbler stands in.
"""
import os
import shutil
import subprocess
import time

import pytest

from tests.package import killer
from tests.package.conftest import python27
from tests.package.driver_packages import files_of, rpm
from tests.package.fuel_images import FORCING, IMAGE, KERNEL, fill, give_centos, pack
from tests.package.fuel_master import PLUGINS, FuelMaster

HOME = f'{PLUGINS}/infiniband-1.0'
STATE = '/var/lib/fuel-infiniband/bootstrap'
BUILD = ('bootstrap', 'build')
ACTIVATE = (*BUILD, '--activate')
RESTORE = ('bootstrap', 'restore')


@pytest.fixture(scope='session')
def tree(tmp_path_factory):
    """What is in the original image."""
    return fill(tmp_path_factory.mktemp('tree'))


@pytest.fixture(scope='session')
def original(tree):
    return pack(tree, tree.parent / 'original.img')


@pytest.fixture
def master(root_only, tmp_path, built, original):
    """A master of Fuel 6.1 with the plugin."""
    machine = FuelMaster(tmp_path, python27())
    shutil.copytree(built['fuel6'], machine.path(HOME))
    give_centos(machine, original)
    yield machine
    machine.close()


def add_driver(master, folder, kernel=KERNEL):
    modules = ('ib_ipoib', 'eth_ipoib')
    package = rpm(folder, 'kernel-ib', files=[*files_of(kernel, modules), 'etc/infiniband/info'])
    master.do(f'{HOME}/fuel-infiniband', 'drivers', 'add', master.take(package))


def run(master, *arguments, status=0):
    return master.do(f'{HOME}/fuel-infiniband', *arguments, status=status)


def unpacked(master, folder):
    """The active image, unpacked by cpio."""
    folder.mkdir()
    with master.path(IMAGE).open('rb') as stream:
        data = subprocess.run(['zcat'], stdin=stream, stdout=subprocess.PIPE, check=True).stdout
    subprocess.run(['cpio', '-idm', '--quiet'], cwd=folder, input=data, check=True)
    return folder


def facts(path):
    found = os.lstat(path)
    # cpio does not set the time of a link.
    return found.st_mode, found.st_uid, found.st_gid, None if os.path.islink(path) else int(found.st_mtime)


def test_built_activated_and_restored(master, tmp_path, tree, original):
    before = master.listing()
    add_driver(master, tmp_path)
    said = run(master, *BUILD)
    assert 'adding kernel-ib-1.5.3-1.x86_64.rpm' in said and '\n  100 %\n' in said
    assert master.path(IMAGE).read_bytes() == original.read_bytes(), 'only activating it changes what nodes boot'
    run(master, *ACTIVATE)
    assert master.path('tmp/synced').read_text() == 'shell cobbler cobbler sync\n'
    assert f'active:     {IMAGE}\ninfiniband: yes\nprevious:   {STATE}/original.img\n' in run(
        master, 'bootstrap', 'status')

    image = unpacked(master, tmp_path / 'image')
    changed = {'etc/rc.d/rc.local', FORCING}
    for path in tree.rglob('*'):
        name = str(path.relative_to(tree))
        if name in changed or path.is_dir():
            continue
        assert facts(image / name) == facts(path), name
        if path.is_file() and not path.is_symlink():
            assert (image / name).read_bytes() == path.read_bytes(), name
    assert os.path.samefile(image / 'usr/bin/python', image / 'usr/bin/python2.6'), 'hard links are kept'
    assert not (image / FORCING).exists()
    lines = (image / 'etc/rc.d/rc.local').read_text().splitlines()
    assert [line for line in lines if 'fuel-infiniband' in line] == lines[2:4]
    assert os.access(image / 'etc/rc.d/rc.local', os.X_OK)
    assert os.readlink(image / 'usr/lib/fuel-infiniband/python') == '/usr/bin/python'
    assert (image / 'usr/sbin/eipoibd').exists() and (image / 'usr/lib/fuel-infiniband/plugin_lib/pkey.py').exists()
    assert (image / f'lib/modules/{KERNEL}/updates/eth_ipoib.ko').exists()
    assert 'install ib_ipoib /sbin/modprobe --ignore-install ib_ipoib' in (
        image / 'etc/modprobe.d/fuel-infiniband.conf').read_text()

    run(master, *RESTORE)
    assert master.path(IMAGE).read_bytes() == original.read_bytes()
    run(master, 'setup', '--remove')
    master.do('rm', '/tmp/synced')
    assert master.listing() == before


def test_building_again_starts_from_the_original(master, original):
    run(master, *ACTIVATE)
    first = master.path(IMAGE).read_bytes()
    said = run(master, *ACTIVATE)
    assert 'no driver package has eth_ipoib' in said
    assert master.path(IMAGE).read_bytes() == first, 'the same gives the same bytes'
    run(master, *RESTORE)
    assert master.path(IMAGE).read_bytes() == original.read_bytes()
    assert run(master, *RESTORE) == 'no image of ours is here\n'


def test_an_image_that_fuel_brings_later_is_the_new_original(master, tree, tmp_path):
    run(master, *ACTIVATE)
    pack(tree, newer := tmp_path / 'newer.img')
    newer.write_bytes(newer.read_bytes())
    master.path(IMAGE).write_bytes(newer.read_bytes())
    run(master, *ACTIVATE)
    run(master, *RESTORE)
    assert master.path(IMAGE).read_bytes() == newer.read_bytes()


def test_a_dry_run_tells_all_and_changes_nothing(master, tmp_path):
    add_driver(master, tmp_path)
    before = master.listing()
    said = run(master, *BUILD, '--dry-run')
    for line in (f'remove {FORCING}', 'add etc/modprobe.d/fuel-infiniband.conf', 'change etc/rc.d/rc.local',
                 f'add kernel-ib-1.5.3-1.x86_64.rpm, for kernel {KERNEL}'):
        assert line in said.splitlines()
    assert master.listing() == before


def go_on(master, then, ours, original):
    """Run ``then`` after a command that was killed, and restore: all is as it was."""
    assert master.path(IMAGE).read_bytes() in (ours, original), 'it is whole at any moment'
    if then == ACTIVATE:
        run(master, *then)
        assert master.path(IMAGE).read_bytes() == ours
    run(master, *RESTORE)
    assert master.path(IMAGE).read_bytes() == original
    assert not master.path(STATE).exists()
    assert os.listdir(master.path(IMAGE).parent) == [os.path.basename(IMAGE)]


@pytest.mark.parametrize('arguments, then', [(ACTIVATE, ACTIVATE), (ACTIVATE, RESTORE), (RESTORE, RESTORE)])
def test_killed_before_any_step(master, original, arguments, then):
    """The operator runs it again, or gives up."""
    run(master, *ACTIVATE)
    ours = master.path(IMAGE).read_bytes()
    if arguments == ACTIVATE:
        run(master, *RESTORE)
    start = master.path(IMAGE).read_bytes()
    master.do('mkdir', '-p', os.path.dirname(STATE))
    master.do('cp', '-a', os.path.dirname(STATE), '/tmp/state')
    for step in range(1, 200):
        master.path(IMAGE).write_bytes(start)
        master.do('rm', '-rf', os.path.dirname(STATE))
        master.do('cp', '-a', '/tmp/state', os.path.dirname(STATE))
        status = killer.run(master, killer.AT_STEP, step, HOME, arguments)
        go_on(master, then, ours, original.read_bytes())
        if status == 0:
            break
    assert step >= 5


def test_killed_at_any_moment(master, tree, tmp_path):
    """Also in the middle of packing, of reading back, of depmod."""
    large = shutil.copytree(tree, tmp_path / 'large', symlinks=True, ignore=shutil.ignore_patterns('fifo'))
    (large / 'firmware').write_bytes(os.urandom(8 << 20))
    original = pack(large, tmp_path / 'large.img').read_bytes()
    master.path(IMAGE).write_bytes(original)
    started = time.monotonic()
    run(master, *ACTIVATE)
    whole = time.monotonic() - started
    ours = master.path(IMAGE).read_bytes()
    run(master, *RESTORE)
    for part, _ in killer.at_moments(master, whole, 12, HOME, ACTIVATE):
        go_on(master, (ACTIVATE, RESTORE)[part % 2], ours, original)


def truncate(data):
    return data[:len(data) // 2]


def damage(data):
    return data[:len(data) // 2] + b'\xff\xff\xff' + data[len(data) // 2 + 3:]


BROKEN = {
    'the image is cut off': lambda master: spoil(master, IMAGE, truncate),
    'the image is damaged': lambda master: spoil(master, IMAGE, damage),
    'the image is empty': lambda master: spoil(master, IMAGE, lambda data: b''),
    'the image is none': lambda master: spoil(master, IMAGE, lambda data: b'\x7fELF' + data),
    'the image has no rc.local': lambda master: without(master, 'etc/rc.d/rc.local', 'etc/rc.local'),
    'the image has no python': lambda master: without(master, 'usr/bin/python', 'usr/bin/python2.6'),
    'the image has no modules': lambda master: without(master, 'lib'),
    'the node package is another': lambda master: spoil(
        master, next(f'{HOME}/repositories/ubuntu/{path.name}'
                     for path in master.path(f'{HOME}/repositories/ubuntu').glob('*.deb')), damage),
    'the overlay is gone': lambda master: master.do('rm', '-r', f'{HOME}/bootstrap'),
    'cobbler fails': lambda master: master.program('dockerctl', 'echo no container; exit 1'),
    'there is no cobbler': lambda master: master.do('rm', '/usr/bin/dockerctl'),
    'there is no image': lambda master: master.do('rm', IMAGE),
    'the release is unknown': lambda master: spoil(master, '/etc/fuel/version.yaml',
                                                   lambda data: data.replace(b'6.1', b'5.1')),
    'it is no master': lambda master: master.do('rm', '/etc/fuel/version.yaml'),
    'depmod fails': lambda master: master.program('../local/sbin/depmod', 'echo bad module; exit 1'),
    'its folder is read-only': lambda master: master.do(
        'sh', '-ec', 'cd /var/www/nailgun; mount --bind bootstrap bootstrap; mount -o remount,bind,ro bootstrap'),
    'no space is left': lambda master: master.do('mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs',
                                                 '/var/lib/fuel-infiniband'),
}
SAID = {'cobbler fails': 'no container', 'there is no cobbler': 'cobbler still boots nodes',
        'it is no master': 'this is no Fuel master', 'the release is unknown': 'release 5.1',
        'depmod fails': 'bad module', 'its folder is read-only': 'Read-only file system',
        'no space is left': 'MiB needed'}
AFTERWARDS = ('cobbler fails', 'there is no cobbler')


def spoil(master, path, change):
    place = master.path(path)
    place.write_bytes(change(place.read_bytes()))


def without(master, *names):
    script = f'mkdir /tmp/x; cd /tmp/x; zcat {IMAGE} | cpio -id --quiet; rm -r {" ".join(names)}; ' \
             f'find . | cpio -o -H newc --quiet | gzip > {IMAGE}; rm -r /tmp/x'
    master.do('sh', '-ec', script)


@pytest.mark.parametrize('trouble', BROKEN)
def test_what_is_in_the_way_is_told_and_the_active_image_stays(master, original, trouble):
    master.do('mkdir', '/var/lib/fuel-infiniband')
    BROKEN[trouble](master)
    place = master.path(IMAGE)
    active = place.read_bytes() if place.exists() else None
    said = run(master, *ACTIVATE, status=3)
    assert 'error: ' in said and '\n  next:  ' in said
    assert SAID.get(trouble, '') in said
    if trouble in AFTERWARDS:
        master.program('dockerctl', 'echo "$*" >> /tmp/synced')
        run(master, *RESTORE)
        assert master.path('tmp/synced').exists(), 'cobbler is told again'
        active = original.read_bytes()
    assert (place.read_bytes() if place.exists() else None) == active


@pytest.mark.parametrize('trouble', ['the image is cut off', 'the image is none', 'there is no image'])
def test_restore_puts_the_original_back_whatever_became_of_the_active_image(master, original, trouble):
    run(master, *ACTIVATE)
    BROKEN[trouble](master)
    run(master, *RESTORE)
    assert master.path(IMAGE).read_bytes() == original.read_bytes()
    assert not master.path(STATE).exists()


def test_drivers_for_another_kernel(master, tmp_path, original):
    add_driver(master, tmp_path, '2.6.32-1.el6.x86_64')
    said = run(master, *ACTIVATE, status=3)
    assert f'it has {KERNEL}, they are for 2.6.32-1.el6.x86_64' in said
    assert master.path(IMAGE).read_bytes() == original.read_bytes()


def test_a_driver_package_that_changed_since_it_was_added(master, tmp_path, original):
    add_driver(master, tmp_path)
    spoil(master, f'{HOME}/repositories/centos/kernel-ib-1.5.3-1.x86_64.rpm', damage)
    assert 'is not the one that was added' in run(master, *ACTIVATE, status=3)
    master.do('rm', f'{HOME}/repositories/centos/kernel-ib-1.5.3-1.x86_64.rpm')
    assert 'run: fuel-infiniband drivers add kernel-ib-1.5.3-1.x86_64.rpm' in run(master, *ACTIVATE, status=3)
    assert master.path(IMAGE).read_bytes() == original.read_bytes()


def test_a_copy_of_the_original_that_was_damaged_is_never_put_back(master):
    run(master, *ACTIVATE)
    ours = master.path(IMAGE).read_bytes()
    spoil(master, f'{STATE}/original.img', damage)
    assert 'the copy of the original discovery image is damaged' in run(master, *RESTORE, status=3)
    assert master.path(IMAGE).read_bytes() == ours
