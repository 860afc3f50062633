# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Driver and bus of interfaces: ETHTOOL_GDRVINFO, what ``ethtool -i`` shows, without forking it."""
from __future__ import absolute_import, print_function, unicode_literals

import array
import errno
import fcntl
import os
import socket
import struct

from plugin_lib._compat import to_text

SIOCETHTOOL = 0x8946
ETHTOOL_GDRVINFO = 3

# struct ethtool_drvinfo of linux/ethtool.h: u32 cmd, then driver, version, fw_version, bus_info and erom_version of
# 32 bytes each, 12 reserved bytes and five u32: 196 bytes.
_DRVINFO_SIZE = 196
_DRIVER = slice(4, 36)
_BUS_INFO = slice(100, 132)
# struct ifreq of linux/if.h: the name and a union, of which SIOCETHTOOL uses a pointer. struct takes no unicode
# formats before Python 2.7.7.
_IFREQ = struct.Struct(str('16sP16x'))


class DrvInfo(object):
    """Asks for any number of interfaces through one socket and one buffer."""

    def __init__(self):
        # type: () -> None
        # Any family passes it on to the interface; this one also where the service may have no Internet sockets.
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._answer = array.array(str('B'), bytearray(_DRVINFO_SIZE))
        self._request = array.array(str('B'), struct.pack(str('=I'), ETHTOOL_GDRVINFO).ljust(_DRVINFO_SIZE, b'\0'))

    def read(self, name):
        # type: (str) -> tuple
        """``(driver, bus_info)`` of the interface, or ``(None, None)`` where its driver has no answer (loopback).

        :raises EnvironmentError: ENODEV for an interface that is not there (any more), or what else the kernel says
        """
        self._answer[:] = self._request
        try:
            ask(self._socket, name, self._answer)
        except EnvironmentError as error:
            if error.errno == errno.EOPNOTSUPP:
                return None, None
            raise
        answer = bytes(bytearray(self._answer))
        return _text(answer[_DRIVER]), _text(answer[_BUS_INFO])


def ask(connection, name, request):
    # type: (socket.socket, str, array.array) -> None
    """An ethtool command about an interface: the answer takes the place of the request, and must fit.

    :raises EnvironmentError: what the kernel says, of the interface
    """
    try:
        fcntl.ioctl(connection.fileno(), SIOCETHTOOL, _IFREQ.pack(name.encode('utf-8')[:15],
                                                                  request.buffer_info()[0]))
    except EnvironmentError as error:
        raise EnvironmentError(error.errno, os.strerror(error.errno), name)


def _text(field):
    return to_text(field.split(b'\0', 1)[0])
