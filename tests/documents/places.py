# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Where the documents' commands are run: nodes, Fuel masters, the host of a subnet manager, a checkout.

All of it is in the namespaces of one lab, which has no way out: nothing reaches this machine's processes or a network.
Masters and checkouts are new ones for each page; the nodes are deployed once.
"""
import functools
import itertools
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.documents.pages import DOC, PLACES
from tests.functional import eipoibd_node
from tests.lab import astute, hooks, ibsim, lab, opensm, requirements
from tests.lab.namespaces import TASK_ENVIRONMENT
from tests.package import driver_packages, fuel_images, fuel_master, plugin_versions
from tests.package.conftest import python27
from tools import packages
from tools.packages import TOP

# Of the plugin: this one, and one that an update brings.
VERSIONS = plugin_versions.CURRENT, '1.0.1'
CHECKOUT, FUEL_9, FUEL_6, NODE, MANAGER = PLACES.values()
_NOT_COPIED = shutil.ignore_patterns('.git', '.venv*', 'build', 'dist', '__pycache__', '.*_cache', '.hypothesis')
# Of the nodes, and of the discovery image of Fuel 9.
_KERNEL = '3.13.0-24-generic'
# How ssh reaches nodes from a master: what two of them said when they were asked, and nodes in a discovery image.
_SSH = '''\
case "$*" in
"node-1 fuel-infiniband roles --format json") cat /srv/node-1/roles.json ;;
"node-1 cat /run/eipoibd/status.json") cat /srv/node-1/status.json ;;
*\\ root@10.20.0.*) ;;
*) exit 255 ;;
esac'''


@functools.lru_cache(maxsize=None)
def missing():
    """{place: why its commands cannot be run here}"""
    reasons = requirements.missing()
    if reasons:
        return dict.fromkeys(PLACES.values(), 'the lab cannot run here: ' + '; '.join(reasons))
    found = {}
    try:
        python27()
    except pytest.skip.Exception as skipped:
        found = dict.fromkeys((FUEL_9, FUEL_6, MANAGER), str(skipped))  # a master makes OpenSM's partition file
    if requirements.missing_for_opensm():
        found[MANAGER] = '; '.join(requirements.missing_for_opensm())
    absent = _to_be_set_up()
    if absent:
        found[CHECKOUT] = f'./dev would have to install {absent}'
    return found


def _to_be_set_up():
    """What ``./dev`` would install before it does anything, by its own rules."""
    functions = re.findall(r'^(?:missing_packages|fresh|python27)\(\) \{(?:[^\n]*\}$|.*?^\}$)',
                           (TOP / 'dev').read_text(), re.M | re.S)
    asked = '\n'.join([*functions, 'missing_packages', 'fresh .venv requirements.txt || echo .venv',
                       'fresh .venv27 requirements-2.7.txt || [ -z "$(python27)" ] || echo .venv27'])
    return ' '.join(subprocess.run(['sh', '-c', asked], cwd=TOP, text=True, check=False,
                                   stdout=subprocess.PIPE).stdout.split())


def outputs(commands):
    """What these Commands print, in order, each page's in its own world; None for those that cannot be run here."""
    absent = missing()
    with tempfile.NamedTemporaryFile('w+', encoding='utf-8') as told:
        def inside(made):
            world = World(made)
            result = []
            for _, group in itertools.groupby(commands, lambda command: command.page):
                group = list(group)
                run = world.page([command.text for command in group])
                result += [None if command.place in absent else run(command) for command in group]
            json.dump(result, told)
            told.flush()

        if lab.run(inside):
            raise RuntimeError('the reason is on stderr')
        told.seek(0)
        return json.load(told)


def examples(folder):
    """Put the files that commands read into a folder."""
    for path in sorted((DOC / 'examples').iterdir()):
        shutil.copyfile(path, folder / path.name)


class World:
    """Everything that the commands need, made when the first one needs it."""

    def __init__(self, made):
        self.made = made
        self.rpms = {(flavour, version): plugin_versions.build(flavour, version, f'{made.folder}/dist')
                     for flavour in packages.FLAVOURS for version in VERSIONS}
        self._nodes = None
        self._number = 0

    def page(self, texts):
        """A function from a Command to its output, with machines of its own for this page but for the nodes.

        :param texts: the page's commands
        """
        self._number += 1
        folder = Path(f'{self.made.folder}/page-{self._number}')
        folder.mkdir()
        made = {}
        is_empty = any('--install' in text for text in texts)
        makers = {CHECKOUT: lambda: Checkout(folder), NODE: lambda: Node(self.nodes()[0]),
                  FUEL_9: lambda: Master(folder / 'fuel-9', self, 'fuel8', is_empty),
                  FUEL_6: lambda: Master(folder / 'fuel-6', self, 'fuel6', is_empty),
                  MANAGER: lambda: Manager(folder / 'subnet', made[FUEL_9].machine.path('root/partitions.conf'))}

        def run(command):
            if command.place not in made:
                made[command.place] = makers[command.place]()
            return made[command.place].run(command.text)

        return run

    def nodes(self):
        """The deployed nodes of the lab."""
        if self._nodes is None:
            plugin = packages.unpack(self.rpms['fuel8', VERSIONS[0]], f'{self.made.folder}/plugin')
            self._nodes = [self.made.add_node(astute.PKEYS) for _ in astute.MEMBERS]
            for node, member in zip(self._nodes, astute.MEMBERS):
                hooks.deploy(node, plugin, astute.render(member))
        return self._nodes


class Node:
    """A deployed node; commands run in root's home, where the examples are."""

    def __init__(self, node):
        self._node = node
        examples(Path(node.path('/root')))

    def run(self, text):
        before = eipoibd_node.status(self._node)
        done = self._node.run('sh', '-c', f'cd /root && {{ {text}; }} 2>&1', check=False)
        if text == 'systemctl start eipoibd':
            eipoibd_node.until(lambda: self._serves(before))
        return done.stdout

    def _serves(self, before):
        """Whether another eipoibd serves what the one before it did."""
        now = eipoibd_node.status(self._node)
        return now['pid'] != before['pid'] and eipoibd_node.vlans(self._node) == before['interfaces']['eth4']['vlans']


class Master:
    """A Fuel master with the plugin, unless the page installs it, and in root's home all that its commands read.

    :param folder: to be made
    :param world: a World
    :param flavour: of the plugin's package
    :param is_empty: whether the plugin is only to be installed
    """

    def __init__(self, folder, world, flavour, is_empty):
        folder.mkdir()
        self.machine = fuel_master.FuelMaster(folder, python27())
        home = self.machine.path('root')
        examples(home)
        for version in VERSIONS:
            shutil.copy(world.rpms[flavour, version], home)
        for built in (driver_packages.deb(folder, 'mlnx-ofed-kernel-modules', '3.4', driver_packages.files_of(_KERNEL)),
                      driver_packages.rpm(folder, 'kernel-ib', '1.5.3', driver_packages.files_of(fuel_images.KERNEL))):
            shutil.copy(built, home)
        self.run('fuel plugins --list')  # the client's own first run leaves its settings
        if flavour == 'fuel8':
            fuel_images.give_ubuntu(self.machine)
            self.machine.path('tmp/no-chroot').write_text('')
        else:
            (folder / 'tree').mkdir()
            image = fuel_images.pack(fuel_images.fill(folder / 'tree'), folder / 'original.img')
            fuel_images.give_centos(self.machine, image)
        if not is_empty:
            self.run(f'fuel plugins --install {world.rpms[flavour, VERSIONS[0]].name}')
            self.run(f'{fuel_master.PLUGINS}/infiniband-1.0/fuel-infiniband setup')
        self.machine.program('ssh', _SSH)
        said = self.machine.path('srv/node-1')
        said.mkdir()
        for name, argv in (('roles', ('fuel-infiniband', 'roles', '--format', 'json')),
                           ('status', ('cat', '/run/eipoibd/status.json'))):
            (said / f'{name}.json').write_text(world.nodes()[0].run(*argv).stdout)

    def run(self, text):
        return self.machine.run('sh', '-c', f'cd /root && {{ {text}; }} 2>&1', check=False).stdout


class Manager:
    """The host of an OpenSM that manages a simulated subnet of one node.

    :param folder: to be made
    :param partitions: Path of the partition file that the operator copied here
    """

    def __init__(self, folder, partitions):
        folder.mkdir()
        self._folder = folder
        simulator = ibsim.Simulator(str(folder), {'node-1': '0002c90300000011'})
        self._manager = opensm.OpenSM(simulator, (DOC / 'examples/partitions.conf').read_text())
        self._manager.start()
        self._manager.write(partitions.read_text())
        self._environment = dict(TASK_ENVIRONMENT, LD_PRELOAD=ibsim.preload(), SIM_HOST=ibsim.MANAGER)

    def run(self, text):
        """Run a command in the lab's namespaces, where this OpenSM is the only one."""
        before = self._manager.sweeps()
        done = subprocess.run(['sh', '-c', text], cwd=self._folder, env=self._environment, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if '-HUP' in text:
            self._manager.wait_for_sweep(before)
        return done.stdout


class Checkout:
    """A fresh copy of the project with the environments that ./dev would make."""

    def __init__(self, folder):
        self._folder = shutil.copytree(TOP, folder / 'checkout', symlinks=True, ignore=_NOT_COPIED)
        for name in ('.venv', '.venv27'):
            if (TOP / name).exists():
                (self._folder / name).symlink_to(TOP / name)

    def run(self, text):
        return subprocess.run(['sh', '-c', text], cwd=self._folder, text=True, check=False, env=dict(os.environ),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
