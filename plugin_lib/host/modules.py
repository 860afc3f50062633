# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Reads which kernel modules the running kernel has loaded and which it could load."""
from __future__ import absolute_import, print_function, unicode_literals

import os

from plugin_lib.host import files
from plugin_lib.host.state import EIPOIB_MODULES, Modules


def read(root='/'):
    # type: (str) -> Modules
    """The Modules of the machine below ``root``.

    /proc/sys/kernel/osrelease is uname -r; modules.dep and modules.builtin are
    depmod's, and name a module by its file: ``kernel/drivers/.../mlx4_core.ko.xz``.

    :raises InputError: when one of the files cannot be read
    """
    release = (files.read(root, '/proc/sys/kernel/osrelease') or '').strip()
    folder = '/lib/modules/{0}'.format(release)
    built_in = _named(files.read(root, folder + '/modules.builtin'))
    loadable = _named(files.read(root, folder + '/modules.dep'))
    loaded = frozenset(name for name in EIPOIB_MODULES if name in built_in or os.path.exists(
        os.path.join(root, 'sys/module', name)))
    return Modules(release, loaded, loaded.union(name for name in EIPOIB_MODULES if name in loadable))


def _named(lines):
    """Names of the modules in one of depmod's lists."""
    paths = (line.partition(':')[0].strip() for line in (lines or '').splitlines())
    return frozenset(os.path.basename(path).partition('.')[0].replace('-', '_') for path in paths)
