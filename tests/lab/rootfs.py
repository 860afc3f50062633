# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""A node's root file system: this machine's, as overlays whose changes live in memory."""
import os

from tests.lab.namespaces import MS_BIND, bind, mount

# Every top folder on its own, not "/" as a whole: below a user namespace the kernel refuses to overlay a folder
# that has other mounts in it, and "/" always has.
_OVERLAID = ('bin', 'etc', 'lib', 'lib32', 'lib64', 'opt', 'sbin', 'usr', 'var')
_IN_MEMORY = ('root', 'run', 'tmp', 'home', 'mnt')

# What the package tools open for writing in place: empty locks and logs serve as well.
_OPENED_IN_PLACE = ('var/cache/apt/archives/lock', 'var/lib/apt/lists/lock', 'var/lib/dpkg/lock',
                    'var/lib/dpkg/lock-frontend', 'var/lib/dpkg/triggers/Lock', 'var/log/alternatives.log',
                    'var/log/apt/history.log', 'var/log/apt/term.log', 'var/log/dpkg.log')
# Deep enough for every folder that our packages' files and the node's own go to.
_ADOPTED_DEPTH = 4

REAL_SYSFS = 'mnt/sysfs'


def build(root, scratch):
    """Mount a node's root on ``root``; call it in the node's mount and network namespaces.

    :param root: an empty folder
    :param scratch: an empty folder on a file system that can hold the upper layers (tmpfs)
    :raises OSError: where the kernel has no overlayfs or forbids it here (in user namespaces it needs Linux 5.11)
    """
    mount('tmpfs', root, 'tmpfs', options='mode=755')
    for name in _OVERLAID:
        if os.path.islink(f'/{name}'):
            os.symlink(os.readlink(f'/{name}'), f'{root}/{name}')
        elif os.path.isdir(f'/{name}'):
            _overlay(f'/{name}', f'{root}/{name}', f'{scratch}/{name}')
    for name in _IN_MEMORY + ('proc', 'sys', 'dev'):
        os.makedirs(f'{root}/{name}')
    os.chmod(f'{root}/tmp', 0o1777)
    # This machine's modules are for its kernel, which has no InfiniBand hardware for the node.
    os.makedirs(f'{root}/lib/modules', exist_ok=True)
    mount('tmpfs', f'{root}/lib/modules', 'tmpfs', options='mode=755')
    bind('/dev', f'{root}/dev')
    mount('sysfs', f'{root}/sys', 'sysfs')
    os.makedirs(f'{root}/{REAL_SYSFS}')
    mount(f'{root}/sys', f'{root}/{REAL_SYSFS}', flags=MS_BIND)


def _overlay(lower, target, layers):
    for folder in (target, f'{layers}/upper', f'{layers}/work'):
        os.makedirs(folder)
    if _alone():
        _adopt(lower, f'{layers}/upper')
    mount('overlay', target, 'overlay',
          options=f'lowerdir={lower},upperdir={layers}/upper,workdir={layers}/work,userxattr')


def _alone():
    """Whether this is a user namespace with one user in it."""
    with open('/proc/self/uid_map', encoding='ascii') as mapping:
        return mapping.read().split()[-1] == '1'


def _adopt(lower, upper):
    """Make the folders of ``lower`` writable for the only user of this user namespace.

    To it every other owner is nobody.  A folder that both layers have shows the upper one's owner.
    """
    for folder, subfolders, _files in os.walk(lower):
        relative = os.path.relpath(folder, lower)
        os.makedirs(f'{upper}/{relative}', exist_ok=True)
        subfolders[:] = [name for name in subfolders if not os.path.islink(f'{folder}/{name}')]
        for name in subfolders:
            if not os.access(f'{folder}/{name}', os.R_OK | os.X_OK):
                os.mkdir(f'{upper}/{relative}/{name}')
                os.setxattr(f'{upper}/{relative}/{name}', 'user.overlay.opaque', b'y')  # without what is in it
        if relative.count('/') + 1 >= _ADOPTED_DEPTH:
            subfolders.clear()
    for path in _OPENED_IN_PLACE:
        if f'/{path}'.startswith(f'{lower}/') and os.path.exists(os.path.dirname(f'/{path}')):
            open(f'{upper}/{os.path.relpath(f"/{path}", lower)}', 'wb').close()
