# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What the lab needs of the machine, found out by trying."""
import ctypes
import functools
import importlib
import os
import shutil
import tempfile

from tests.lab import ibsim, rootfs, smp
from tests.lab.namespaces import Machine, enclosed, mount

_PROGRAMS = {'apt-get': 'apt', 'depmod': 'kmod', 'dpkg': 'dpkg', 'gcc': 'gcc', 'ip': 'iproute2',
             'nsenter': 'util-linux', 'ovs-vswitchd': 'openvswitch-switch', 'ovsdb-tool': 'openvswitch-switch',
             'ovsdb-server': 'openvswitch-switch', 'ping': 'iputils-ping'}
_OPENSM_PROGRAMS = {'ibsim': 'ibsim-utils', 'opensm': 'opensm', 'smpquery': 'infiniband-diags'}
_SBIN = f'{os.environ.get("PATH", "")}:/usr/local/sbin:/usr/sbin:/sbin'


def missing():
    """One line for each thing that the lab needs and that is not here; empty when it can run."""
    found = _missing_programs(_PROGRAMS)
    for module in ('mfusepy', 'ovs.jsonrpc', 'jinja2', 'yaml'):
        try:
            importlib.import_module(module)
        except (ImportError, OSError) as error:  # mfusepy without libfuse gives OSError
            found.append(f'Python module {module}: {error}')
    for device in ('/dev/fuse', '/dev/net/tun'):
        try:
            os.close(os.open(device, os.O_RDWR))
        except OSError as error:
            found.append(f'{device}: {error.strerror}')
    return found + _missing_namespaces()


def missing_for_opensm():
    """One line for each thing that a real OpenSM in the lab needs and that is not here."""
    found = _missing_programs(_OPENSM_PROGRAMS)
    if not ibsim.preload():
        found.append('library libumad2sim.so (package libumad2sim0)')
    try:
        ctypes.CDLL(smp.LIBRARY)
    except OSError as error:
        found.append(f'library {smp.LIBRARY} (package libibmad5): {error}')
    return found + _missing_namespaces()


def _missing_namespaces():
    reason = namespaces()
    return [f'root, or user namespaces with overlayfs and sysfs in them: {reason}'] if reason else []


def _missing_programs(programs):
    return [f'program {name} (package {package})' for name, package in sorted(programs.items())
            if not shutil.which(name, path=_SBIN)]


@functools.lru_cache(maxsize=None)
def namespaces():
    """Why a node's namespaces and root cannot be made, or an empty text."""
    def attempt():
        mount('tmpfs', folder, 'tmpfs')
        os.mkdir(f'{folder}/root')
        Machine('probe', f'{folder}/root', lambda: rootfs.build(f'{folder}/root', f'{folder}/changes')).close()

    with tempfile.TemporaryDirectory(prefix='infiniband-lab-') as folder, tempfile.TemporaryFile('w+') as reason:
        errors = os.dup(2)
        os.dup2(reason.fileno(), 2)
        try:
            status = enclosed(attempt)
        finally:
            os.dup2(errors, 2)
            os.close(errors)
        if status > 128:  # stopped by a signal, which says nothing about the machine
            raise SystemExit(status)
        reason.seek(0)
        return (reason.readline().strip() or 'refused') if status else ''
