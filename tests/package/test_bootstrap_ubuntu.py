# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``fuel-infiniband bootstrap`` on a master of Fuel 9: build, activate, restore, with Python 2.7 and PyYAML alone.

Covers the command line of fuel-bootstrap, which keeps every configured repository; what packages, overlay and script
make of an image in a real chroot; building again; restoring what was active; being killed before every step
and anywhere in between, with and without the builder;
fuel-bootstrap failing half-way, and whatever else may be missing or in the way, which leaves the active image alone.
tests/package/fuel-bootstrap stands in for the real one.
"""
import json
import shutil
import time

import pytest

from tests.package import killer
from tests.package.conftest import python27
from tests.package.driver_packages import deb, files_of
from tests.package.fuel_images import CONFIG, FUELS_OWN, IMAGES, REPOSITORIES, configure, give_ubuntu
from tests.package.fuel_master import PLUGINS, FuelMaster

HOME = f'{PLUGINS}/infiniband-1.0'
STATE = '/var/lib/fuel-infiniband'
AS_OPTIONS = ['deb http://archive.ubuntu.com/ubuntu trusty main universe multiverse',
              'deb http://10.20.0.2:8080/mos mos9.0 main restricted,1050', 'deb http://10.20.0.2/flat/ / ,1100']
OURS = 'deb http://127.0.0.1:8080/plugins/infiniband-1.0/repositories/ubuntu/ /'
BUILD = ('bootstrap', 'build')
ACTIVATE = (*BUILD, '--activate')


@pytest.fixture
def master(root_only, tmp_path, built):
    """A master of Fuel 9 with the plugin and Fuel's own image."""
    machine = FuelMaster(tmp_path, python27())
    shutil.copytree(built['fuel8'], machine.path(HOME))
    give_ubuntu(machine)
    yield machine
    machine.close()


@pytest.fixture
def quick(master):
    """The master, on which images are made without a chroot."""
    master.path('tmp/no-chroot').write_text('')
    return master


def run(master, *arguments, status=0):
    return master.do(f'{HOME}/fuel-infiniband', *arguments, status=status)


def active(master):
    link = master.path(f'{IMAGES}/active_bootstrap')
    return str(link.readlink()).rpartition('/')[2] if link.is_symlink() else None


def images(master):
    return sorted(path.name for path in master.path(IMAGES).iterdir() if not path.is_symlink())


def commands(master):
    """The command lines of fuel-bootstrap, in order."""
    return [json.loads(line) for line in master.path('tmp/fuel-bootstrap.log').read_text().splitlines()]


def values(argv, option):
    return [value for name, value in zip(argv, argv[1:]) if name == option]


def test_built_activated_and_restored(master, tmp_path):
    before = master.listing()
    configuration = master.path(CONFIG).read_text()
    package = master.take(deb(tmp_path, 'mlnx-modules', '3.4', files_of('3.13.0-24-generic')))
    run(master, 'drivers', 'add', package)
    said = run(master, *BUILD)
    assert 'eth_ipoib' not in said and 'no driver package' not in said
    assert '  Bootstrap image' in said, 'its progress is passed on'
    assert active(master) == FUELS_OWN, 'only activating it changes what nodes boot'
    run(master, *ACTIVATE)
    assert master.path(CONFIG).read_text() == configuration
    ours = active(master)
    assert images(master) == sorted([FUELS_OWN, ours]), 'the one before it is deleted'
    argv = commands(master)[0]
    assert values(argv, '--repo') == [*AS_OPTIONS, OURS]
    assert values(argv, '--package') == ['fuel-infiniband', 'mlnx-modules']
    assert values(argv, '--direct-repo-addr') == ['127.0.0.1'], 'a proxy does not know us'
    assert f'active:     {ours} (fuel-infiniband 1.0.0)' in run(master, 'bootstrap', 'status')

    image = master.path(f'{IMAGES}/{ours}/root.squashfs')
    assert (image / 'etc/rc.local').read_text() == (
        '#!/bin/sh -e\nfix-configs-on-startup || true\n/usr/lib/fuel-infiniband/discovery-gate || true\n\n')
    assert (image / 'etc/rc.local').stat().st_mode & 0o111
    assert not (image / 'etc/modprobe.d/mlnx4_core.conf').exists(), 'it forces Ethernet'
    assert 'softdep ib_ipoib post: eth_ipoib' in (image / 'etc/modprobe.d/fuel-infiniband.conf').read_text()
    assert (image / 'etc/nailgun-agent/nodiscover').read_text() == ''
    assert 'discovery_gate = /etc/nailgun-agent/nodiscover' in (image / 'etc/fuel-infiniband/eipoibd.conf').read_text()
    assert (image / 'usr/lib/fuel-infiniband/discovery-gate').stat().st_mode & 0o111
    assert (image / 'etc/init/eipoibd.conf').exists()

    assert f'activating image {FUELS_OWN}' in run(master, 'setup', '--remove')
    assert (active(master), images(master)) == (FUELS_OWN, [FUELS_OWN])
    master.do('rm', '/tmp/fuel-bootstrap.log', package)
    assert master.listing() == before


def test_a_configured_script_runs_too_and_before_ours(master):
    master.path('root/mine').write_text('#!/bin/sh\necho mine > /etc/made-by-configured-script\n'
                                        'test -e /etc/modprobe.d/mlnx4_core.conf\n')
    configure(master, repos=REPOSITORIES, post_script_file='/root/mine')
    run(master, *ACTIVATE)
    image = master.path(f'{IMAGES}/{active(master)}/root.squashfs')
    assert (image / 'etc/made-by-configured-script').read_text() == 'mine\n'
    assert not (image / 'usr/lib/fuel-infiniband/configured-script').exists()


def test_a_configured_script_that_fails_fails_the_build(master):
    master.path('root/mine').write_text('#!/bin/sh\nexit 7\n')
    configure(master, repos=REPOSITORIES, post_script_file='/root/mine')
    run(master, *ACTIVATE, status=3)
    assert (active(master), images(master)) == (FUELS_OWN, [FUELS_OWN])


def test_only_extra_repositories_are_repeated_where_the_others_have_options_of_their_own(quick):
    configure(quick, ubuntu_repos=REPOSITORIES[:1], mos_repos=REPOSITORIES[1:2], extra_repos=REPOSITORIES[2:])
    run(quick, *BUILD)
    assert values(commands(quick)[0], '--repo') == [AS_OPTIONS[2], OURS]


def test_what_the_image_lacks_for_eipoib_is_told(quick, tmp_path):
    assert 'no driver package has eth_ipoib, which is in MLNX_OFED only' in run(quick, *BUILD)
    run(quick, 'drivers', 'add', quick.take(deb(tmp_path, 'mlnx-modules', '3.4', files_of('4.4.0-31-generic'))))
    assert 'no driver package is for the kernel of the image, 3.13.0-24-generic' in run(quick, *BUILD)


def test_a_dry_run_tells_the_command_line_and_changes_nothing(master):
    before = master.listing()
    said = run(master, *BUILD, '--dry-run')
    assert f'--repo {OURS}' in said and 'lay over it: /etc/modprobe.d/fuel-infiniband.conf' in said.splitlines()
    assert master.listing() == before


def test_what_an_operator_activates_later_stays(quick):
    run(quick, *ACTIVATE)
    quick.do('fuel-bootstrap', 'activate', FUELS_OWN)
    run(quick, 'bootstrap', 'restore')
    assert (active(quick), images(quick)) == (FUELS_OWN, [FUELS_OWN])


def test_what_is_no_image_is_overlooked(quick):
    for name, text in (('empty', None), ('broken', 'uuid: ['), ('moved', 'uuid: another\n')):
        quick.path(f'{IMAGES}/{name}').mkdir()
        if text:
            quick.path(f'{IMAGES}/{name}/metadata.yaml').write_text(text)
    run(quick, *ACTIVATE)
    run(quick, 'bootstrap', 'restore')
    assert (active(quick), images(quick)) == (FUELS_OWN, sorted([FUELS_OWN, 'broken', 'empty', 'moved']))


def test_the_old_image_of_centos_comes_back(quick):
    quick.do('fuel-bootstrap', 'activate', 'centos')
    run(quick, *ACTIVATE)
    run(quick, 'bootstrap', 'restore')
    assert (active(quick), images(quick)) == (None, [FUELS_OWN])


@pytest.mark.parametrize('arguments', [ACTIVATE, ('bootstrap', 'restore')], ids=' '.join)
def test_killed_before_any_step_and_run_again(quick, arguments):
    if arguments != ACTIVATE:
        run(quick, *ACTIVATE)
    quick.do('mkdir', '-p', STATE)
    quick.do('cp', '-a', STATE, IMAGES, '/tmp')
    for step in range(1, 200):
        quick.do('rm', '-rf', STATE, IMAGES)
        quick.do('cp', '-a', '/tmp/fuel-infiniband', STATE)
        quick.do('cp', '-a', '/tmp/bootstraps', IMAGES)
        status = killer.run(quick, killer.AT_STEP, step, HOME, arguments)
        assert active(quick) in images(quick)
        run(quick, *arguments)
        if arguments == ACTIVATE:
            assert active(quick) != FUELS_OWN and len(images(quick)) == 2
        run(quick, 'bootstrap', 'restore')
        assert (active(quick), images(quick)) == (FUELS_OWN, [FUELS_OWN]), f'killed before step {step}'
        assert not quick.path(f'{STATE}/bootstrap').exists()
        if status == 0:
            break
    assert step >= 3


def test_a_builder_that_outlives_the_command_is_waited_for(quick):
    """It would go on for 20 minutes, and leave its archive among those of the next build."""
    quick.do('mv', '/usr/bin/fuel-bootstrap', '/usr/bin/fuel-bootstrap.real')
    quick.program('fuel-bootstrap', 'if [ "$1" = build ]; then touch /tmp/building; '
                  'for turn in $(seq 600); do [ -e /tmp/go-on ] || sleep 0.1; done; fi; '
                  'fuel-bootstrap.real "$@"; status=$?; [ "$1" != build ] || touch /tmp/built; exit $status')
    quick.do('sh', '-ec', f'python -BEs -c "$0" 999 {HOME} bootstrap build >/dev/null 2>&1 & '
             'until [ -e /tmp/building ]; do sleep 0.1; done; kill -KILL $!', killer.AT_TIME)
    for arguments in (ACTIVATE, ('bootstrap', 'restore')):
        assert 'another fuel-infiniband bootstrap is at work' in run(quick, *arguments, status=3)
    quick.do('sh', '-ec', f'touch /tmp/go-on; flock {STATE}/bootstrap/lock test -e /tmp/built')
    run(quick, *ACTIVATE)
    assert len(images(quick)) == 2
    run(quick, 'bootstrap', 'restore')
    assert (active(quick), images(quick)) == (FUELS_OWN, [FUELS_OWN])


def test_killed_at_any_moment(quick):
    started = time.monotonic()
    run(quick, *ACTIVATE)
    whole = time.monotonic() - started
    run(quick, 'bootstrap', 'restore')
    for part, moment in killer.at_moments(quick, whole, 8, HOME, ACTIVATE):
        quick.do('sh', '-ec', f'cd {STATE}/bootstrap || exit 0; flock lock true')  # fuel-bootstrap may still be at work
        assert active(quick) in images(quick)
        if part % 2:
            run(quick, *ACTIVATE)
            assert active(quick) != FUELS_OWN and len(images(quick)) == 2
        run(quick, 'bootstrap', 'restore')
        assert (active(quick), images(quick)) == (FUELS_OWN, [FUELS_OWN]), f'killed after {moment} s'
        assert not quick.path(f'{STATE}/bootstrap').exists()


TROUBLE = {
    'fuel-bootstrap build fails': (lambda master: master.path('tmp/fail').write_text('build'), 'build failed half-way'),
    'fuel-bootstrap import fails': (lambda master: master.path('tmp/fail').write_text('import'), 'import failed'),
    'there is no fuel-bootstrap': (lambda master: master.do('rm', '/usr/bin/fuel-bootstrap'),
                                   'there is no such program'),
    'it builds nothing': (lambda master: master.program('fuel-bootstrap', 'true'), 'there are 0 archives'),
    'what it builds is broken': (lambda master: master.program(
        'fuel-bootstrap', 'for word; do [ "$last" != --output-dir ] || echo > $word/x.tar.gz; last=$word; done'),
        'is not whole'),
    'its configuration is gone': (lambda master: master.do('rm', CONFIG), 'No such file'),
    'its configuration is broken': (lambda master: master.path(CONFIG).write_text('repos: ['), CONFIG),
    'no repository is configured': (lambda master: configure(master, packages=[]), 'no repositories are configured'),
    'its repositories are no list': (lambda master: configure(master, repos=5), 'repos\n  why:   it is no list'),
    'a repository cannot be kept': (lambda master: configure(master, repos=[dict(
        REPOSITORIES[0], section='main non-free')]), 'repos[0]'),
    'a repository is a text': (lambda master: configure(master, repos=['deb http://x trusty main']), 'repos[0]'),
    'its script is gone': (lambda master: configure(master, repos=REPOSITORIES, post_script_file='/root/gone'),
                           'post_script_file'),
    'the folder for images is no text': (lambda master: configure(
        master, repos=REPOSITORIES, bootstrap_images_dir=[1]), 'bootstrap_images_dir'),
    'no space is left': (lambda master: master.do('mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', '/var/lib'),
                         'MiB needed'),
    'the release is unknown': (lambda master: master.path('etc/fuel_release').write_text('5.1\n'), 'release 5.1'),
    'it is no master': (lambda master: master.do('rm', '/etc/fuel_release'), 'this is no Fuel master'),
}


@pytest.mark.parametrize('trouble', TROUBLE)
def test_what_is_in_the_way_is_told_and_the_active_image_stays(quick, trouble):
    make, expected = TROUBLE[trouble]
    make(quick)
    said = run(quick, *ACTIVATE, status=3)
    assert expected in said and '\n  next:  ' in said
    assert (active(quick), images(quick)) == (FUELS_OWN, [FUELS_OWN])


def test_an_activation_that_fails_half_way_is_taken_back(quick):
    quick.program('fuel-bootstrap.real', '')
    quick.do('mv', '/usr/bin/fuel-bootstrap', '/usr/bin/fuel-bootstrap.real')
    quick.program('fuel-bootstrap', f'[ "$1" = activate ] && [ "$2" != {FUELS_OWN} ] && echo activate > /tmp/fail && '
                                    'printf activate > /tmp/fail || rm -f /tmp/fail; exec fuel-bootstrap.real "$@"')
    assert 'activate failed half-way' in run(quick, *ACTIVATE, status=3)
    assert active(quick) == FUELS_OWN


def test_the_image_before_is_gone(quick):
    run(quick, *ACTIVATE)
    ours = active(quick)
    quick.do('rm', '-r', f'{IMAGES}/{FUELS_OWN}')
    said = run(quick, 'bootstrap', 'restore', status=3)
    assert f'where: {FUELS_OWN}' in said and f'there are: {ours}' in said
    assert active(quick) == ours
