# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""A virtual node: a Machine with an Ethernet and an InfiniBand port, its own Open vSwitch and its own root."""
import os
import shutil
import subprocess

from tests.lab import openvswitch, pci, rootfs
from tests.lab.emulator import EIPOIB, HCA, PARENT, PCI, Emulator
from tests.lab.namespaces import Machine

ETHERNET = 'eth0'
ETHERNET_DRIVER = 'igb'
ETHERNET_PCI = '0000:01:00.0'

_DRIVERS = ('mlx4_core', 'mlx4_ib', 'mlx4_en', 'ib_ipoib', 'eth_ipoib')
_SHIM_SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'drvinfo_shim.c')


def compile_shim(folder):
    """Compile the library that answers GDRVINFO for stand-in interfaces; returns its path.

    :raises RuntimeError: with the compiler's words
    """
    library = f'{folder}/drvinfo_shim.so'
    done = subprocess.run(['gcc', '-std=gnu11', '-Wall', '-Wextra', '-O2', '-fPIC', '-shared', '-o', library,
                           _SHIM_SOURCE, '-ldl'], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f'gcc {_SHIM_SOURCE}: {done.stderr}')
    return library


class Node:
    """A node that is up: interfaces eth0 and eth4 exist and are down, Open vSwitch runs and has no bridge.

    :param name: host name, at most 11 characters
    :param folder: an empty folder in memory
    :param fabric: the Fabric to plug into
    :param shim: path of the library of :func:`compile_shim`
    :param pkeys: P_Key table of the HCA port, 16-bit values
    :param guid: of the HCA port, 16 hexadecimal digits
    :param functions: number of the HCA's virtual functions
    """

    def __init__(self, name, folder, fabric, shim, pkeys, guid, functions):
        self.name = name
        self.guid = guid
        self.root = f'{folder}/root'
        scratch = f'{folder}/changes'
        os.makedirs(self.root)
        self.machine = Machine(name, self.root, lambda: self._prepare(scratch, shim, functions))
        cable = fabric.connect(self.machine, EIPOIB, ETHERNET)
        self.run('ip', 'link', 'set', 'lo', 'up')
        self.emulator = Emulator(self.machine, pkeys, guid, cable, functions)
        openvswitch.start(lambda argv: self.machine.inside(*argv),
                          '/etc/openvswitch', '/var/run/openvswitch', '/var/log/openvswitch')

    def _prepare(self, scratch, shim, functions):
        rootfs.build(self.root, scratch)
        if functions:
            pci.lay_out(self.root, HCA, PCI, functions)
        lab = f'{self.root}/etc/lab'
        os.makedirs(lab)
        shutil.copy(shim, lab)
        with open(f'{lab}/drvinfo', 'w', encoding='ascii') as file:
            file.write(f'{EIPOIB} eth_ipoib {PARENT}\n{PARENT}* ib_ipoib {PCI}\n'
                       f'{ETHERNET} {ETHERNET_DRIVER} {ETHERNET_PCI}\n')
        # Every program of the node then sees the emulated drivers, as it would see a kernel's.
        with open(f'{self.root}/etc/ld.so.preload', 'w', encoding='ascii') as file:
            file.write(f'/etc/lab/{os.path.basename(shim)}\n')
        self._build_in_drivers()

    def _build_in_drivers(self):
        """Have kmod and the product find the drivers built into the kernel: what they drive is emulated."""
        release = os.uname().release
        modules = f'{self.root}/lib/modules/{release}'
        os.makedirs(modules)
        for name, drivers in (('modules.order', ()), ('modules.builtin.modinfo', ()), ('modules.builtin', _DRIVERS)):
            with open(f'{modules}/{name}', 'w', encoding='ascii') as file:
                file.writelines(f'kernel/drivers/infiniband/{driver}.ko\n' for driver in drivers)
        subprocess.run(['depmod', '-b', self.root, release], check=True)

    def path(self, path):
        """A path of the node as this process can open it."""
        return f'/proc/{self.machine.pid}/root{path}'

    def write(self, path, text, mode=0o644):
        """Write a file of the node, and the folders that lead to it."""
        os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
        with open(self.path(path), 'w', encoding='utf-8') as file:
            file.write(text)
        os.chmod(self.path(path), mode)

    def read(self, path):
        """Text of a file of the node."""
        with open(self.path(path), encoding='utf-8') as file:
            return file.read()

    def run(self, *argv, **options):
        """Run a command in the node; see Machine.run."""
        return self.machine.run(*argv, **options)
