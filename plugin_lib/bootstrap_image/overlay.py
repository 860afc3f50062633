# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What is laid over a discovery image: the files of bootstrap/, and modprobe's configuration."""
from __future__ import absolute_import, print_function, unicode_literals

import io
import os
import stat

from plugin_lib.bootstrap_image import cpio
from plugin_lib.effect import files
from plugin_lib.errors import InfinibandError
from plugin_lib.planning import discovery_image, modprobe

# In any image, what says that it is ours; the text is the version of the plugin.
MARKER = 'etc/fuel-infiniband/image'
# bootstrap/customize runs it first: fuel-bootstrap takes only one script.
CONFIGURED_SCRIPT = 'usr/lib/fuel-infiniband/configured-script'
# How modprobe is configured in each kind of image, and the folders of bootstrap/ that are for it.
_KINDS = {'centos': (modprobe.INSTALL, ('common', 'centos')), 'ubuntu': (modprobe.SOFTDEP, ('common',))}


def entries(plugin, kind, version):
    # type: (str, str, str) -> list
    """The overlay as Entries of regular files.

    :param plugin: the plugin's folder, which has bootstrap/
    :param kind: ``centos`` or ``ubuntu``
    :raises InfinibandError: when bootstrap/ cannot be read
    """
    form, parts = _KINDS[kind]
    found = [_file(discovery_image.MODPROBE_FILE, modprobe.text(discovery_image.QUEUE_SIZE, form)),
             _file(discovery_image.GATE, ''), _file(MARKER, version + '\n')]
    for part in parts:
        found += _folder(os.path.join(plugin, 'bootstrap', part))
    return found


def write(plugin, kind, version, folder, script):
    # type: (str, str, str, str, str) -> None
    """Write the overlay into an empty folder.

    :param script: path of the script that fuel-bootstrap's configuration names, None without one
    :raises InfinibandError: when that, or bootstrap/, cannot be read
    """
    found = entries(plugin, kind, version)
    try:
        if script:
            with io.open(script, 'rb') as stream:
                found.append(cpio.new(CONFIGURED_SCRIPT, stat.S_IFREG | 0o755, stream.read()))
        for entry in found:
            with files.replacing(os.path.join(folder, entry.name), stat.S_IMODE(entry.mode)) as descriptor:
                files.write_all(descriptor, entry.data)
    except EnvironmentError as error:
        raise InfinibandError('cannot make the overlay of the image', error.filename or folder, error.strerror,
                              'correct post_script_file in the configuration of fuel-bootstrap' if error.filename ==
                              script else 'run it as root')


def _file(name, text):
    return cpio.new(name, stat.S_IFREG | 0o644, text.encode('utf-8'))


def _folder(top):
    def refuse(error):
        raise InfinibandError('the plugin is not whole', error.filename, error.strerror, 'install the plugin again')

    found = []
    for folder, _, names in os.walk(top, onerror=refuse):
        for name in sorted(names):
            path = os.path.join(folder, name)
            mode = stat.S_IFREG | os.stat(path).st_mode & 0o755
            with io.open(path, 'rb') as stream:
                found.append(cpio.new(os.path.relpath(path, top), mode, stream.read()))
    return found
