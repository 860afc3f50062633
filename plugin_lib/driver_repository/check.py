# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Whether the repository has, whole and indexed, what each kernel needs for EIPOIB."""
from __future__ import absolute_import, print_function, unicode_literals

import os

from plugin_lib.driver_repository import index, manifest, package, store
from plugin_lib.errors import InputError
from plugin_lib.host.packages import KERNEL_FIELD
from plugin_lib.host.state import EIPOIB_MODULES
from plugin_lib.planning.checks import FAIL, OK, WARN, Finding

_ADD = 'fuel-infiniband drivers add FILE...'


def check(folder, kernels):
    # type: (str, dict) -> list
    """Findings about the repository.

    :param folder: the plugin's repositories/
    :param kernels: {(release, kernel): what runs it}, beside those that the manifest names
    :raises InfinibandError: when the manifest cannot be used, a tool is missing, or this is no master
    """
    store.require(folder)
    entries = manifest.read(folder)
    packages = dict((entry, _read(folder, entry)) for entry in entries)
    found = [_file(entry, packages[entry]) for entry in entries] + _indexed(folder, packages)
    found += [Finding(WARN, name, 'it is not in {0}: no node gets it'.format(manifest.FILE),
                      'fuel-infiniband drivers add {0}'.format(os.path.join(folder, name)))
              for name in store.strangers(folder, entries)]
    wanted = dict(((entry.release, entry.kernel), manifest.FILE) for entry in entries
                  if entry.kernel != manifest.ANY_KERNEL)
    wanted.update(kernels)
    whole = [item for item in packages.values() if isinstance(item, package.Package)]
    found += [_modules(release, kernel, wanted[release, kernel], whole) for release, kernel in sorted(wanted)]
    if not entries and not wanted:
        found.append(Finding(WARN, manifest.FILE, 'there are no driver packages: driver source "repository" installs '
                             'nothing, and the drivers of the operating system have no eth_ipoib', _ADD))
    return found


def _read(folder, entry):
    """The Package of an entry, or why there is none."""
    path = os.path.join(folder, entry.path)
    if not os.path.exists(path):
        return 'the file is awaited: it is in {0}, but not here'.format(manifest.FILE)
    try:
        read = package.read(path)
    except InputError as error:
        return error.why
    if read.sha256 != entry.sha256:
        return 'its sha256 is {0}, {1} says {2}'.format(read.sha256, manifest.FILE, entry.sha256)
    return read


def _file(entry, read):
    if isinstance(read, package.Package):
        return Finding(OK, entry.path, '{0} {1} for {2}, kernel {3}'.format(
            read.name, read.version, entry.release, entry.kernel), '')
    return Finding(FAIL, entry.path, read, _ADD)


def _indexed(folder, packages):
    """What the indexes lack: they come anew with an upgrade of the plugin."""
    apt = dict((name, (fields.get('SHA256'), fields.get(KERNEL_FIELD, manifest.ANY_KERNEL)))
               for name, fields in index.apt_packages(folder).items())
    yum = index.yum_checksums(folder)
    lacking = sorted(
        entry.path for entry, read in packages.items() if isinstance(read, package.Package) and not (
            entry.sha256 in yum if entry.release == manifest.CENTOS
            else apt.get(entry.file) == (entry.sha256, entry.kernel)))
    return [Finding(FAIL, 'index', 'it does not offer {0}'.format(', '.join(lacking)),
                    'fuel-infiniband setup')] if lacking else []


def _modules(release, kernel, runs, packages):
    """Whether the modules of the chain are there for a kernel, one way or the other."""
    subject = '{0} kernel {1} ({2})'.format(release, kernel, runs)
    brought = set(module for item in packages for module in item.modules
                  if (item.release, item.kernel) == (release, kernel))
    lacking = [module for module in EIPOIB_MODULES if module not in brought]
    if not lacking:
        return Finding(OK, subject, 'has {0}'.format(', '.join(EIPOIB_MODULES)), '')
    sources = sorted(item.name for item in packages if item.release == release and item.builds)
    if sources:
        return Finding(WARN, subject, 'no package has {0}: DKMS must build them of {1}'.format(
            ', '.join(lacking), ', '.join(sources)), 'see that compiler and headers of this kernel are there')
    return Finding(FAIL, subject, 'no package has {0}'.format(', '.join(lacking)),
                   'add the MLNX_OFED packages of this kernel: {0}'.format(_ADD))
