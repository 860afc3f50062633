# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Fuel 6.1 and 7.0: the one discovery image is replaced by ours, and the original kept beside what we build."""
from __future__ import absolute_import, print_function, unicode_literals

import io
import os

from plugin_lib.bootstrap_image import centos, initramfs, overlay
from plugin_lib.bootstrap_image.master import Status, found_program
from plugin_lib.driver_repository.package import checksum
from plugin_lib.effect import commands, files
from plugin_lib.errors import InfinibandError

IMAGE = '/var/www/nailgun/bootstrap/initramfs.img'
ORIGINAL, CHECKSUM, BUILT = 'original.img', 'original.img.sha256', 'initramfs.img'
# cobbler boots nodes from copies of its own; Fuel 6.1 and 7.0 have it in a container.
_SYNCS = (['dockerctl', 'shell', 'cobbler', 'cobbler', 'sync'], ['cobbler', 'sync'])
_TODO = 'put the image that came with Fuel there, and build again'


def foresee(master):
    # type: (object) -> list
    """What :func:`build` would do, a line each."""
    image = _image(master)
    return ['make {0} of {1}'.format(master.state(BUILT), master.state(ORIGINAL) if _is_ours(image) else image)
            ] + centos.foresee(master)


def build(master, say):
    # type: (object, object) -> str
    """Make our image, from the one that came with Fuel; returns its path.

    :param say: called with a line about each step
    :raises InfinibandError: the active image is then as it was
    """
    image = _image(master)
    say('reading {0}'.format(image))
    if _is_ours(image):
        base = _original(master)
    else:
        base = _keep(master, image, say)
    centos.make(master, base, master.state(BUILT), say)
    return master.state(BUILT)


def activate(master, built, say):
    # type: (object, str, object) -> None
    """Have nodes boot the image ``built``.

    :raises InfinibandError: when it cannot be put there, or cobbler does not take it
    """
    _replace(master, built, say)


def restore(master, say):
    # type: (object, object) -> None
    """Put back the image that was there before ours, and remove what we keep."""
    image = master.path(IMAGE)
    if _must_go(master):
        _replace(master, _original(master), say)
    elif os.path.exists(master.state(ORIGINAL)):
        _sync(say)  # a run that was killed may have come no further than to the image
    files.sweep(image)
    say('{0} is not ours'.format(image))


def status(master):
    # type: (object) -> Status
    """Which image nodes boot."""
    image = _image(master)
    kept, built = master.state(ORIGINAL), master.state(BUILT)
    return Status(image, _is_ours(image), kept if os.path.exists(kept) else None,
                  [built] if os.path.exists(built) else [])


def _image(master):
    path = master.path(IMAGE)
    if not os.path.isfile(path):
        raise InfinibandError('there is no discovery image', path, 'no such file', _TODO)
    return path


def _is_ours(path):
    return overlay.MARKER in initramfs.survey(path).names


def _must_go(master):
    """Whether the active image is ours, or none at all while we have the original."""
    try:
        return _is_ours(_image(master))
    except InfinibandError:
        if not os.path.exists(master.state(ORIGINAL)):
            raise
        return True


def _keep(master, image, say):
    """Path of a copy of the image that came with Fuel."""
    kept, now = master.state(ORIGINAL), checksum(image)
    if not os.path.exists(kept) or checksum(kept) != now:
        master.need({os.path.dirname(kept): os.path.getsize(image)})
        say('keeping it as {0}'.format(kept))
        files.copy_atomically(image, kept, 0o600)
    files.write_atomically(master.state(CHECKSUM), now + '\n', 0o600)
    return kept


def _original(master):
    path = master.state(ORIGINAL)
    try:
        with io.open(master.state(CHECKSUM), encoding='ascii') as stream:
            expected = stream.read().strip()
        found = checksum(path)
    except (EnvironmentError, ValueError) as error:
        raise InfinibandError('the original discovery image is not here any more', path, str(error), _TODO)
    if found != expected:
        raise InfinibandError('the copy of the original discovery image is damaged', path,
                              'its sha256 is {0} instead of {1}'.format(found, expected), _TODO)
    return path


def _replace(master, source, say):
    image = master.path(IMAGE)
    master.need({os.path.dirname(image): os.path.getsize(source)})
    say('copying {0} to {1}'.format(source, image))
    files.copy_atomically(source, image, 0o644)
    _sync(say)


def _sync(say):
    argv = next((argv for argv in _SYNCS if found_program(argv[0])), None)
    if argv is None:
        raise InfinibandError('cobbler still boots nodes from its copy of the image before', 'dockerctl, cobbler',
                              'neither is here', 'run this on the Fuel master; or run: cobbler sync')
    say('telling cobbler: {0}'.format(' '.join(argv)))
    commands.run(argv, 'run it again when cobbler works')
