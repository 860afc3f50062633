# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""gzip'd files: writing one that has the same bytes every time, and what reading one raises that is not whole."""
from __future__ import absolute_import, print_function, unicode_literals

import struct
import zlib

# The last two are of Python 2.7, where it ends within the header or the checksum.
BROKEN = (EnvironmentError, EOFError, zlib.error, TypeError, struct.error)

_LEVEL = 6
_GZIP = 16 + zlib.MAX_WBITS  # zlib.h: gzip's header, without name and time, instead of zlib's


class Writer(object):
    """Packs what is written to it; unlike GzipFile it puts no time into the file on any Python.

    :param stream: where it goes; it stays open
    """

    def __init__(self, stream):
        # type: (object) -> None
        self._stream = stream
        self._packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)

    def write(self, data):
        # type: (bytes) -> None
        """Pack ``data``."""
        self._stream.write(self._packer.compress(data))

    def close(self):
        # type: () -> None
        """Write what is left."""
        self._stream.write(self._packer.flush())
