# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The files of packages, as Entries for an image: the node package, and the operator's driver packages."""
from __future__ import absolute_import, print_function, unicode_literals

import io
import os
import stat
import subprocess
import tarfile
from contextlib import closing

from plugin_lib._compat import to_text
from plugin_lib.bootstrap_image import cpio, gzipped
from plugin_lib.driver_repository import index, manifest
from plugin_lib.driver_repository.package import checksum
from plugin_lib.errors import InfinibandError

RPM2CPIO = 'rpm2cpio'
WITHOUT_EIPOIB = ('no driver package has eth_ipoib, which is in MLNX_OFED only: nodes will show their IPoIB interfaces,'
                  ' but no Ethernet over them')
_AR_MAGIC = b'!<arch>\n'  # ar(5)
_AR_HEADER = 60
_ADD = 'run: fuel-infiniband drivers add {0}'
_PROGRAM = ('usr/sbin/eipoibd', 'usr/lib/fuel-infiniband/')


def node_package(plugin):
    # type: (str) -> str
    """Path of the node package, whose checksum is verified.

    :param plugin: folder of the plugin on the master
    :raises InfinibandError: when it is not there, or not the one that came with the plugin
    """
    todo = 'install the plugin again'
    expected, name = index.node_package(os.path.join(plugin, 'repositories'))
    path = os.path.join(plugin, 'repositories', 'ubuntu', name)
    try:
        found = checksum(path)
    except EnvironmentError as error:
        raise InfinibandError('the plugin is not whole', path, error.strerror, todo)
    if found != expected:
        raise InfinibandError('the node package is not the one that came with the plugin', path,
                              'sha256 {0} instead of {1}'.format(found, expected), todo)
    return path


def program(path):
    # type: (str) -> list
    """The Entries of eipoibd and what it imports, from the node package.

    :raises InfinibandError: when it cannot be read
    """
    found = []
    try:
        with io.open(path, 'rb') as stream:
            data = _member(stream.read(), b'data.tar.gz')
        with closing(tarfile.open(fileobj=io.BytesIO(data), mode='r:gz')) as archive:
            for member in archive:
                name = to_text(member.name)[len('./'):]
                if member.isfile() and name.startswith(_PROGRAM):
                    found.append(cpio.new(name, stat.S_IFREG | member.mode, archive.extractfile(member).read()))
    except (tarfile.TarError, ValueError) + gzipped.BROKEN as error:
        raise InfinibandError('the node package cannot be read', path, str(error), 'install the plugin again')
    return found


def _member(archive, wanted):
    """What is in the file ``wanted`` of an ar archive."""
    if not archive.startswith(_AR_MAGIC):
        raise ValueError('it is no Debian package')
    at = len(_AR_MAGIC)
    while at + _AR_HEADER <= len(archive):
        size = int(archive[at + 48:at + 58])
        if archive[at:at + 16].rstrip(b' /') == wanted:
            return archive[at + _AR_HEADER:at + _AR_HEADER + size]
        at += _AR_HEADER + size + size % 2
    raise ValueError('there is no {0} in it'.format(wanted.decode('ascii')))


def drivers(plugin, release):
    # type: (str, str) -> list
    """The manifest.Entries of the operator's packages for ``release``, whose checksums are verified.

    :param release: manifest.UBUNTU or manifest.CENTOS
    :raises InfinibandError: when a file is not there or another one, or the manifest cannot be used
    """
    folder = os.path.join(plugin, 'repositories')
    found = [entry for entry in manifest.read(folder) if entry.release == release]
    for entry in found:
        path = os.path.join(folder, entry.path)
        try:
            different = checksum(path) != entry.sha256
        except EnvironmentError as error:
            raise InfinibandError('a driver package is not there', path, error.strerror, _ADD.format(entry.file))
        if different:
            raise InfinibandError('a driver package is not the one that was added', path,
                                  'it has another sha256 than {0} says'.format(manifest.FILE), _ADD.format(entry.file))
    return found


def rpm_entries(path):
    # type: (str) -> object
    """Yield the Entries of an rpm.

    :raises InfinibandError: when rpm2cpio fails or gives no archive
    """
    todo = 'put the whole package there: {0}'.format(os.path.basename(path))
    try:
        child = subprocess.Popen([RPM2CPIO, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, close_fds=True)
    except EnvironmentError as error:
        raise InfinibandError('cannot run {0}'.format(RPM2CPIO), RPM2CPIO, error.strerror, 'install the package rpm')
    try:
        for entry in cpio.read(child.stdout):
            yield entry._replace(ino=(path, entry.ino))  # every package counts from one
        words, broken = child.stderr.read(), None
    except cpio.Broken as error:
        words, broken = child.stderr.read(), error
    finally:
        child.stdout.close()
        child.stderr.close()
        child.wait()
    if child.returncode or broken:
        raise InfinibandError('a driver package cannot be unpacked', path,
                              to_text(words).strip() or str(broken) or 'rpm2cpio failed', todo)
