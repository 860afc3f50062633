# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The plugin's life on a Fuel master: the real python-fuelclient, dnf and rpm, with the packages' own scripts.

Covers installing, updating, downgrading and removing both packages; what an update keeps; what is left after removal,
file by file; being killed at every step; what stands in the way.
"""
import json

import pytest

from tests.package import fuel_images, killer, plugin_versions
from tests.package.conftest import SHARED, python27
from tests.package.driver_packages import deb, files_of
from tests.package.fuel_master import PLUGINS, FuelMaster
from tools import packages

KERNEL = '3.13.0-24-generic'
HOME = f'{PLUGINS}/infiniband-1.0'
COMMAND = '/usr/bin/fuel-infiniband'


@pytest.fixture(scope='module')
def rpms(tmp_path_factory):
    """Function (flavour, version) -> rpm of the plugin in that version."""
    folder, made = tmp_path_factory.mktemp('rpms'), {}

    def build(flavour, version):
        if (flavour, version) not in made:
            made[flavour, version] = plugin_versions.build(flavour, version, folder / version)
        return made[flavour, version]
    return build


@pytest.fixture
def master(root_only, tmp_path):
    machine = FuelMaster(tmp_path, python27())
    machine.fuel('plugins', '--list')  # the client's own first run leaves its settings
    yield machine
    machine.close()


class Plugin:
    """One of the packages in the hands of an operator, who reads what the installation of it says.

    Package 2.0.0 has no scripts, and there is one more command to type.
    """

    def __init__(self, master, flavour, rpms):
        self.master, self.has_scripts = master, flavour == 'fuel8'
        self.rpm = lambda version: master.take(rpms(flavour, version))

    def put(self, option, version):
        """``fuel plugins --install``, ``--update`` or ``--downgrade``; returns what the operator reads."""
        said = self.master.fuel('plugins', option, self.rpm(version))
        if not self.has_scripts:
            said += self.master.do(f'{PLUGINS}/infiniband-{version.rpartition(".")[0]}/fuel-infiniband', 'setup')
        return said

    def remove(self, version):
        """``fuel plugins --remove``."""
        said = ''
        if not self.has_scripts:
            said += self.master.do(f'{PLUGINS}/infiniband-{version.rpartition(".")[0]}/fuel-infiniband', 'setup',
                                   '--remove')
        return said + self.master.fuel('plugins', '--remove', f'infiniband=={version}')


@pytest.fixture(params=packages.FLAVOURS)
def plugin(request, master, rpms):
    return Plugin(master, request.param, rpms)


@pytest.fixture
def plugin8(master, rpms):
    return Plugin(master, 'fuel8', rpms)


@pytest.fixture
def driver(master, tmp_path):
    return master.take(deb(tmp_path, 'mlnx-modules', '3.4', files_of(KERNEL)))


def offered(master):
    """What apt is offered by the plugin's repository."""
    return sorted(line.split(': ')[1] for line in master.do('zcat', f'{HOME}/repositories/ubuntu/Packages.gz').split(
        '\n') if line.startswith('Filename'))


def settings(master):
    """The environment's settings, of which the plugin's own part is returned too."""
    whole = master.ask('GET', 'clusters/1/attributes')
    return whole, whole['editable']['infiniband']['metadata']


def test_installed_updated_and_removed(master, plugin, driver):
    before = master.listing()
    assert 'next: fuel-infiniband drivers add FILE...' in plugin.put('--install', '1.0.0')
    assert master.do('readlink', COMMAND) == f'{HOME}/fuel-infiniband\n'
    assert master.do('fuel-infiniband', '--version') == 'fuel-infiniband 1.0.0\n'
    assert master.do('rpm', '-V', 'infiniband-1.0') == ''
    master.do('fuel-infiniband', 'drivers', 'add', driver)
    listed = master.do('cat', f'{HOME}/repositories/drivers.yaml')

    whole, metadata = settings(master)
    metadata['enabled'] = True
    metadata['versions'][0]['queue_size']['value'] = '64'
    master.ask('PUT', 'clusters/1/attributes', whole)
    assert 'enabled for some environment' in master.fuel('plugins', '--remove', 'infiniband==1.0.0', status=1)

    plugin.put('--update', '1.0.1')
    master.fuel('plugins', '--sync')
    updated = settings(master)[1]
    assert (updated['enabled'], updated['chosen_id']) == (True, metadata['chosen_id'])
    assert updated['versions'][0]['queue_size']['value'] == '64'
    assert updated['versions'][0]['metadata']['plugin_version'] == '1.0.1'
    assert master.do('fuel-infiniband', '--version') == 'fuel-infiniband 1.0.1\n'
    assert master.do('cat', f'{HOME}/repositories/drivers.yaml') == listed
    assert offered(master) == ['./fuel-infiniband_1.0.1_all.deb', './mlnx-modules_3.4_amd64.deb']
    assert '0 FAIL' in master.do('fuel-infiniband', 'drivers', 'check')
    plugin.put('--downgrade', '1.0.0')
    assert offered(master) == ['./fuel-infiniband_1.0.0_all.deb', './mlnx-modules_3.4_amd64.deb']

    whole, metadata = settings(master)
    metadata['enabled'] = False
    master.ask('PUT', 'clusters/1/attributes', whole)
    plugin.remove('1.0.0')
    assert master.listing() == before
    assert master.ask('GET', 'plugins/') == []


def test_settings_have_the_shape_of_the_real_service(master, plugin8, core_tasks):
    """The stand-in shows what Fuel 9.2 does, key for key."""
    real = json.loads((SHARED / 'nailgun/plugin_attributes-9.2.json').read_text())['ibprobe4']['metadata']
    plugin8.put('--install', '1.0.0')
    ours = settings(master)[1]
    assert ours.keys() == real.keys()
    assert ours['versions'][0]['metadata'].keys() == real['versions'][0]['metadata'].keys() - {'restrictions'}


def test_another_series_beside_it_takes_over_and_gives_back(master, plugin, driver):
    before = master.listing()
    plugin.put('--install', '1.0.0')
    master.do('fuel-infiniband', 'drivers', 'add', driver)
    assert '1 driver packages' in plugin.put('--install', '1.1.0')
    assert master.do('fuel-infiniband', '--version') == 'fuel-infiniband 1.1.0\n'
    assert 'mlnx-modules 3.4' in master.do('fuel-infiniband', 'drivers', 'check')
    plugin.remove('1.1.0')
    assert master.do('fuel-infiniband', '--version') == 'fuel-infiniband 1.0.0\n'
    plugin.remove('1.0.0')
    assert master.listing() == before


def test_the_image_that_was_there_before_is_back_after_the_removal(master, plugin, tmp_path):
    if plugin.has_scripts:
        fuel_images.give_ubuntu(master)
        master.path('tmp/no-chroot').write_text('')
    else:
        (tmp_path / 'tree').mkdir()
        tree = fuel_images.fill(tmp_path / 'tree')
        fuel_images.give_centos(master, fuel_images.pack(tree, tmp_path / 'original.img'))
    before = master.listing()
    plugin.put('--install', '1.0.0')
    master.do('fuel-infiniband', 'bootstrap', 'build', '--activate')
    ours = master.do('fuel-infiniband', 'bootstrap', 'status')
    assert 'infiniband: yes' in ours
    plugin.put('--update', '1.0.1')
    assert master.do('fuel-infiniband', 'bootstrap', 'status') == ours
    plugin.put('--install', '1.1.0')
    plugin.remove('1.0.1')
    assert master.do('fuel-infiniband', 'bootstrap', 'status') == ours, 'another version is still there'
    plugin.remove('1.1.0')
    assert master.listing() == before


def test_an_image_that_cannot_be_put_back_keeps_the_plugin(master, plugin8):
    fuel_images.give_ubuntu(master)
    master.path('tmp/no-chroot').write_text('')
    plugin8.put('--install', '1.0.0')
    master.do('fuel-infiniband', 'bootstrap', 'build', '--activate')
    ours = master.do('fuel-infiniband', 'bootstrap', 'status')
    master.do('rm', '-r', f'{fuel_images.IMAGES}/{fuel_images.FUELS_OWN}')
    said = master.fuel('plugins', '--remove', 'infiniband==1.0.0', status=1)
    assert 'the image that was active before is not there any more' in said
    assert master.do('fuel-infiniband', 'bootstrap', 'status') == ours


def test_what_others_put_there_stays(master, plugin, driver):
    master.program('fuel-infiniband', 'echo mine')
    mine = master.do('cat', COMMAND)
    said = master.fuel('plugins', '--install', plugin.rpm('1.0.0'))
    if not plugin.has_scripts:
        said = master.do(f'{HOME}/fuel-infiniband', 'setup', status=3)
    assert f'cannot put the command on the path\n  where: {COMMAND}' in said
    assert master.do('cat', COMMAND) == mine
    master.do('rm', COMMAND)
    master.do(f'{HOME}/fuel-infiniband', 'setup')
    stranger = f'{HOME}/repositories/ubuntu/mine.deb'
    master.do('cp', driver, stranger)
    assert f'left alone: {stranger}' in plugin.remove('1.0.0')
    assert master.do('find', HOME, '-type', 'f') == f'{stranger}\n'
    assert master.do('test', '-e', COMMAND, status=1) == ''


def test_a_removal_that_cannot_be_done_leaves_the_plugin(master, plugin8):
    plugin8.put('--install', '1.0.0')
    manifest = f'{HOME}/repositories/drivers.yaml'
    master.path(manifest).write_text('packages: [')
    said = master.fuel('plugins', '--remove', 'infiniband==1.0.0', status=1)
    assert f'cannot use the list of driver packages\n  where: {manifest}' in said
    assert master.do('rpm', '-q', 'infiniband-1.0') == 'infiniband-1.0-1.0.0-1.noarch\n'
    assert master.do('fuel-infiniband', '--version') == 'fuel-infiniband 1.0.0\n'
    master.do('rm', manifest)
    master.do('yum', '-y', 'remove', 'infiniband-1.0')


@pytest.mark.parametrize('arguments', [('setup',), ('setup', '--remove')], ids=' '.join)
def test_killed_before_any_step_and_run_again(master, plugin8, driver, arguments):
    """From what an update leaves, and from a plugin in use."""
    plugin8.put('--install', '1.0.0')
    index = f'{HOME}/repositories/ubuntu/Packages.gz'
    master.do('cp', index, '/tmp/shipped.gz')
    master.do('fuel-infiniband', 'drivers', 'add', driver)
    if arguments == ('setup',):
        master.do('cp', '/tmp/shipped.gz', index)
        master.do('rm', COMMAND)
    master.do('cp', '-a', HOME, '/tmp/start')
    linked = master.path(COMMAND).is_symlink()
    master.do(f'{HOME}/fuel-infiniband', *arguments)
    expected = master.listing()
    for step in range(1, 50):
        master.do('rm', '-rf', HOME, COMMAND)
        master.do('cp', '-a', '/tmp/start', HOME)
        if linked:
            master.do('ln', '-s', f'{HOME}/fuel-infiniband', COMMAND)
        killed = master.run('python', '-BEs', '-c', killer.AT_STEP, str(step), HOME, *arguments, check=False)
        assert killed.returncode in (0, *killer.KILLED), killed
        master.do(f'{HOME}/fuel-infiniband', *arguments)
        assert master.listing() == expected, f'killed before step {step}'
        if killed.returncode == 0:
            break
    assert step > 5
