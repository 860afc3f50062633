# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The hook drivers installs the operator's packages on a throw-away node, with the real apt and dpkg.

Covers the package of the node's own kernel among those of others, and an installation that was killed.
"""
import os
import shutil

from tests.package.conftest import PLUGIN_FOLDER
from tests.package.driver_packages import deb, files_of
from tests.package.plugin_copy import PluginCopy
from tools.packages import TOP


def offer(node, built, folder, *drivers):
    """Have a node deployed from a master that has these packages, with driver_source: repository."""
    (folder / 'master').mkdir()
    master = PluginCopy(folder / 'master', built['fuel8'], '/usr/bin/python3')
    master.add(*drivers)
    shutil.rmtree(node.path('srv/plugins'))
    shutil.copytree(master.plugin, node.path('srv/plugins/infiniband-1.0'))
    shutil.rmtree(node.path('var/lib/apt/lists'))
    node.path('var/lib/apt/lists').symlink_to('/srv/apt/lists')
    # A container's apt keeps its lists compressed, a node's does not.
    node.path('etc/apt/apt.conf.d/zz-test').write_text('Acquire::GzipIndexes "false";\n')
    assert node.shell('sh ./install').returncode == 0
    text = (TOP / 'tests/fixtures/astute/9.2-two-ports.yaml').read_text()
    node.path('etc/astute.yaml').write_text(text.replace('driver_source: inbox', 'driver_source: repository'))


def test_a_node_installs_the_package_of_its_own_kernel(node, built, tmp_path):
    mine = os.uname().release
    other = deb(tmp_path, 'mlnx-modules', '3.6-other', files_of('3.13.0-24-generic'))
    fitting = deb(tmp_path, 'mlnx-modules', '3.4-mine', files_of(mine))
    offer(node, built, tmp_path, other, fitting, deb(tmp_path, 'mlnx-library', '41', ['usr/lib/mlnx/library']))
    plan = node.shell('fuel-infiniband plan')
    assert 'install mlnx-library, mlnx-modules=3.4-mine' in plan.stdout, plan
    node.shell(f'sh {PLUGIN_FOLDER}/drivers')  # it then fails: the modules are empty files
    assert node.shell("dpkg-query -W -f '${Package} ${Version}\\n' mlnx-modules mlnx-library").stdout == (
        'mlnx-library 41\nmlnx-modules 3.4-mine\n')
    assert 'mlnx-modules' not in node.shell('fuel-infiniband plan').stdout


def test_an_installation_that_was_killed_is_finished(node, built, tmp_path):
    """dpkg dies while it configures a package; apt-get alone would then refuse to do anything."""
    fatal = deb(tmp_path, 'mlnx-modules', '3.4-mine', files_of(os.uname().release),
                postinst='[ -e /srv/killed ] || { touch /srv/killed; kill -KILL $PPID; }')
    offer(node, built, tmp_path, fatal)
    assert node.shell(f'sh {PLUGIN_FOLDER}/drivers').returncode == 3
    assert node.path('srv/killed').exists()
    node.shell(f'sh {PLUGIN_FOLDER}/drivers')  # it then fails: the modules are empty files
    assert node.shell("dpkg-query -W -f '${Status}' mlnx-modules").stdout == 'install ok installed'
