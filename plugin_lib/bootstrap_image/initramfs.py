# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The discovery image of Fuel 6.1 and 7.0: a root file system as a gzip'd cpio archive, read and written as a stream.

No file of it is unpacked but its kernel modules, for depmod: so nothing here needs to make device files or owners.
"""
from __future__ import absolute_import, print_function, unicode_literals

import contextlib
import gzip
import io
import os
import re
import stat
from collections import namedtuple

from plugin_lib.bootstrap_image import cpio, gzipped
from plugin_lib.effect import commands
from plugin_lib.effect.files import make_folder
from plugin_lib.errors import InfinibandError

DEPMOD = 'depmod'
# MLNX_OFED's modules take the place of the kernel's own. (kmod's default leaves out extra.)
_DEPMOD_CONF = 'search updates extra built-in\n'
# In the order in which they are preferred; CentOS 6 has 2.6 under the first name.
PYTHONS = ('usr/bin/python', 'usr/bin/python2.7', 'usr/bin/python2.6', 'usr/bin/python3')
_MODULE = re.compile(r'^((?:usr/)?lib/modules/)([^/]+)/(.+)')
# What depmod makes is made again; these it reads.
_LISTS = ('modules.order', 'modules.builtin', 'modules.builtin.modinfo')


class Contents(namedtuple('Contents', 'names texts releases modules module_bytes size')):
    """What an image holds.

    :param names: {name: mode}
    :param texts: {name: bytes} of the files that were asked for
    :param releases: sorted kernel releases it has modules for
    :param modules: the folder of these, with a slash at its end
    :param module_bytes: of all modules
    :param size: bytes of all files
    """

    __slots__ = ()


def entries(path):
    # type: (str) -> object
    """Yield the Entries of an image; raises InfinibandError when it is not whole."""
    try:
        with io.open(path, 'rb') as stream:
            with contextlib.closing(gzip.GzipFile('', 'rb', fileobj=stream)) as unpacked:
                for entry in cpio.read(unpacked):
                    yield entry
    except (cpio.Broken,) + gzipped.BROKEN as error:
        raise InfinibandError('the discovery image cannot be read', path, str(error) or 'it ends too early',
                              'put back the image that came with Fuel')


def survey(path, wanted=()):
    # type: (str, tuple) -> Contents
    """Read an image to its end.

    :param wanted: names of the files whose text is needed
    :raises InfinibandError: when it is not whole
    """
    names, texts, releases = {}, {}, set()
    modules, module_bytes, size = 'lib/modules/', 0, 0
    for entry in entries(path):
        names[entry.name] = entry.mode
        size += len(entry.data)
        if entry.name in wanted and entry.is_file:
            texts[entry.name] = entry.data
        module = _MODULE.match(entry.name)
        if module:
            modules = module.group(1)
            releases.add(module.group(2))
            module_bytes += len(entry.data)
    return Contents(names, texts, sorted(releases), modules, module_bytes, size)


def moved(entry, modules):
    # type: (object, str) -> object
    """An Entry of a package, at the image's place for kernel modules where it is one."""
    module = _MODULE.match(entry.name)
    return entry._replace(name=modules + module.group(2) + '/' + module.group(3)) if module else entry


def unpack_modules(source, folder):
    # type: (object, str) -> None
    """Write the kernel modules among Entries below ``folder/lib/modules``, for :func:`run_depmod`.

    :raises InfinibandError: when one has a name that leads elsewhere
    """
    for entry in source:
        module = _MODULE.match(entry.name)
        if not module or not entry.is_file or not _is_for_depmod(module.group(3)):
            continue
        if '..' in entry.name.split('/'):
            raise InfinibandError('a kernel module has an unsafe name', entry.name, '', 'use packages of your vendor')
        place = os.path.join(folder, 'lib/modules', module.group(2), module.group(3))
        make_folder(os.path.dirname(place))
        with io.open(place, 'wb') as stream:
            stream.write(entry.data)


def _is_for_depmod(name):
    return name in _LISTS or re.search(r'\.ko(\.[gx]z)?$', name)


def run_depmod(folder, release, modules):
    # type: (str, str, str) -> list
    """The Entries of depmod's lists for a kernel whose modules are below ``folder``.

    :param modules: where they belong, see Contents
    :raises InfinibandError: in depmod's words
    """
    place = os.path.join(folder, 'depmod.conf')
    with io.open(place, 'w', encoding='ascii') as stream:
        stream.write(_DEPMOD_CONF)
    commands.run([DEPMOD, '-b', folder, '-C', place, release], 'check that the driver packages are whole')
    made = os.path.join(folder, 'lib/modules', release)
    found = []
    for name in sorted(os.listdir(made)):
        if name.startswith('modules.') and name not in _LISTS:
            with io.open(os.path.join(made, name), 'rb') as stream:
                found.append(cpio.new(modules + release + '/' + name, stat.S_IFREG | 0o644, stream.read()))
    return found


def repack(base, added, removed, path, told):
    # type: (str, list, tuple, str, object) -> None
    """Write the image ``path``: what is in the image ``base``, without ``removed`` and with ``added``.

    :param added: Entries; they take the place of what has their name, but a folder that is there stays as it is
    :param removed: names
    :param told: called with the number of bytes of ``base`` that are done, now and then
    :raises InfinibandError: when one of these is a hard link, whose other names would lose their data
    """
    replacing = set(removed).union(entry.name for entry in added if not entry.is_folder)
    known, done = set(), 0
    with io.open(path, 'wb') as stream:
        with contextlib.closing(gzipped.Writer(stream)) as packed:
            writer = cpio.Writer(packed)
            for entry in entries(base):
                done += len(entry.data)
                told(done)
                if entry.name not in removed:
                    known.add(entry.name)
                if entry.name not in replacing:
                    writer.add(entry)
                elif entry.is_file and entry.nlink > 1:
                    raise InfinibandError('a file of the image cannot be replaced', '{0} -> {1}'.format(
                        base, entry.name), 'it has other names too', 'use the image that came with Fuel')
            for entry in _with_folders(added, known):
                writer.add(entry)
            writer.close()
        stream.flush()
        os.fsync(stream.fileno())


def _with_folders(added, known):
    """``added``, with the folders above each where nothing of that name is there yet.

    A link to a folder is one too: the kernel would replace ``lib`` -> ``usr/lib`` by an empty folder.
    """
    for entry in sorted(added, key=lambda entry: entry.name):
        parts = entry.name.split('/')
        for depth in range(1, len(parts)):
            above = '/'.join(parts[:depth])
            if above not in known:
                known.add(above)
                yield cpio.new(above, stat.S_IFDIR | 0o755)
        if not entry.is_folder or entry.name not in known:
            known.add(entry.name)
            yield entry
