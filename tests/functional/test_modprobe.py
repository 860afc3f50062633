# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The modprobe configurations, read by the real kmod and busybox: what the PCI alias of the hardware loads, in order.

Covered: both forms, with MLNX_OFED's modules, with in-tree ones alone and with none; ConnectX-3, ConnectX-4 and no
hardware; the options; that the install lines of module-init-tools are no failure where a module behind is missing;
what busybox makes of both.

A made-up module tree (empty relocatable objects with the names, aliases and dependencies of the real ones) stands in
for a kernel's; depmod and modprobe are real and only asked what they would do. Install lines are run by a real shell,
with a modprobe that follows them as module-init-tools do; tests/vm runs them for real.
"""
import os
import shutil
import subprocess

import pytest

from plugin_lib.host.state import EIPOIB_MODULES
from plugin_lib.planning import modprobe, sriov

KERNEL = '4.4.0-31-generic'
CONNECTX3 = 'pci:v000015B3d00001003sv000015B3sd00000055bc02sc07i00'
CONNECTX4 = 'pci:v000015B3d00001013sv000015B3sd00000055bc02sc07i00'
E1000 = 'pci:v00008086d0000100Esv00001AF4sd00001100bc02sc00i00'
ALIASES = {'mlx4_core': 'pci:v000015B3d00001003sv*sd*bc*sc*i*', 'mlx5_core': 'pci:v000015B3d00001013sv*sd*bc*sc*i*',
           'e1000': 'pci:v00008086d0000100Esv*sd*bc*sc*i*'}
DEPENDS = {'mlx4_ib': 'mlx4_core', 'mlx4_en': 'mlx4_core', 'mlx5_ib': 'mlx5_core', 'eth_ipoib': 'ib_ipoib'}
IN_TREE = ('e1000', 'mlx4_core', 'mlx4_en', 'mlx4_ib', 'mlx5_core', 'mlx5_ib', 'ib_ipoib')
OFED = IN_TREE + ('eth_ipoib',)
ORDER = {CONNECTX3: ['mlx4_core', 'mlx4_en', 'mlx4_ib', 'ib_ipoib', 'eth_ipoib'],
         CONNECTX4: ['mlx5_core', 'mlx5_ib', 'ib_ipoib', 'eth_ipoib'], E1000: ['e1000']}
QUEUES = ['recv_queue_size=64', 'send_queue_size=64']
FORMS = (modprobe.SOFTDEP, modprobe.INSTALL)
# A chroot takes root, or being it in a user namespace.
AS_ROOT = [] if os.geteuid() == 0 else ['unshare', '--map-root-user']
EVERY_CASE = pytest.mark.parametrize('present, alias', [(present, alias) for present in (OFED, IN_TREE)
                                                        for alias in ORDER])


class Tree:
    """A machine's module tree and configuration.

    :param root: Path of an empty folder
    """

    def __init__(self, root, present, form):
        self.root = root
        folder = root / 'lib/modules' / KERNEL / 'kernel'
        folder.mkdir(parents=True)
        for name in present:
            build_module(folder, name)
        self.conf = root / 'etc/modprobe.d'
        self.conf.mkdir(parents=True)
        (self.conf / 'fuel-infiniband.conf').write_text(modprobe.text(64, form), encoding='utf-8')
        subprocess.run(['/sbin/depmod', '-b', root, KERNEL], check=True)

    def modprobe(self, *arguments):
        """Words of each line that kmod's modprobe answers with."""
        answer = subprocess.run(['/sbin/modprobe', '-d', self.root, '-S', KERNEL, '-C', self.conf, *arguments],
                                capture_output=True, text=True)
        assert 'ignoring' not in answer.stderr, answer.stderr  # a line of ours that kmod does not understand
        return [line.split() for line in answer.stdout.splitlines()]

    def loaded(self, alias):
        """What kmod would load for the hardware; nothing is loaded, so it names again what others depend on."""
        lines = self.modprobe('-n', '-v', alias)
        return list(dict.fromkeys(module_name(line[1]) for line in lines if line[0] == 'insmod'))

    def installed(self, alias):
        """What module-init-tools would load: the install lines as kmod reads them, each run by a shell."""
        program = self.root / 'modprobe'
        log = self.root / 'log'
        program.write_text(f'''#!/bin/sh
            for name; do :; done
            [ "$1" = --ignore-install ] || [ ! -e {self.root}/$name.install ] || exec sh {self.root}/$name.install
            [ -e {self.root}/lib/modules/{KERNEL}/kernel/$name.ko ] || exit 1
            grep -qx $name {log} || echo $name >> {log}
            ''')
        program.chmod(0o755)
        log.write_text('')
        for line in self.modprobe('-c'):
            if line[:1] == ['install']:
                command = ' '.join(line[2:]).replace('/sbin/modprobe', str(program))
                (self.root / f'{line[1]}.install').write_text(f'{command}\n')
        for line in self.modprobe('-R', alias):
            subprocess.run([program, *line], check=True)
        return log.read_text().split()


def build_module(folder, name):
    """depmod takes dependencies from the symbols that modules export and need."""
    alias = f'.asciz "alias={ALIASES[name]}"' if name in ALIASES else ''
    needs = f'.quad of_{DEPENDS[name]}' if name in DEPENDS else ''
    subprocess.run(['cc', '-c', '-x', 'assembler', '-', '-o', folder / f'{name}.ko'], check=True, text=True,
                   input=f'.section .modinfo,"a"\n{alias}\n.section __ksymtab_strings,"a"\n.asciz "of_{name}"\n'
                         f'.section .gnu.linkonce.this_module,"aw"\n.zero 64\n.data\n{needs}\n')


def module_name(path):
    return os.path.basename(path).split('.')[0]


@pytest.fixture
def tree(tmp_path):
    path = f'{os.environ["PATH"]}:/sbin'
    missing = [name for name in ('cc', 'depmod', 'modprobe', 'busybox') if not shutil.which(name, path=path)]
    if missing:
        pytest.skip('not installed: ' + ' '.join(missing))
    return lambda present, form: Tree(tmp_path, present, form)


def expected(present, alias):
    return [name for name in ORDER[alias] if name in present]


def without_ethernet(names):
    """mlx4_en may come anywhere behind mlx4_core."""
    return [name for name in names if name != 'mlx4_en']


@EVERY_CASE
def test_softdeps_load_the_chain_of_the_hardware_in_order(tree, present, alias):
    loaded = tree(present, modprobe.SOFTDEP).loaded(alias)
    assert sorted(loaded) == sorted(expected(present, alias))
    assert without_ethernet(loaded) == without_ethernet(expected(present, alias))


@EVERY_CASE
def test_install_lines_load_the_same(tree, present, alias):
    assert tree(present, modprobe.INSTALL).installed(alias) == expected(present, alias)


@pytest.mark.parametrize('form', FORMS)
def test_a_kernel_without_any_of_them_loads_none_and_fails_nothing(tree, form):
    assert tree((), form).loaded(CONNECTX3) == []


@pytest.mark.parametrize('form', FORMS)
def test_the_queue_size_reaches_ib_ipoib_alone(tree, form):
    made = tree(OFED, form)
    for name in OFED:
        # What an install line does in the end: with --ignore-install the options still apply.
        lines = made.modprobe('-n', '-v', '--ignore-install', name)
        options = [line[2:] for line in lines if module_name(line[1]) == name]
        assert options == [QUEUES if name == 'ib_ipoib' else []]


def test_eth_ipoib_comes_last_also_where_somebody_loads_it_by_name(tree):
    assert tree(OFED, modprobe.SOFTDEP).loaded('eth_ipoib') == ['ib_ipoib', 'eth_ipoib']


@pytest.mark.parametrize('form', FORMS)
def test_busybox_takes_both_as_well_and_loads_by_alias_what_has_no_chain(tree, form):
    """It knows neither softdep nor install: the discovery images have a real modprobe."""
    made = tree(OFED, form)
    shutil.copy('/bin/busybox', made.root)
    os.rename(made.root / 'lib/modules' / KERNEL, made.root / 'lib/modules' / os.uname().release)
    for alias, names in ORDER.items():
        answer = subprocess.run([*AS_ROOT, 'chroot', made.root, '/busybox', 'modprobe', '-D', alias],
                                capture_output=True, text=True)
        assert (answer.returncode, answer.stderr) == (0, '')
        assert [module_name(line.split()[1]) for line in answer.stdout.splitlines()] == names[:1]


def test_the_chain_is_that_of_deployed_nodes(tree):
    assert [name for name in ORDER[CONNECTX3] if name in EIPOIB_MODULES] == list(EIPOIB_MODULES)


def test_virtual_functions_are_options_of_the_driver_beside_those_of_others(tree):
    made = tree(OFED, modprobe.SOFTDEP)
    counts = {'0000:03:00.0': 8, '0000:81:00.0': 16}
    (made.conf / os.path.basename(sriov.MODPROBE_FILE)).write_text(sriov.modprobe_text(counts), encoding='utf-8')
    (made.conf / 'mlx4.conf').write_text('options mlx4_core log_num_mgm_entry_size=-1\n', encoding='utf-8')
    options = [line[2:] for line in made.modprobe('-n', '-v', CONNECTX3) if module_name(line[1]) == 'mlx4_core']
    assert sorted(options[0]) == ['log_num_mgm_entry_size=-1', 'num_vfs=0000:03:00.0-8,0000:81:00.0-16',
                                  'probe_vf=0000:03:00.0-0,0000:81:00.0-0']
