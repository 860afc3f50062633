# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What the package tests share: both packages built once, and throw-away nodes."""
import json
import os
import shutil
from pathlib import Path

import pytest

from tests.lab import rootfs
from tests.lab.namespaces import Machine, mount
from tools import packages

SHARED = Path(os.environ.get('FUEL_INFINIBAND_SHARED', packages.TOP.parent / 'shared'))
PLUGIN_FOLDER = '/etc/fuel/plugins/infiniband-1.0'


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


@pytest.fixture
def node(tmp_path):
    """A machine with this one's root file system, whose changes vanish with it."""
    if os.geteuid() != 0:
        pytest.skip('a throw-away node needs root: run as root or with unshare --user --map-root-user')
    root, scratch = tmp_path / 'root', tmp_path / 'scratch'
    root.mkdir()
    scratch.mkdir()

    def prepare():
        mount('tmpfs', str(scratch), 'tmpfs')
        rootfs.build(str(root), str(scratch))

    machine = Machine('node-1', str(root), prepare)
    yield machine
    machine.close()


@pytest.fixture
def deployed(node, built):
    """A node as Fuel leaves it before the first hook: the hooks, and the plugin's repository as an apt source."""
    inside = Path(f'/proc/{node.pid}/root')
    master = inside / 'srv/plugins/infiniband-1.0'
    shutil.copytree(built['fuel8'], master)
    shutil.copytree(built['fuel8'] / 'deployment_scripts', inside / PLUGIN_FOLDER[1:])
    (inside / 'etc/apt/sources.list.d/infiniband-1.0.0.list').write_text(
        'deb file:/srv/plugins/infiniband-1.0/repositories/ubuntu/ /\n')
    return node
