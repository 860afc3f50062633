# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The indexes of the repository: what nodes (apt) and whoever works with the discovery image (yum) can get from it.

They list the node package and what the manifest lists, nothing else that may lie there.
"""
from __future__ import absolute_import, print_function, unicode_literals

import io
import os
import re
import shutil
import zlib

from plugin_lib._compat import to_text
from plugin_lib.driver_repository import tools
from plugin_lib.driver_repository.manifest import ANY_KERNEL, CENTOS, FOLDERS, UBUNTU
from plugin_lib.driver_repository.package import checksum
from plugin_lib.effect import files
from plugin_lib.errors import InfinibandError
from plugin_lib.host.packages import KERNEL_FIELD

PROGRAMS = {UBUNTU: 'dpkg-scanpackages', CENTOS: 'createrepo'}
NODE_PACKAGE = 'fuel-infiniband'
CHECKSUM_OF_NODE_PACKAGE = '../deployment_scripts/fuel-infiniband.sha256'
_APT_INDEX, _YUM_INDEX = 'Packages.gz', 'repodata'
_FILE_LIST, _SCANNED = '.files', '.scanned'
_GZIP = 16 + zlib.MAX_WBITS  # zlib.h: with gzip's header, in which it leaves the time out

_FIELD = re.compile(r'^([A-Za-z0-9-]+): *(.*)$', re.M)
_PACKAGE_ID = re.compile(r'<checksum type="sha256" pkgid="YES">([0-9a-f]{64})<')


def write(folder, entries):
    # type: (str, tuple) -> None
    """Bring the indexes in line with the manifest; an index that is right already is not touched.

    A file that is no longer what the manifest says is not offered.

    :param folder: the plugin's repositories/
    :param entries: manifest.Entries whose files are there
    :raises InfinibandError: when a tool is missing or fails
    """
    entries = [entry for entry in entries if checksum(os.path.join(folder, entry.path)) == entry.sha256]
    _write_apt(folder, entries, _scan(os.path.join(folder, FOLDERS[UBUNTU]), [node_package(folder)[1]] + [
        entry.file for entry in entries if entry.release == UBUNTU]))
    wanted = [entry for entry in entries if entry.release == CENTOS]
    place = os.path.join(folder, FOLDERS[CENTOS])
    if not wanted:
        shutil.rmtree(os.path.join(place, _YUM_INDEX), ignore_errors=True)
    elif yum_checksums(folder) != set(entry.sha256 for entry in wanted):
        files.write_atomically(os.path.join(place, _FILE_LIST), ''.join(entry.file + '\n' for entry in wanted), 0o644)
        tools.run(['createrepo', '--quiet', '--pkglist', _FILE_LIST, '.'], place)
        files.remove(os.path.join(place, _FILE_LIST))


def clear(folder):
    # type: (str) -> None
    """Take everything but the node package out of the indexes; this needs no tools."""
    listed = read_apt(folder)
    if listed:
        _write_apt(folder, (), listed)
    shutil.rmtree(os.path.join(folder, FOLDERS[CENTOS], _YUM_INDEX), ignore_errors=True)


def apt_packages(folder):
    # type: (str) -> dict
    """{file: {field: value}} of what the index for apt lists."""
    return dict((os.path.basename(fields['Filename']), fields) for _, fields in _paragraphs(read_apt(folder)))


def read_apt(folder):
    # type: (str) -> str
    """The index for apt as text; empty when there is none, or it is broken."""
    return _unpacked(os.path.join(folder, FOLDERS[UBUNTU], _APT_INDEX))


def yum_checksums(folder):
    # type: (str) -> set
    """The sha256 of each package that the index for yum lists."""
    place = os.path.join(folder, FOLDERS[CENTOS], _YUM_INDEX)
    names = os.listdir(place) if os.path.isdir(place) else []
    found = set()
    for name in names:
        if name.endswith('primary.xml.gz'):
            found.update(_PACKAGE_ID.findall(_unpacked(os.path.join(place, name))))
    return found


def node_package(folder):
    # type: (str) -> tuple
    """(sha256, file) of the node package that came with the plugin, in the folder for Ubuntu.

    After an upgrade the previous one is still there: rpm removes old files last.

    :raises InfinibandError: when the note of it is not there or broken
    """
    note = os.path.join(folder, CHECKSUM_OF_NODE_PACKAGE)
    try:
        with io.open(note, encoding='ascii') as stream:
            checksum, name = stream.read().split()
    except (EnvironmentError, ValueError):
        raise InfinibandError('the plugin is not whole', os.path.normpath(note),
                              'it holds no checksum of the node package', 'install the plugin again')
    return checksum, os.path.basename(name)


def _scan(place, names):
    """What dpkg-scanpackages says of some files of a folder: it gives up where any other one is broken."""
    apart = os.path.join(place, _SCANNED)
    os.mkdir(apart)
    try:
        for name in names:
            os.link(os.path.join(place, name), os.path.join(apart, name))
        return tools.run(['dpkg-scanpackages', '-m', '.'], apart)
    finally:
        shutil.rmtree(apart)


def _write_apt(folder, entries, scanned):
    kernels = dict((entry.file, entry.kernel) for entry in entries if entry.release == UBUNTU)
    kernels[node_package(folder)[1]] = ANY_KERNEL
    kept = []
    for paragraph, fields in _paragraphs(scanned):
        kernel = kernels.get(os.path.basename(fields['Filename']))
        if kernel is not None:
            kept.append(paragraph + ('' if kernel == ANY_KERNEL else '\n{0}: {1}'.format(KERNEL_FIELD, kernel)))
    text = ''.join(paragraph + '\n\n' for paragraph in kept)
    if text != read_apt(folder):
        packer = zlib.compressobj(9, zlib.DEFLATED, _GZIP)
        with files.replacing(os.path.join(folder, FOLDERS[UBUNTU], _APT_INDEX), 0o644) as descriptor:
            files.write_all(descriptor, packer.compress(text.encode('utf-8')) + packer.flush())


def _unpacked(path):
    if not os.path.exists(path):
        return ''
    try:
        with io.open(path, 'rb') as stream:
            return to_text(zlib.decompress(stream.read(), _GZIP))
    except zlib.error:
        return ''


def _paragraphs(text):
    """[(paragraph, {field: value})] of an index for apt."""
    return [(paragraph, dict(_FIELD.findall(paragraph))) for paragraph in re.split(r'\n\n+', text.strip()) if paragraph]
