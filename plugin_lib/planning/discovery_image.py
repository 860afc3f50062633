# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What a discovery image needs beside the overlay in bootstrap/: pure text, the same for both kinds of image."""
from __future__ import absolute_import, print_function, unicode_literals

import re

MODPROBE_FILE = 'etc/modprobe.d/fuel-infiniband.conf'
# Fuel's own images come with the file; eipoibd.conf of the overlay names it.
GATE = 'etc/nailgun-agent/nodiscover'
# 128 children of 32 entries take up to 280 MB; the image lives in memory itself.
QUEUE_SIZE = 32
# Files of Fuel's images that go. mlnx4_core.conf forces Ethernet. The others have queues and chains of the same
# modules: of two install lines for one module, one is lost. eth_ipoib.conf starts a script that does eipoibd's work.
REMOVED = tuple('etc/modprobe.d/{0}.conf'.format(name) for name in ('mlnx4_core', 'libmlx4', 'eth_ipoib', 'ipoib'))

WAIT = '/usr/lib/fuel-infiniband/discovery-gate || true'
START = '/usr/lib/fuel-infiniband/start-eipoibd || true'

_OPENS = re.compile(r'^[^#]*\brm\b.*nodiscover')
_REPORTS = re.compile(r'^[^#]*nailgun(/bin/|-)agent')
_ENDS = re.compile(r'^\s*exit\b')


def rc_local(text, lines):
    # type: (str, tuple) -> str
    """rc.local with our lines in it instead of what opens the agent's gate.

    They come where that was, or before the agent is run, or at the end. Text that has them stays as it is.
    """
    old = text.splitlines()
    place = next((number for number, line in enumerate(old)
                  if line in lines or any(pattern.match(line) for pattern in (_OPENS, _REPORTS, _ENDS))), len(old))
    behind = [line for line in old[place:] if line not in lines and not _OPENS.match(line)]
    return '\n'.join(old[:place] + list(lines) + behind) + '\n'
