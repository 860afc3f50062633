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
    present = built_in.intersection(EIPOIB_MODULES) | loaded(root, EIPOIB_MODULES)
    return Modules(release, present, present.union(name for name in EIPOIB_MODULES if name in loadable))


def loaded(root, names):
    # type: (str, tuple) -> frozenset
    """Those of the modules ``names`` that are loaded, or built in and have parameters."""
    return frozenset(os.path.basename(path) for path in files.names(root, '/sys/module')).intersection(names)


def _named(lines):
    """Names of the modules in one of depmod's lists."""
    paths = (line.partition(':')[0].strip() for line in (lines or '').splitlines())
    return frozenset(os.path.basename(path).partition('.')[0].replace('-', '_') for path in paths)
