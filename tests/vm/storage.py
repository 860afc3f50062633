# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Storage over RDMA in a guest: every function here runs there."""
import os
import re
import subprocess
import sys

from tests.vm import inside
from tests.vm.kernel import CHECKOUT

NET = inside.NET
CASES = f'{CHECKOUT}/tests/cases/storage'
INTERFACES = '/etc/network/interfaces.d'
PROGRAM = '/usr/bin/fuel-infiniband'
# What a reboot leaves beside PROGRAM: the rest of the guest's root is this machine's.
KEPT = ('/etc/fuel-infiniband', '/etc/network')

_ifup = None


def install(eipoib, case):
    """The node package, as far as storage needs it, and what Fuel publishes in a case, with this EIPOIB interface."""
    _put(PROGRAM, f'#!/bin/sh\nPYTHONPATH={CHECKOUT} exec {sys.executable} -m plugin_lib "$@"\n', 0o755)
    _put('/etc/network/if-pre-up.d/fuel-infiniband', inside.read(f'{CHECKOUT}/packaging/if-pre-up'), 0o755)
    _put('/etc/astute.yaml', inside.read(f'{CASES}/{case}/astute.yaml').replace('eth4', eipoib), 0o600)


def switch_off():
    """The operator switches storage over RDMA off."""
    text = inside.read('/etc/astute.yaml')
    _put('/etc/astute.yaml', text.replace('storage_rdma: true', 'storage_rdma: false'), 0o600)


def hook():
    """What the hook ``storage`` says."""
    return inside.must(PROGRAM, 'hook', 'storage')


def netconfig(name, address):
    """As much of l23network as storage sees: ifupdown's file, and the address."""
    _put('/etc/network/interfaces', f'source {INTERFACES}/ifcfg-*\n')
    _put(f'{INTERFACES}/ifcfg-{name}', f'auto {name}\niface {name} inet static\naddress {address}\n')
    inside.must('ip', 'link', 'set', name, 'up')
    inside.must('ip', 'address', 'add', address, 'dev', name)


def state(name):
    """{'mode', 'mtu', 'pkey', 'addresses'} of an IPoIB interface, {} where there is none."""
    if not os.path.exists(f'{NET}/{name}'):
        return {}
    shown = inside.must('ip', '-4', '-o', 'address', 'show', 'dev', name)
    return {leaf: inside.read(f'{NET}/{name}/{leaf}').strip() for leaf in ('mode', 'mtu', 'pkey')} | {
        'addresses': re.findall(r'inet (\S+)', shown)}


def kept():
    """{path: [text, permissions]} of the files that a reboot leaves."""
    paths = [f'{folder}/{name}' for top in KEPT for folder, _, names in os.walk(top) for name in names]
    return {path: [inside.read(path), os.stat(path).st_mode & 0o777] for path in [PROGRAM, *paths]}


def restore(files):
    """Have the files of before the reboot."""
    for path, (text, mode) in files.items():
        _put(path, text, mode)


def start_ifup(ifup):
    """Bring up all interfaces, as the init system does; it goes on meanwhile."""
    global _ifup
    os.makedirs('/run/network', exist_ok=True)
    _ifup = subprocess.Popen([ifup, '-a'], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True)


def end_ifup():
    """[exit status, what it said]."""
    output, _ = _ifup.communicate(timeout=90)
    return [_ifup.returncode, output]


def _put(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w', encoding='utf-8') as stream:
        stream.write(text)
    os.chmod(path, mode)
