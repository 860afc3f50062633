# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Fuel 8.0 to 9.2: our discovery image is one more of those that fuel-bootstrap builds, and can be activated."""
from __future__ import absolute_import, print_function, unicode_literals

import glob
import io
import json
import os
import shutil
import tarfile
from contextlib import closing

from plugin_lib import version
from plugin_lib.bootstrap_image import gzipped, overlay, packages
from plugin_lib.bootstrap_image.fuel_bootstrap import PROGRAM, FuelBootstrap, Image
from plugin_lib.bootstrap_image.master import Status, found_program
from plugin_lib.driver_repository import kernels, manifest
from plugin_lib.driver_repository.index import NODE_PACKAGE
from plugin_lib.effect import files
from plugin_lib.errors import InfinibandError

LABEL = 'fuel-infiniband'
PREVIOUS = 'previous.json'
# What fuel-bootstrap of 8.0 calls the image that it does not have itself.
_CENTOS = Image('centos', 'the old image of CentOS')
_FILES = ('metadata.yaml', 'vmlinuz', 'initrd.img', 'root.squashfs')
# What a build takes: a root file system with its packages, and the archive of some 350 MB twice.
_BUILD_BYTES, _IMAGE_BYTES = 2 << 30, 1 << 29
_SEE = 'see /var/log/fuel-bootstrap-image-build.log; the active image is as it was'


def foresee(master):
    # type: (object) -> list
    """What :func:`build` would do, a line each."""
    found = ['lay over it: /{0}'.format(entry.name)
             for entry in overlay.entries(master.plugin, 'ubuntu', version())]
    return found + ['run: {0} {1}'.format(PROGRAM, ' '.join(_arguments(master, FuelBootstrap(master))))]


def build(master, say):
    # type: (object, object) -> str
    """Build an image of ours and give it to fuel-bootstrap; returns its uuid.

    :param say: called with a line about each step
    :raises InfinibandError: the active image is then as it was
    """
    tool = FuelBootstrap(master)
    if not found_program(PROGRAM):
        raise InfinibandError('cannot build a discovery image', PROGRAM, 'there is no such program',
                              'run this on the Fuel master; install fuel-bootstrap-cli')
    words = _arguments(master, tool)
    output = master.state('output')
    master.need({tool.build_folder: _BUILD_BYTES, output: _IMAGE_BYTES, tool.folder: _IMAGE_BYTES})
    for name in ('output', 'overlay'):
        shutil.rmtree(master.state(name), ignore_errors=True)  # of a run that was killed
        files.make_folder(master.state(name))
    overlay.write(master.plugin, 'ubuntu', version(), master.state('overlay'), tool.script)
    say('running {0} {1}; this takes 15 to 20 minutes'.format(PROGRAM, ' '.join(words)))
    tool.run(words, say, _SEE)
    uuid, archive = _archive(output)
    say('importing image {0}'.format(uuid))
    tool.run(['import', archive], say, _SEE)
    if uuid not in [image.uuid for image in tool.images()]:
        raise InfinibandError('the new image is not there', os.path.join(tool.folder, uuid),
                              'fuel-bootstrap import succeeded', _SEE)
    for name in ('output', 'overlay'):
        shutil.rmtree(master.state(name), ignore_errors=True)
    _delete(tool, [uuid], say)
    _look_at_drivers(packages.drivers(master.plugin, manifest.UBUNTU), os.path.join(tool.folder, uuid, 'vmlinuz'), say)
    return uuid


def activate(master, built, say):
    # type: (object, str, object) -> None
    """Have nodes boot the image with the uuid ``built``.

    :raises InfinibandError: when fuel-bootstrap does not; the image before is then active again
    """
    tool = FuelBootstrap(master)
    before = tool.active()
    # Without an active image nodes boot the old one of CentOS, or a run was killed while fuel-bootstrap was at it.
    if before is None and not os.path.exists(master.state(PREVIOUS)):
        _note(master, _CENTOS)
    elif before is not None and not _is_ours(before):
        _note(master, before)
    try:
        _activate(tool, built, say)
    except InfinibandError:
        if before is not None:
            _activate(tool, before.uuid, say)
        raise
    _delete(tool, [built], say)


def restore(master, say):
    # type: (object, object) -> None
    """Activate the image that was active before ours, and delete ours."""
    tool = FuelBootstrap(master)
    active = tool.active()
    if active is not None and _is_ours(active):
        _activate(tool, _previous(master, tool), say)
    _delete(tool, [], say)


def status(master):
    # type: (object) -> Status
    """Which images there are."""
    tool = FuelBootstrap(master)
    active, previous = tool.active(), _noted(master)
    return Status(_shown(active) if active else None, bool(active and _is_ours(active)),
                  _shown(previous) if previous else None,
                  [_shown(image) for image in tool.images() if _is_ours(image)])


def _arguments(master, tool):
    drivers = sorted(set(entry.name for entry in packages.drivers(master.plugin, manifest.UBUNTU)))
    packages.node_package(master.plugin)  # it is verified
    return tool.arguments(master.plugin, [NODE_PACKAGE] + drivers, master.state('overlay'),
                          os.path.join(master.plugin, 'bootstrap', 'customize'),
                          '{0} {1}'.format(LABEL, version()), master.state('output'))


def _look_at_drivers(offered, image, say):
    """Say what keeps the image from having eth_ipoib; DKMS may have built it of a package for any kernel."""
    kernel = kernels.release_of(image)
    if not offered:
        say(packages.WITHOUT_EIPOIB)
    elif kernel and not any(entry.kernel in (kernel, manifest.ANY_KERNEL) for entry in offered):
        say('no driver package is for the kernel of the image, {0}; see: fuel-infiniband drivers check'.format(kernel))


def _archive(folder):
    """(uuid, path) of the archive that was built, read to its end."""
    found = glob.glob(os.path.join(folder, '*.tar.gz'))
    if len(found) != 1:
        raise InfinibandError('fuel-bootstrap has built no image', folder, 'there are {0} archives'.format(len(found)),
                              _SEE)
    path = found[0]
    try:
        with closing(tarfile.open(path, 'r:gz')) as archive:
            names = set(os.path.basename(member.name) for member in archive)
    except (tarfile.TarError,) + gzipped.BROKEN as error:
        raise InfinibandError('the image that was built is not whole', path, str(error), _SEE)
    missing = [name for name in _FILES if name not in names]
    if missing:
        raise InfinibandError('the image that was built is not whole', path, 'it lacks {0}'.format(', '.join(missing)),
                              _SEE)
    return os.path.basename(path)[:-len('.tar.gz')], path


def _activate(tool, uuid, say):
    say('activating image {0}'.format(uuid))
    tool.run(['activate', uuid], say, 'see: fuel-bootstrap list')
    active = tool.active()
    if (active.uuid if active else _CENTOS.uuid) != uuid:
        raise InfinibandError('the image is not active', uuid, 'fuel-bootstrap activate succeeded',
                              'see: fuel-bootstrap list')


def _previous(master, tool):
    noted, there = _noted(master), [image.uuid for image in tool.images()]
    if noted is None or noted.uuid not in there + [_CENTOS.uuid]:
        raise InfinibandError(
            'the image that was active before is not there any more', noted.uuid if noted else master.state(PREVIOUS),
            'there are: {0}'.format(', '.join(there) or 'none'),
            'activate one yourself (fuel-bootstrap activate UUID), then run: fuel-infiniband bootstrap restore')
    return noted.uuid


def _note(master, image):
    files.write_atomically(master.state(PREVIOUS), json.dumps(dict(image._asdict())), 0o600)


def _noted(master):
    try:
        with io.open(master.state(PREVIOUS), encoding='utf-8') as stream:
            return Image(**json.load(stream))
    except (EnvironmentError, ValueError, TypeError, RuntimeError):  # the last: it is nested too deeply
        return None


def _delete(tool, kept, say):
    """Delete our images but for the active one and those that are kept."""
    active = tool.active()
    for image in tool.images():
        if _is_ours(image) and image != active and image.uuid not in kept:
            say('deleting image {0}'.format(_shown(image)))
            tool.run(['delete', image.uuid], say, 'see: fuel-bootstrap list')


def _is_ours(image):
    return image.label.split(' ')[0] == LABEL


def _shown(image):
    return '{0} ({1})'.format(image.uuid, image.label)
