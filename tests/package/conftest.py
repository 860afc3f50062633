# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What the package tests share: both packages built once, and throw-away nodes."""
import configparser
import json
import os
import shutil
from pathlib import Path

import pytest

from tests.lab import requirements, rootfs
from tests.lab.namespaces import Machine, bind, mount
from tools import packages

SHARED = Path(os.environ.get('FUEL_INFINIBAND_SHARED', packages.TOP.parent / 'shared'))
PLUGIN_FOLDER = '/etc/fuel/plugins/infiniband-1.0'
REPOSITORY = '/srv/plugins/infiniband-1.0/repositories/ubuntu'
SOURCE_LIST = '/etc/apt/sources.list.d/infiniband-1.0.0.list'


@pytest.fixture(scope='session')
def built(tmp_path_factory):
    """{flavour: plugin folder as it is on the Fuel master} of freshly built packages."""
    folder = tmp_path_factory.mktemp('built')
    return {flavour: packages.unpack(packages.build(flavour, folder / 'dist'), folder / flavour)
            for flavour in packages.FLAVOURS}


@pytest.fixture(scope='session')
def core_tasks():
    """Function from a release to its core tasks, as the Fuel master serves them."""
    def load(release):
        path = SHARED / 'nailgun' / f'core_tasks-{release}.json'
        if not path.exists():
            pytest.skip(f'{path} is not here: set FUEL_INFINIBAND_SHARED to the folder that holds nailgun/')
        return json.loads(path.read_text())
    return load


class ThrowAwayNode(Machine):
    """A machine with this one's root file system, whose changes vanish with it, and no apt source.

    :param folder: an empty folder
    :param visible: folders of this machine that the node sees under the same path
    """

    def __init__(self, folder, visible=()):
        root, scratch = folder / 'root', folder / 'scratch'
        root.mkdir()
        scratch.mkdir()

        def prepare():
            mount('tmpfs', str(scratch), 'tmpfs')
            rootfs.build(str(root), str(scratch))
            for path in visible:
                (root / path.relative_to('/')).mkdir(parents=True)
                bind(str(path), str(root / path.relative_to('/')))

        super().__init__('node-1', str(root), prepare)
        shutil.rmtree(self.path('etc/apt/sources.list.d'))
        for path in ('etc/apt/sources.list.d', 'srv/apt/lists/partial', 'srv/apt/archives/partial'):
            self.path(path).mkdir(parents=True)
        self.path('etc/apt/sources.list').write_text('')
        # Lists and packages of this machine stay out of it; in a user namespace there is no user to change to.
        self.path('etc/apt/apt.conf.d/99test').write_text(
            'Dir::State::lists "/srv/apt/lists"; Dir::Cache::archives "/srv/apt/archives"; '
            'APT::Sandbox::User "root";\n')

    def path(self, name):
        """A path of the node as this process reaches it."""
        return Path(f'/proc/{self.pid}/root', name.lstrip('/'))

    def shell(self, command):
        """Run a shell command as a task of Fuel 9 would, in the folder of the hooks where that exists."""
        return self.run('bash', '-c', f'cd {PLUGIN_FOLDER} 2>/dev/null || cd /; {command}', check=False)

    def deploy(self, plugin):
        """Do what Fuel does before the first hook: copy the hooks, and make the plugin's repository an apt source.

        :param plugin: the plugin's folder as it is on the Fuel master
        """
        shutil.copytree(plugin, self.path('srv/plugins/infiniband-1.0'))
        shutil.copytree(plugin / 'deployment_scripts', self.path(PLUGIN_FOLDER))
        self.path(SOURCE_LIST).write_text(f'deb file:{REPOSITORY}/ /\n')


def python27():
    """The folders of .venv27, and of the Python that it was made of where that is not the system's; skips without."""
    environment = packages.TOP / '.venv27'
    if not (environment / 'pyvenv.cfg').exists():
        pytest.skip('there is no .venv27: ./dev makes it where it finds a Python 2.7')
    config = configparser.ConfigParser()
    config.read_string('[venv]\n' + (environment / 'pyvenv.cfg').read_text())
    base = Path(config['venv']['base-prefix'])
    return [environment] + ([base] if base != Path('/usr') else [])


@pytest.fixture
def root_only():
    """Skip where no throw-away node can be made."""
    if os.geteuid() != 0:
        pytest.skip('a throw-away node needs root: run as root or with unshare --user --map-root-user')
    reason = requirements.namespaces()
    if reason:
        pytest.skip(f'a throw-away node needs namespaces with overlayfs and sysfs in them: {reason}')


@pytest.fixture
def node(root_only, tmp_path, built):
    """A throw-away node that is ready for the first hook."""
    machine = ThrowAwayNode(tmp_path)
    machine.deploy(built['fuel8'])
    yield machine
    machine.close()
