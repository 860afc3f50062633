# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Which interfaces have an IPv4 address: what carries one is not put into a bridge, or the node would be cut off.

IPv6 does not count: eth_ipoib passes none.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import fcntl
import socket
import struct

SIOCGIFADDR = 0x8915  # linux/sockios.h; struct ifreq of linux/if.h
_IFREQ = struct.Struct(str('=16s24x'))


def read(names):
    # type: (object) -> frozenset
    """Those of the interfaces ``names`` that have an IPv4 address; one that is gone has none.  EnvironmentError."""
    connection = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        return frozenset(name for name in names if _has_address(connection, name))
    finally:
        connection.close()


def _has_address(connection, name):
    try:
        fcntl.ioctl(connection.fileno(), SIOCGIFADDR, _IFREQ.pack(name.encode('ascii')))
    except EnvironmentError as error:
        if error.errno in (errno.EADDRNOTAVAIL, errno.ENODEV):
            return False
        raise
    return True
