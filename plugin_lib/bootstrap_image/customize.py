# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What bootstrap/customize does in the discovery image of Fuel 8.0 and later, while it is built."""
from __future__ import absolute_import, print_function, unicode_literals

import io
import os

from plugin_lib.effect import files
from plugin_lib.errors import EXIT_OK, InfinibandError
from plugin_lib.planning import discovery_image
from plugin_lib.program import status_of

RC_LOCAL = '/etc/rc.local'
JOB = '/etc/init/eipoibd.conf'


def main(root='/'):
    # type: (str) -> int
    """Change the image below ``root``; returns the exit status."""
    return status_of(lambda: _customize(root))


def _customize(root):
    rc_local = os.path.join(root, RC_LOCAL.lstrip('/'))
    if not os.path.exists(os.path.join(root, JOB.lstrip('/'))):
        raise InfinibandError('nothing would start eipoibd in this image', JOB, 'no such file',
                              'build the image with upstart: Ubuntu 14.04')
    try:
        with io.open(rc_local, encoding='utf-8') as stream:
            text = stream.read()
        files.write_atomically(rc_local, discovery_image.rc_local(text, (discovery_image.WAIT,)), 0o755)
        for name in discovery_image.REMOVED:
            files.remove(os.path.join(root, name))
    except (EnvironmentError, ValueError) as error:
        raise InfinibandError('cannot change the discovery image', rc_local, str(error),
                              'keep Fuel\'s own overlay in extra_dirs of the configuration of fuel-bootstrap')
    return EXIT_OK
