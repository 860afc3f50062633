# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Reads what a driver package is, with the tools of its kind, which verify it whole on the way."""
from __future__ import absolute_import, print_function, unicode_literals

import hashlib
import io
import os
import re
from collections import namedtuple

from plugin_lib._compat import fs_path
from plugin_lib.driver_repository import tools
from plugin_lib.driver_repository.manifest import ANY_KERNEL, CENTOS, SUFFIXES, UBUNTU, schema
from plugin_lib.errors import InputError
from plugin_lib.host.state import EIPOIB_MODULES

ARCHITECTURES = {UBUNTU: ('amd64', 'all'), CENTOS: ('x86_64', 'noarch')}

_WHAT = 'cannot take a driver package'
_OF_KERNEL = re.compile(r'^\.?/lib/modules/([^/]+)/(?:.*/)?([^/]+)\.ko(?:\.[gx]z)?$')
_DKMS = re.compile(r'^\.?/usr/src/[^/]+/dkms\.conf$')
_CHUNK = 1 << 20


class Package(namedtuple('Package', 'name version release kernel modules builds sha256')):
    """A package file.

    :param release: manifest.UBUNTU or manifest.CENTOS
    :param kernel: the kernel that its modules are for; manifest.ANY_KERNEL when it has none
    :param modules: those of EIPOIB_MODULES that it brings, in the order in which they load
    :param builds: whether it has sources that DKMS builds for the kernel at hand
    """

    __slots__ = ()


def read(path):
    # type: (str) -> Package
    """What the file ``path`` is.

    :raises InputError: when it is no whole package that a node or the discovery image could use
    :raises ApplyError: when this machine has no tool for such packages
    """
    release = release_of(path)
    if os.path.exists(fs_path(path)) and not os.path.isfile(fs_path(path)):  # a named pipe would hold us for ever
        raise InputError(_WHAT, path, 'it is not a regular file', 'give the path of a package file')
    try:
        sha256 = checksum(path)
        name, version, architecture, files = _READERS[release](path)
    except EnvironmentError as error:
        raise InputError(_WHAT, path, error.strerror, 'give the path of a package file')
    except tools.Refused as error:
        raise InputError(_WHAT, path, 'it is no whole package: {0}'.format(error.why), 'download it again')
    if architecture not in ARCHITECTURES[release]:
        raise InputError(_WHAT, path, 'it is for {0}, Fuel\'s nodes are {1}'.format(
            architecture, ARCHITECTURES[release][0]), 'take the package of that architecture')
    found = [match.groups() for match in map(_OF_KERNEL.match, files) if match]
    kernels = sorted(set(kernel for kernel, _ in found))
    if len(kernels) > 1:
        raise InputError(_WHAT, path, 'it has modules for several kernels: {0}'.format(', '.join(kernels)),
                         'take, or build, a package for each')
    brought = set(module.replace('-', '_') for _, module in found)
    return Package(name, version, release, kernels[0] if kernels else ANY_KERNEL,
                   tuple(module for module in EIPOIB_MODULES if module in brought),
                   any(_DKMS.match(path) for path in files), sha256)


def release_of(path):
    # type: (str) -> str
    """What a package file is for, which its name tells.

    :raises InputError: when the name is not that of a package
    """
    rule = schema()['properties']['packages']['items']['properties']['file']
    name = os.path.basename(path)
    if not re.match(rule['pattern'] + '\\Z', name):
        raise InputError(_WHAT, path, 'expected {0}'.format(rule['description']), 'give the path of a package file')
    return UBUNTU if name.endswith(SUFFIXES[UBUNTU]) else CENTOS


def checksum(path):
    # type: (str) -> str
    """The sha256 of a file.

    :raises EnvironmentError: when it cannot be read
    """
    digest = hashlib.sha256()
    with io.open(fs_path(path), 'rb') as stream:
        for chunk in iter(lambda: stream.read(_CHUNK), b''):
            digest.update(chunk)
    return digest.hexdigest()


def _read_deb(path):
    # With one field dpkg-deb prints the value alone, with several their names too.
    name, version, architecture = [
        tools.run(['dpkg-deb', '--field', path, field]).strip() for field in ('Package', 'Version', 'Architecture')]
    # As tar lists them: mode, owner, size, date, time, path, and for a link " -> target".
    listed = [line.split(None, 5) for line in tools.run(['dpkg-deb', '--contents', path]).splitlines()]
    return name, version, architecture, [words[5].partition(' -> ')[0] for words in listed if len(words) == 6]


def _read_rpm(path):
    tools.run(['rpm', '--checksig', '--nosignature', path])  # its digests; nobody on the master has Mellanox's key
    lines = tools.run(['rpm', '-qp', '--nosignature', '--queryformat',
                    '%{NAME}\\n%{VERSION}-%{RELEASE}\\n%{ARCH}\\n[%{FILENAMES}\\n]', path]).splitlines()
    return lines[0], lines[1], lines[2], lines[3:]


_READERS = {UBUNTU: _read_deb, CENTOS: _read_rpm}
