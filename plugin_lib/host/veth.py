# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The other end of a veth on kernels before 4.1, where rtnetlink does not tell: ETHTOOL_GSTATS, ``peer_ifindex``."""
from __future__ import absolute_import, print_function, unicode_literals

import array
import socket
import struct

from plugin_lib.host.drvinfo import ask

ETHTOOL_GSTATS = 0x1d
# struct ethtool_stats of linux/ethtool.h: u32 cmd, u32 n_stats, then u64 each.  These kernels' veth has one, later ones
# a few for each queue behind it.
_HEADER = struct.Struct(str('=IIQ'))
_SIZE = 65536


class Peers(object):
    """Asks about the interfaces of the network namespace in which it was made; an end never gets another peer."""

    def __init__(self):
        # type: () -> None
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._known = {}  # {ifindex: ifindex of the other end}

    def fill(self, links):
        # type: (dict) -> dict
        """``links`` {name: links.Link} with the ``peer`` of each veth that has neither parent nor peer."""
        silent = dict((name, link) for name, link in links.items()
                      if link.kind == 'veth' and link.parent is None and link.peer is None)
        self._known = dict((link.ifindex, self._known.get(link.ifindex) or self._ask(name))
                           for name, link in silent.items())
        filled = dict(links)
        filled.update((name, link._replace(peer=self._known[link.ifindex])) for name, link in silent.items())
        return filled

    def _ask(self, name):
        answer = array.array(str('B'), bytearray(_SIZE))
        answer[:_HEADER.size] = array.array(str('B'), _HEADER.pack(ETHTOOL_GSTATS, 0, 0))
        try:
            ask(self._socket, name, answer)
        except EnvironmentError:
            return None  # it has gone
        return _HEADER.unpack_from(bytes(bytearray(answer[:_HEADER.size])))[2] or None
