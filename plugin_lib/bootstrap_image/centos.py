# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The discovery image of Fuel 6.1 and 7.0, made from the one that came with Fuel."""
from __future__ import absolute_import, print_function, unicode_literals

import os
import shutil
import stat

from plugin_lib import version
from plugin_lib.bootstrap_image import cpio, initramfs, overlay, packages
from plugin_lib.driver_repository import manifest
from plugin_lib.effect import files
from plugin_lib.errors import InfinibandError
from plugin_lib.planning import discovery_image

RC_LOCAL = ('etc/rc.d/rc.local', 'etc/rc.local')
_HOME = 'usr/lib/fuel-infiniband/'


def foresee(master):
    # type: (object) -> list
    """What :func:`make` would change in the image, a line each."""
    found = ['remove {0}'.format(name) for name in discovery_image.REMOVED]
    found += ['add {0}'.format(entry.name) for entry in overlay.entries(master.plugin, 'centos', version())]
    found += ['add eipoibd, from {0}'.format(packages.node_package(master.plugin)), 'change {0}'.format(RC_LOCAL[0])]
    return found + ['add {0}, for kernel {1}'.format(entry.file, entry.kernel)
                    for entry in packages.drivers(master.plugin, manifest.CENTOS)]


def make(master, base, target, say):
    # type: (object, str, str, object) -> None
    """Make the image ``target`` from ``base``.

    :param master: Master
    :param say: called with a line about each step
    :raises InfinibandError: when anything is missing, broken or fails; ``target`` is then not there
    """
    say('reading {0}'.format(base))
    contents = initramfs.survey(base, RC_LOCAL)
    added = _program(master, contents) + overlay.entries(master.plugin, 'centos', version())
    added.append(_rc_local(base, contents))
    drivers = _drivers(master, base, contents, say)
    size = sum(len(entry.data) for entry in added + drivers)
    folder = os.path.dirname(target)
    master.need({folder: os.path.getsize(base) + contents.module_bytes + 2 * size + (16 << 20)})
    scratch, part = os.path.join(folder, 'modules'), target + '.part'
    _forget(scratch, part)  # of a run that was killed
    try:
        added += drivers + _lists(base, drivers, scratch, contents, say)
        say('packing {0} files into {1}'.format(len(contents.names) + len(added), target))
        initramfs.repack(base, added, discovery_image.REMOVED, part, _Percent(contents.size, say))
        say('reading it back')
        missing = set(entry.name for entry in added) - set(initramfs.survey(part).names)
        if missing:
            raise InfinibandError('the new image is not whole', part,
                                  'it lacks {0}'.format(', '.join(sorted(missing)[:5])), 'build it again')
        os.rename(part, target)
    finally:
        _forget(scratch, part)


def _forget(scratch, part):
    shutil.rmtree(scratch, ignore_errors=True)
    files.remove(part)


class _Percent(object):
    """Says how much is done, in steps of a fifth."""

    def __init__(self, total, say):
        self._total, self._say, self._last = max(total, 1), say, 0

    def __call__(self, done):
        fifths = 5 * done // self._total
        if fifths > self._last:
            self._last = fifths
            self._say('  {0} %'.format(20 * fifths))


def _program(master, contents):
    """eipoibd, with the link that it starts through."""
    python = next((name for name in initramfs.PYTHONS if name in contents.names), None)
    if python is None:
        raise InfinibandError('eipoibd cannot run in this image', ', '.join(initramfs.PYTHONS),
                              'there is none of them in it', 'use the image that came with Fuel')
    link = cpio.new(_HOME + 'python', stat.S_IFLNK | 0o777, ('/' + python).encode('ascii'))
    return packages.program(packages.node_package(master.plugin)) + [link]


def _rc_local(base, contents):
    """rc.local, which waits for eipoibd."""
    name = next((name for name in RC_LOCAL if name in contents.texts), None)
    if name is None:
        raise InfinibandError('this is no discovery image of Fuel', '{0} -> {1}'.format(base, RC_LOCAL[0]),
                              'there is no such file in it', 'put back the image that came with Fuel')
    text = discovery_image.rc_local(contents.texts[name].decode('utf-8', 'replace'),
                                    (discovery_image.START, discovery_image.WAIT))
    return cpio.new(name, contents.names[name], text.encode('utf-8'))


def _drivers(master, base, contents, say):
    """The Entries of the operator's driver packages for the image's kernel."""
    offered = packages.drivers(master.plugin, manifest.CENTOS)
    fitting = [entry for entry in offered if entry.kernel in [manifest.ANY_KERNEL] + contents.releases]
    if offered and not fitting:
        raise InfinibandError('no driver package is for the kernel of the image', base, 'it has {0}, they are for '
                              '{1}'.format(', '.join(contents.releases), ', '.join(entry.kernel for entry in offered)),
                              'run: fuel-infiniband drivers add FILE...')
    found = []
    for entry in fitting:
        say('adding {0}'.format(entry.file))
        path = os.path.join(master.plugin, 'repositories', entry.path)
        found += [initramfs.moved(file, contents.modules) for file in packages.rpm_entries(path)]
    if not any(os.path.basename(entry.name).startswith('eth_ipoib.ko') for entry in found):
        say(packages.WITHOUT_EIPOIB)
    return found


def _lists(base, drivers, scratch, contents, say):
    """depmod's lists for the image's modules with the packages' ones."""
    if not contents.releases:
        raise InfinibandError('this is no discovery image of Fuel', base, 'it has no kernel modules',
                              'put back the image that came with Fuel')
    say('finding out what the modules depend on')
    initramfs.unpack_modules(initramfs.entries(base), scratch)
    initramfs.unpack_modules(drivers, scratch)
    return [entry for release in contents.releases
            for entry in initramfs.run_depmod(scratch, release, contents.modules)]
