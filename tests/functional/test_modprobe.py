# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The modprobe configuration, read by the real kmod: what the PCI alias of the hardware loads, in which order.

A made-up module tree (empty relocatable objects with the names, aliases and dependencies of the real ones) stands in
for a kernel's; depmod and modprobe are real and only asked what they would do.
"""
import os
import shutil
import subprocess

import pytest

from plugin_lib.host.state import EIPOIB_MODULES
from plugin_lib.planning.drivers import modprobe_text

KERNEL = '4.4.0-31-generic'
CONNECTX3 = 'pci:v000015B3d00001003sv000015B3sd00000055bc02sc07i00'
ALIASES = {'mlx4_core': 'pci:v000015B3d00001003sv*sd*bc*sc*i*'}
DEPENDS = {'mlx4_ib': 'mlx4_core', 'mlx4_en': 'mlx4_core', 'eth_ipoib': 'ib_ipoib'}


@pytest.fixture(scope='module')
def modprobe(tmp_path_factory):
    """Asks modprobe what it would do with the modules that are there: modprobe(present, *arguments)."""
    path = f'{os.environ["PATH"]}:/sbin'
    missing = [name for name in ('cc', 'depmod', 'modprobe') if not shutil.which(name, path=path)]
    if missing:
        pytest.skip('not installed: ' + ' '.join(missing))

    def ask(present, *arguments):
        root = tmp_path_factory.mktemp('root')
        folder = root / 'lib/modules' / KERNEL / 'kernel'
        folder.mkdir(parents=True)
        for name in present:
            build_module(folder, name)
        conf = root / 'etc/modprobe.d'
        conf.mkdir(parents=True)
        (conf / 'fuel-infiniband.conf').write_text(modprobe_text(64), encoding='utf-8')
        subprocess.run(['/sbin/depmod', '-b', root, KERNEL], check=True)
        answer = subprocess.run(['/sbin/modprobe', '-n', '-v', '-d', root, '-S', KERNEL, '-C', conf, *arguments],
                                capture_output=True, text=True, check=True)
        assert 'ignoring' not in answer.stderr, answer.stderr  # a line of ours that kmod does not understand
        return [line.split() for line in answer.stdout.splitlines()]

    return ask


def build_module(folder, name):
    info = [f'alias={ALIASES[name]}'] if name in ALIASES else []
    info.append(f'depends={DEPENDS.get(name, "")}')
    text = ''.join(f'.asciz "{line}"\n' for line in info)
    subprocess.run(['cc', '-c', '-x', 'assembler', '-', '-o', folder / f'{name}.ko'], check=True, text=True,
                   input=f'.section .modinfo,"a"\n{text}.section .gnu.linkonce.this_module,"aw"\n.zero 64\n')


def loaded(lines):
    return [os.path.basename(line[1]).split('.')[0] for line in lines if line[0] == 'insmod']


def test_the_alias_of_the_hardware_loads_the_chain_in_order(modprobe):
    assert loaded(modprobe(EIPOIB_MODULES, CONNECTX3)) == list(EIPOIB_MODULES)


def test_the_queue_size_reaches_ib_ipoib_alone(modprobe):
    for line in modprobe(EIPOIB_MODULES, CONNECTX3):
        options = line[2:]
        assert options == (['recv_queue_size=64', 'send_queue_size=64'] if '/ib_ipoib.' in line[1] else [])


def test_without_ofed_the_rest_of_the_chain_loads(modprobe):
    assert loaded(modprobe(EIPOIB_MODULES[:-1], CONNECTX3)) == list(EIPOIB_MODULES[:-1])


