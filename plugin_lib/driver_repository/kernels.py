# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The kernels that driver packages are needed for, as far as the master knows them."""
from __future__ import absolute_import, print_function, unicode_literals

import io
import os
import struct

from plugin_lib._compat import to_text
from plugin_lib.driver_repository.manifest import CENTOS, UBUNTU

# The kernel of the discovery image that nodes boot: 8.0 and later, and 6.1 and 7.0.
IMAGES = ((UBUNTU, '/var/www/nailgun/bootstraps/active_bootstrap/vmlinuz'),
          (CENTOS, '/var/www/nailgun/bootstrap/linux'))

# Documentation/x86/boot.rst: "HdrS" at 0x202; kernel_version at 0x20e, less 0x200.
_MAGIC, _MAGIC_AT, _POINTER_AT, _BASE = b'HdrS', 0x202, 0x20e, 0x200
_READ = 0x8000  # the boot sector and the setup code, which the text is in


def known(named, root='/'):
    # type: (list, str) -> dict
    """{(release, kernel): what runs it}.

    :param named: kernels that the operator names, as ``uname -r`` says them
    """
    found = dict(((CENTOS if '.el6' in kernel else UBUNTU, kernel), 'named') for kernel in named)
    for release, path in IMAGES:
        kernel = release_of(os.path.join(root, path.lstrip('/')))
        if kernel:
            found[release, kernel] = 'the discovery image'
    return found


def release_of(path):
    # type: (str) -> str
    """What ``uname -r`` says where the bzImage ``path`` is booted; None when it cannot be told."""
    try:
        with io.open(path, 'rb') as stream:
            head = stream.read(_READ)
    except EnvironmentError:
        return None
    if head[_MAGIC_AT:_MAGIC_AT + len(_MAGIC)] != _MAGIC:
        return None
    start = struct.unpack_from(str('<H'), head, _POINTER_AT)[0] + _BASE
    words = to_text(head[start:head.find(b'\0', start)]).split()
    return words[0] if words else None
