# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Real network interfaces behind modelled ones: taps that say they are InfiniBand, and a look at any interface."""
import fcntl
import os
import socket
import struct

TUNSETIFF = 0x400454ca
TUNSETLINK = 0x400454cd
IFF_TAP = 0x0002
IFF_NO_PI = 0x1000
SIOCGIFFLAGS = 0x8913
SIOCSIFFLAGS = 0x8914
IFF_UP = 0x1
ARPHRD_INFINIBAND = 32


class InfinibandTap:
    """A tap with the link type of InfiniBand (32); it exists until :meth:`close` or the end of the process.

    :raises OSError: EBUSY or EEXIST where the name is taken, EPERM without CAP_NET_ADMIN
    """

    def __init__(self, name):
        self.up = False  # as its owner last set or saw it
        self._file = os.open('/dev/net/tun', os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.ioctl(self._file, TUNSETIFF, struct.pack('16sH22x', name.encode(), IFF_TAP | IFF_NO_PI))
            fcntl.ioctl(self._file, TUNSETLINK, ARPHRD_INFINIBAND)
        except OSError:
            self.close()
            raise

    def close(self):
        os.close(self._file)


class Links:
    """What the kernel says of interfaces of this network namespace, and whether they are up.

    :param sysfs: a sysfs that belongs to the namespace
    """

    def __init__(self, sysfs):
        self._net = f'{sysfs}/class/net'
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def read(self, name, attribute):
        """Text of ``/sys/class/net/<name>/<attribute>`` without its newline."""
        with open(f'{self._net}/{name}/{attribute}', encoding='ascii') as file:
            return file.read().rstrip('\n')

    def set_up(self, name, up):
        """Set or clear IFF_UP."""
        ask = struct.pack('16sH22x', name.encode(), 0)
        flags = struct.unpack('16sH22x', fcntl.ioctl(self._socket, SIOCGIFFLAGS, ask))[1]
        flags = flags | IFF_UP if up else flags & ~IFF_UP
        fcntl.ioctl(self._socket, SIOCSIFFLAGS, struct.pack('16sH22x', name.encode(), flags))
