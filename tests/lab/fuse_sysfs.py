# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``/sys/class`` of a node as a FUSE file system: the kernel model's files among the real kernel's.

Files behave as kernfs has them: one read shows the whole text as it was at offset 0, an attribute without show() or
store() gives EACCES even to root, a refused write gives the driver's errno, nothing is cached.
"""
import errno
import os
import stat

import mfusepy

from tests.model.sysfs import Attribute, Folder, Link, Tree, refuse

_KINDS = {Attribute: stat.S_IFREG, Folder: stat.S_IFDIR, Link: stat.S_IFLNK}


def sys_class(kernel, real, seen_as):
    """The Folder of ``/sys/class``: the model's HCAs and interfaces, and every real class and interface beside them.

    :param kernel: tests.model.kernel.Kernel
    :param real: the real sysfs of the node's network namespace, as this process sees it
    :param seen_as: the same folder as the node sees it
    """
    net = Folder(lambda: sorted({*kernel.tree.names('/sys/class/net'), *os.listdir(f'{real}/class/net')}),
                 lambda name: _interface(kernel, f'{real}/class/net', name))

    def get(name):
        if name == 'net':
            return net
        if name == 'infiniband':
            return kernel.tree.node('/sys/class/infiniband')
        return Link(f'{seen_as}/class/{name}') if os.path.isdir(f'{real}/class/{name}') else None

    return Folder(lambda: sorted({'infiniband', *os.listdir(f'{real}/class')}), get)


def _interface(kernel, real_net, name):
    try:
        modelled = kernel.tree.node(f'/sys/class/net/{name}')
    except FileNotFoundError:
        return Link(os.readlink(f'{real_net}/{name}')) if os.path.islink(f'{real_net}/{name}') else None
    if not isinstance(modelled, Folder) or not os.path.isdir(f'{real_net}/{name}'):
        return modelled
    real = f'{real_net}/{name}'

    def get(entry):
        return modelled.get(entry) or _real_node(f'{real}/{entry}')

    return Folder(lambda: sorted({*modelled.names(), *os.listdir(real)}), get)


def _real_node(path):
    if os.path.islink(path):
        return Link(os.readlink(path))
    if os.path.isdir(path):
        return Folder(lambda: os.listdir(path), lambda name: _real_node(f'{path}/{name}'))
    if not os.path.exists(path):
        return None

    def show():
        with open(path, encoding='ascii') as file:
            return file.read()

    def store(text):
        with open(path, 'w', encoding='ascii') as file:
            file.write(text)

    return Attribute(show, store)


class SysfsOperations(mfusepy.Operations):
    """FUSE's calls, answered from a tree of tests.model.sysfs nodes.

    :param root: Folder that is the file system's root
    :param mounted: called once, as soon as the file system answers
    :param written: called after every write that was taken
    """

    use_ns = True

    def __init__(self, root, mounted, written):
        self._tree = Tree(Folder.of({'class': root}))
        self._mounted = mounted
        self._written = written
        self._shown = {}  # open file: the text that its last read at offset 0 showed
        self._last_file = 0

    def init(self, path):
        self._mounted()

    def getattr(self, path, fh=None):
        node = self._tree.node(f'/class{path}')
        size = {Attribute: 4096, Link: len(getattr(node, 'target', ''))}.get(type(node), 0)
        return {'st_mode': _KINDS[type(node)] | node.mode, 'st_nlink': 1, 'st_size': size,
                'st_uid': os.getuid(), 'st_gid': os.getgid()}

    def readdir(self, path, fh):
        return ['.', '..', *self._tree.names(f'/class{path}')]

    def readlink(self, path):
        return self._tree.link(f'/class{path}')

    def open(self, path, flags):
        node = self._tree.node(f'/class{path}')
        mode = flags & os.O_ACCMODE
        if mode != os.O_WRONLY and node.show is None or mode != os.O_RDONLY and node.store is None:
            refuse(errno.EACCES, path)
        self._last_file += 1
        return self._last_file

    def read(self, path, size, offset, fh):
        if offset == 0 or fh not in self._shown:
            self._shown[fh] = self._tree.show(f'/class{path}').encode()
        return self._shown[fh][offset:offset + size]

    def write(self, path, data, offset, fh):
        self._tree.store(f'/class{path}', data.decode('utf-8', 'replace'))
        self._written()
        return len(data)

    def truncate(self, path, length, fh=None):
        return 0  # open(path, 'w') asks for it; kernfs does nothing

    def release(self, path, fh):
        self._shown.pop(fh, None)
        return 0


def serve(mountpoint, operations):
    """Mount, and answer until the file system is unmounted or the process ends.

    :raises RuntimeError: where FUSE refuses
    """
    mfusepy.FUSE(operations, mountpoint, foreground=True, nothreads=True, direct_io=True, nonempty=True,
                 fsname='sysfs-of-the-lab', attr_timeout=0, entry_timeout=0, negative_timeout=0)
