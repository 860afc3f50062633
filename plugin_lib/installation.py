# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The plugin on the Fuel master: what there is of it beside the files of its rpm.

Package 4.0.0's scripts do this; 2.0.0 has none, and the operator runs ``setup`` and ``setup --remove``.
"""
from __future__ import absolute_import, print_function, unicode_literals

import glob
import os

from plugin_lib import version
from plugin_lib.effect import files
from plugin_lib.errors import ApplyError

PLUGIN = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
REPOSITORIES = os.path.join(PLUGIN, 'repositories')
LINK = '/usr/bin/fuel-infiniband'
_NEW_LINK = '/usr/bin/.fuel-infiniband.new'
_PROGRAM = 'fuel-infiniband'

_NEXT = '''next: fuel-infiniband drivers add FILE...            the MLNX_OFED packages of your nodes
      fuel-infiniband bootstrap build --activate     the discovery image that finds nodes over InfiniBand
'''


def set_up():
    # type: () -> str
    """Put the command on the master's path, and the operator's driver packages into the index again.

    They come from the previous version of the plugin where this one has none yet.

    :returns: what was done, and what comes next
    :raises InfinibandError: when this is no master, or it refuses
    """
    from plugin_lib.driver_repository import manifest, store
    store.require(REPOSITORIES)
    _link(_programs())
    if not manifest.read(REPOSITORIES):
        for folder in reversed(_others()):
            repositories = os.path.join(folder, 'repositories')
            entries = store.here(repositories, manifest.read(repositories))
            if entries:
                store.add(REPOSITORIES, [os.path.join(repositories, entry.path) for entry in entries])
                break
    count = store.refresh(REPOSITORIES)
    return 'fuel-infiniband {0} is installed: {1}, {2} driver packages\n{3}'.format(version(), LINK, count, _NEXT)


def take_down(say):
    # type: (object) -> None
    """Undo whatever this plugin did on the master, but for the files of its rpm.

    The discovery image stays while another version of the plugin does.

    :param say: called with a line about what is done, and about what is left and why
    :raises InfinibandError: when this is no master, or it refuses
    """
    from plugin_lib import bootstrap_image
    from plugin_lib.driver_repository import store
    store.require(REPOSITORIES)
    others = _others()
    master = bootstrap_image.this_master()
    if not others and os.path.isdir(master.state()):  # without it nothing was ever built
        bootstrap_image.restore(master, say)
    for name in store.clear(REPOSITORIES):
        say('left alone: {0}, which "drivers add" has not brought'.format(os.path.join(REPOSITORIES, name)))
    _link([os.path.join(folder, _PROGRAM) for folder in others])


def _others():
    """The folders of the other versions of the plugin that are installed beside this one, the newest last."""
    name = os.path.basename(PLUGIN).rpartition('-')[0]
    found = glob.glob(os.path.join(os.path.dirname(PLUGIN), name + '-*', _PROGRAM))
    return sorted((os.path.dirname(path) for path in found if os.path.dirname(path) != PLUGIN), key=_numbers)


def _programs():
    return [os.path.join(folder, _PROGRAM) for folder in sorted(_others() + [PLUGIN], key=_numbers)]


def _numbers(folder):
    return [int(part) for part in folder.rpartition('-')[2].split('.') if part.isdigit()]


def _link(programs):
    """Have the link lead to the newest of ``programs``; without any it goes."""
    try:
        target = os.readlink(LINK) if os.path.lexists(LINK) else None
    except EnvironmentError:
        target = LINK  # a file
    if target is not None and target not in programs and target != os.path.join(PLUGIN, _PROGRAM):
        raise ApplyError('cannot put the command on the path', LINK, 'something else is there: {0}'.format(target),
                         'move it away')
    try:
        files.remove(_NEW_LINK)  # of a run that was killed
        if not programs:
            if target is not None:
                os.unlink(LINK)
        elif target != programs[-1]:
            os.symlink(programs[-1], _NEW_LINK)
            os.rename(_NEW_LINK, LINK)
    except EnvironmentError as error:
        raise ApplyError('cannot put the command on the path', LINK, error.strerror, 'run it as root')
