# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The discovery image on the Fuel master: build, activate, restore.

There are two kinds: the one of Fuel 6.1 and 7.0 is an initramfs of CentOS 6 that we change (centos, centos_images);
from 8.0 on fuel-bootstrap builds as many as one likes of Ubuntu 14.04 (ubuntu_images, fuel_bootstrap). Both get eipoibd
and the overlay of the folder bootstrap/. The active image stays as it is until a new one is whole.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import os
import shutil


def this_master():
    # type: () -> object
    """The Master that this is, with the plugin that this code belongs to."""
    from plugin_lib import installation
    from plugin_lib.bootstrap_image.master import Master
    return Master('/', installation.PLUGIN)


def foresee(master):
    # type: (object) -> list
    """What :func:`build` would do, a line each; changes nothing."""
    return _kind(master).foresee(master)


def build(master, activate, say):
    # type: (object, bool, object) -> None
    """Build our image.

    :param activate: whether nodes are to boot it
    :param say: called with a line about each step
    :raises InfinibandError: what cannot be done; the active image is then as it was
    """
    kind = _kind(master)
    with master.at_work():
        built = kind.build(master, say)
        if activate:
            kind.activate(master, built, say)
    say('active: {0}'.format(kind.status(master).active))
    if activate:
        say('nodes that are discovered already boot it after: fuel-infiniband bootstrap restart-nodes')
    else:
        say('nodes boot it after: fuel-infiniband bootstrap build --activate')


def restore(master, say):
    # type: (object, object) -> None
    """Put back the image that was active before ours, and remove all that is ours.

    :raises InfinibandError: when it is not there any more, or not activated
    """
    kind = _kind(master)
    if not os.path.isdir(master.state()) and not _anything(kind.status(master)):
        say('no image of ours is here')
        return
    with master.at_work():
        kind.restore(master, say)
        shutil.rmtree(master.state())
        try:
            os.rmdir(os.path.dirname(master.state()))
        except EnvironmentError as error:
            if error.errno != errno.ENOTEMPTY:  # what others keep there
                raise
    say('active: {0}'.format(kind.status(master).active))


def status(master):
    # type: (object) -> object
    """The Status of the master's images."""
    return _kind(master).status(master)


def _anything(found):
    return found.is_ours or found.built


def _kind(master):
    from plugin_lib.bootstrap_image.master import CENTOS
    if master.release() in CENTOS:
        from plugin_lib.bootstrap_image import centos_images as kind
    else:
        from plugin_lib.bootstrap_image import ubuntu_images as kind
    return kind
