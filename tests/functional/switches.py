# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""A node with Open vSwitch for real: ovsdb-server and ovs-vswitchd in user space, in a network namespace of its own.

The product plans and applies there with tests/functional/ovs_node.py, under each Python.
"""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest

from plugin_lib.planning.ovs_changes import OvsTransaction
from tests.lab import openvswitch

TOP = pathlib.Path(__file__).resolve().parents[2]
OLD_PYTHON = TOP / '.venv27' / 'bin' / 'python'
PYTHONS = [sys.executable, pytest.param(str(OLD_PYTHON), marks=pytest.mark.skipif(
    not OLD_PYTHON.exists(), reason='.venv27 with Python 2.7 and ovs 2.5.0 is not there: ./dev test makes it'))]
AS_USER = [] if os.geteuid() == 0 else ['--user', '--preserve-credentials']

PROGRAMS = ('ovsdb-server', 'ovs-vswitchd', 'nsenter', 'setpriv', 'ip', 'ping')
MISSING = [each for each in PROGRAMS if not shutil.which(each)]
if not os.access('/dev/net/tun', os.W_OK):
    MISSING.append('write access to /dev/net/tun')
needed = pytest.mark.skipif(bool(MISSING), reason='not here: ' + ', '.join(MISSING))

ASTUTE = '''
fqdn: node-{number}.domain.tld
uid: '{number}'
roles: [compute]
network_scheme:
  version: '1.1'
  provider: ovs
  interfaces:
    eth4: {{vendor_specific: {{driver: eth_ipoib, bus_info: ib0}}}}
  transformations:
  - {{action: add-br, name: br-mgmt}}
  - {{action: add-br, name: br-storage}}
  - {{action: add-br, name: br-prv}}
  - {{action: add-br, name: br-aux}}
  - {{action: add-patch, bridges: [br-prv, br-aux]}}
  - {{action: add-port, bridge: br-aux, name: eth4}}
  - {{action: add-port, bridge: br-mgmt, name: eth4.201}}
  - {{action: add-port, bridge: br-storage, name: eth4.202}}
  endpoints:
    br-mgmt: {{IP: [192.168.0.{number}/24]}}
    br-storage: {{IP: [192.168.1.{number}/24]}}
    br-prv: {{IP: none}}
  roles: {{management: br-mgmt, storage: br-storage, neutron/private: br-prv}}
quantum_settings:
  L2: {{phys_nets: {{physnet2: {{bridge: br-prv, vlan_range: '1000:1001'}}}}}}
'''
PKEYS = ('0xffff', '0x80c9', '0x80ca', '0x83e8')  # 201, 202, 1000; nothing for 1001


class Node:
    """A network of its own with Open vSwitch; ``folder`` holds its root, its socket where the product looks for it."""

    def __init__(self, folder, number):
        self.folder, self.number = folder, number
        self.run_folder = folder / 'var' / 'run' / 'openvswitch'
        # What runs in the namespaces ends with their first process, that with unshare, and that with us.
        self._holder = subprocess.Popen(
            ['setpriv', '--pdeathsig', 'KILL', 'unshare', '--net', '--pid', '--fork', '--kill-child',
             *(['--user', '--map-root-user'] if AS_USER else []),
             'sh', '-c', 'echo; exec sleep infinity'], stdout=subprocess.PIPE)
        assert self._holder.stdout.read(1), 'the namespaces could not be made; the reason is above'
        children = pathlib.Path(f'/proc/{self._holder.pid}/task/{self._holder.pid}/children')
        self.pid = int(children.read_text().split()[0])
        self('ip', 'link', 'set', 'lo', 'up')
        openvswitch.start(self.inside, str(folder), str(self.run_folder), str(folder / 'log'))
        self.astute = folder / 'astute.yaml'
        self.astute.write_text(ASTUTE.format(number=number))

    def inside(self, argv):
        """The argv that runs an argv in the namespaces."""
        return ['nsenter', f'--target={self.pid}', '--net', '--pid', *AS_USER, '--', *argv]

    def __call__(self, *argv, check=True):
        done = subprocess.run(self.inside(argv), capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, f'{argv}: {done.stderr}'
        return done

    def vsctl(self, *argv):
        return self('ovs-vsctl', f'--db=unix:{self.run_folder}/db.sock', '--timeout=60', *argv).stdout

    def bridges(self, *names):
        """Make bridges and set their own interfaces up, as netconfig does."""
        for name in names:
            self.vsctl('add-br', name, '--', 'set', 'bridge', name, 'datapath_type=netdev')
            self('ip', 'link', 'set', name, 'up')

    def address(self, interface, address):
        self('ip', 'addr', 'add', address, 'dev', interface)
        self('ip', 'link', 'set', interface, 'up')

    def private_port(self, vlan):
        """A guest's port of br-prv in a VLAN, with an address of its own."""
        name = f'guest{vlan}'
        self.vsctl('add-port', 'br-prv', name, f'tag={vlan}', '--', 'set', 'interface', name, 'type=internal')
        self.address(name, f'10.{vlan // 100}.{vlan % 100}.{self.number}/24')

    def pings(self, address, seconds=30):
        """Whether an answer comes within that time.

        ping -w would not do: it ends at the first error, and the kernel's own search for the neighbour, begun
        before a VLAN was opened, ends in one.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self('ping', '-c', '1', '-W', '1', address, check=False).returncode == 0:
                return True
        return False

    def generation(self):
        """Every change that effect makes, and nothing that ovs-vswitchd notes by itself, counts next_cfg up."""
        return self.vsctl('get', 'Open_vSwitch', '.', 'next_cfg')

    def reconfigured(self):
        """Have ovs-vswitchd take the same configuration once more; the errors that interfaces have then."""
        self.vsctl('set', 'Open_vSwitch', '.', f'next_cfg={int(self.generation()) + 1}')
        return self.vsctl('--bare', '--columns=error', 'find', 'Interface', 'error!=[]').splitlines()

    def daemon(self, name):
        """The number of a daemon's process, as this process sees it."""
        inner = (self.run_folder / f'{name}.pid').read_text().strip()
        for status in pathlib.Path('/proc').glob('[0-9]*/status'):
            with contextlib.suppress(OSError):
                lines = dict(line.split(':', 1) for line in status.read_text().splitlines() if ':' in line)
                same = os.readlink(status.parent / 'ns' / 'net') == os.readlink(f'/proc/{self.pid}/ns/net')
                if same and lines['NSpid'].split()[-1] == inner:
                    return int(status.parent.name)
        raise AssertionError(f'{name} does not run')

    def apply(self, *pkeys, python=sys.executable):
        """Plan and apply below this node's root with the product; returns the process."""
        return subprocess.run(self.applying(*pkeys, python=python), capture_output=True, text=True, cwd=TOP,
                              check=False)

    def applying(self, *pkeys, python=sys.executable):
        """The argv that plans and applies there."""
        # Without a process of nsenter in between: who kills it kills the program itself.
        within = ['nsenter', f'--target={self.pid}', '--net', *AS_USER, '--']
        return [*within, python, '-m', 'tests.functional.ovs_node', str(self.folder), str(self.astute), *pkeys]

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        self._holder.communicate()


def transaction(*changes):
    return OvsTransaction(changes, ('a test',) * len(changes))


def applied(node, *pkeys, python=sys.executable):
    done = node.apply(*pkeys, python=python)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
