# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What reading a gzip'd file raises when it is not whole."""
from __future__ import absolute_import, print_function, unicode_literals

import struct
import zlib

# The last two are of Python 2.7, where it ends within the header or the checksum.
BROKEN = (EnvironmentError, EOFError, zlib.error, TypeError, struct.error)
