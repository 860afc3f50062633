# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""A simulated InfiniBand subnet (ibsim): one switch, the subnet manager's host, and an HCA for each node.

Its sockets are abstract, so they belong to the network namespace of the lab, and there can be one in each.  Limits of
the packaged 0.10: P_Key tables of 64 entries, 10 clients at once, and a client that was killed keeps its place.
"""
import glob
import os
import subprocess
import sys
import time

from tests.lab.namespaces import mount

MANAGER = 'sm'
SWITCH = 'switch'
TABLE_ENTRIES = 64
# Of the switch: the manager's host is at port 1, the first node at port 2.
FIRST_NODE_PORT = 2

_DEVICES = '/dev/infiniband'
_READY = 'Network simulator ready'
_PATIENCE = 30.0


def preload():
    """Path of the library that connects programs of libibumad to the simulator; None where it is not installed."""
    return next(iter(glob.glob('/usr/lib/*/umad2sim/libumad2sim.so')), None)


def end(process):
    """Have a process stop, with force after a while: the simulator and its clients can hang on each other."""
    process.terminate()
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Simulator:
    """A running simulator, in the mount namespace of a lab.

    :param folder: an empty folder for the files of the simulator and its clients
    :param guids: {name of a node: GUID of its HCA's only port, 16 hexadecimal digits that do not end in 0}
    """

    def __init__(self, folder, guids):
        self.folder = folder
        _hide_real_devices()
        self._ports = {name: number for number, name in enumerate(guids, FIRST_NODE_PORT)}
        with open(f'{folder}/topology', 'w', encoding='ascii') as file:
            file.write(_topology(guids))
        with open(f'{folder}/ibsim.log', 'w', encoding='utf-8') as log:
            self._process = subprocess.Popen(['ibsim', '-s', 'topology'], cwd=folder, stdin=subprocess.PIPE,
                                             stdout=log, stderr=subprocess.STDOUT, text=True)
        deadline = time.monotonic() + _PATIENCE
        while _READY not in self._log():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f'ibsim did not start:\n{self._log()}')
            time.sleep(0.002)

    def client(self, *argv, **options):
        """Start a program that talks to the subnet from the manager's host; returns its Popen."""
        environment = dict(os.environ, LD_PRELOAD=preload(), SIM_HOST=MANAGER,
                           OSM_TMP_DIR=self.folder, OSM_CACHE_DIR=self.folder,
                           PYTHONPATH=os.pathsep.join(map(os.path.abspath, sys.path)))
        return subprocess.Popen(argv, cwd=self.folder, env=environment, **{'stdin': subprocess.DEVNULL, **options})

    def unlink(self, node):
        """Pull the plug of a node."""
        self._console(f'Unlink "{node}"[1]')

    def link(self, node):
        """Plug a node in again, where it was."""
        self._console(f'Link "{node}"[1] "{SWITCH}"[{self._ports[node]}]')

    def close(self):
        """End the simulator; its clients have to be gone."""
        end(self._process)

    def _console(self, command):
        self._process.stdin.write(f'{command}\n')
        self._process.stdin.flush()

    def _log(self):
        with open(f'{self.folder}/ibsim.log', encoding='utf-8') as file:
            return file.read()


def _hide_real_devices():
    """A program that the library failed to reach must not find this machine's own InfiniBand and manage that."""
    if os.path.isdir(_DEVICES):
        mount('tmpfs', _DEVICES, 'tmpfs')


def _topology(guids):
    """What ibnetdiscover would print; ibsim wants each cable at both ends."""
    hosts = [MANAGER, *guids]
    lines = [f'Switch {len(hosts)} "{SWITCH}"']
    lines += [f'[{port}] "{host}"[1]' for port, host in enumerate(hosts, FIRST_NODE_PORT - 1)]
    for port, host in enumerate(hosts, FIRST_NODE_PORT - 1):
        lines.append('')
        if host in guids:  # ibsim counts a port's GUID on from its HCA's, as Mellanox does
            lines.append(f'caguid={int(guids[host], 16) - 1:#x}')
        lines += [f'Hca 1 "{host}"', f'[1] "{SWITCH}"[{port}]']
    return '\n'.join(lines) + '\n'
