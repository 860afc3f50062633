# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The MACs of guests behind the taps of Linux bridges, which nothing tells but what the bridges have learnt.

rtnetlink(7), RTM_GETNEIGH of the family AF_BRIDGE; linux/neighbour.h.
"""
from __future__ import absolute_import, print_function, unicode_literals

import array
import socket
import struct

from plugin_lib.host import netlink

RTMGRP_NEIGH = 4
RTM_NEWNEIGH, RTM_GETNEIGH = 28, 30
AF_BRIDGE = 7
NDA_LLADDR = 2
NUD_PERMANENT = 0x80  # the MAC of a port itself
# A guest that makes up MACs does not take the vifs of all others.
MOST = 16

_NDMSG = struct.Struct(str('=BxxxiHBB'))
_SO_ATTACH_FILTER = 26  # asm-generic/socket.h
# Of linux/filter.h: load the byte behind the header, ndm_family; keep the message where it is AF_BRIDGE.  Without it
# every neighbour that ARP asks for again would wake whoever listens.
_FILTER = struct.pack(str('=' + 'HBBI' * 4), 0x30, 0, 0, 16, 0x15, 0, 1, AF_BRIDGE, 6, 0, 0, 0xffffffff, 6, 0, 0, 0)


class Learnt(object):
    """Follows what bridges learn.

    A guest that is silent is forgotten by its bridge after minutes and must still be reached, so a MAC belongs to its
    port until the port has gone or another one has it.

    :raises EnvironmentError: what the kernel says
    """

    def __init__(self):
        # type: () -> None
        self._events = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, netlink.NETLINK_ROUTE)
        self._events.setblocking(False)
        _attach(self._events)
        self._events.bind((0, RTMGRP_NEIGH))
        self._fresh = True
        self._of_port = {}  # {ifindex: MACs, the latest last}

    def fileno(self):
        # type: () -> int
        return self._events.fileno()

    def close(self):
        # type: () -> None
        self._events.close()

    def drain(self):
        # type: () -> None
        """Take the events; the next :meth:`read` asks the kernel."""
        self._fresh = netlink.drain(self._events) or self._fresh

    def read(self, ports):
        # type: (dict) -> tuple
        """Sorted (name of a port, MAC).

        :param ports: {ifindex: name} of the ports that matter
        :raises EnvironmentError: what the kernel says
        """
        self.drain()
        if self._fresh:
            for ifindex, mac in _dump():
                if ifindex in ports:
                    self._note(ifindex, mac)
            self._fresh = False
        for ifindex in [ifindex for ifindex in self._of_port if ifindex not in ports]:
            del self._of_port[ifindex]
        return tuple(sorted((ports[ifindex], mac) for ifindex, macs in self._of_port.items() for mac in macs))

    def _note(self, ifindex, mac):
        for macs in self._of_port.values():
            if mac in macs:
                macs.remove(mac)
        macs = self._of_port.setdefault(ifindex, [])
        macs.append(mac)
        del macs[:-MOST]


def parse(body):
    # type: (bytes) -> tuple
    """(ifindex, MAC) of the body of an RTM_NEWNEIGH message, None where it is not about what a bridge has learnt.

    :raises EnvironmentError: EBADMSG for what is not netlink
    """
    if len(body) < _NDMSG.size:
        raise netlink.garbage()
    family, ifindex, state, _, _ = _NDMSG.unpack_from(body)
    mac = netlink.attributes(body, _NDMSG.size).get(NDA_LLADDR, b'')
    if family != AF_BRIDGE or state & NUD_PERMANENT or len(mac) != 6:
        return None
    return ifindex, netlink.address(mac)


def _dump():
    connection = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, netlink.NETLINK_ROUTE)
    try:
        connection.bind((0, 0))
        bodies, _ = netlink.dump(connection, 1, RTM_GETNEIGH, RTM_NEWNEIGH, _NDMSG.pack(AF_BRIDGE, 0, 0, 0, 0))
    finally:
        connection.close()
    return [found for found in map(parse, bodies) if found]


def _attach(connection):
    program = array.array(str('B'), bytearray(_FILTER))
    connection.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack(
        str('HP'), len(_FILTER) // 8, program.buffer_info()[0]))
