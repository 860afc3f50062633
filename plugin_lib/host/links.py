# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The interfaces of a network namespace: one rtnetlink dump, and the events that tell when another one is due.

rtnetlink(7); linux/{rtnetlink,if_link}.h.
"""
from __future__ import absolute_import, print_function, unicode_literals

import socket
import struct
from collections import namedtuple

from plugin_lib._compat import to_text
from plugin_lib.host.netlink import ATTRIBUTE, NETLINK_ROUTE, address, attributes, drain, dump, garbage

RTMGRP_LINK = 1
RTM_NEWLINK, RTM_GETLINK = 16, 18
RTEXT_FILTER_SKIP_STATS = 8
IFF_UP = 0x1
ARPHRD_ETHER = 1  # linux/if_arp.h
TAP = 'tun'  # the kind of a tap: what is behind it is no interface of this machine

IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_LINK, IFLA_MASTER, IFLA_OPERSTATE = 1, 3, 4, 5, 10, 16
IFLA_LINKINFO, IFLA_EXT_MASK, IFLA_LINK_NETNSID = 18, 29, 37
IFLA_INFO_KIND, IFLA_INFO_DATA = 1, 2
IFLA_IPOIB_PKEY = 1
IFLA_VLAN_ID = 1

# The words of /sys/class/net/<if>/operstate, net/core/net-sysfs.c.
OPERSTATES = ('unknown', 'notpresent', 'down', 'lowerlayerdown', 'testing', 'dormant', 'up')

# A dump that the kernel marks as interrupted is asked for again, this often at most.
_ATTEMPTS = 5

_IFINFO = struct.Struct(str('=BxHiII'))
_U8 = struct.Struct(str('=B'))
_U16 = struct.Struct(str('=H'))
_U32 = struct.Struct(str('=I'))
_ASK_FOR_LINKS = _IFINFO.pack(socket.AF_UNSPEC, 0, 0, 0, 0) + ATTRIBUTE.pack(8, IFLA_EXT_MASK) + _U32.pack(
    RTEXT_FILTER_SKIP_STATS)


class Link(namedtuple('Link', 'name ifindex type flags mtu address state parent master kind pkey vlan peer')):
    """What rtnetlink says of an interface.

    :param type: the ARPHRD number of linux/if_arp.h: 1 Ethernet, 32 InfiniBand
    :param flags: the IFF bits of linux/if.h
    :param mtu: bytes
    :param address: the link-layer address as text, '' where there is none
    :param state: operstate as sysfs words it
    :param parent: name of the interface under it (IFLA_LINK), None where there is none in this namespace; a veth's is
        its other end
    :param master: name of the bridge or bond that it is in, None without one
    :param kind: IFLA_INFO_KIND (``ipoib``, ``veth``), None where the driver registered none
    :param pkey: IFLA_IPOIB_PKEY, a 16-bit table entry; None where ``kind`` is not ``ipoib``
    :param vlan: IFLA_VLAN_ID; None where ``kind`` is not ``vlan``
    :param peer: ifindex of its parent where that is in another network namespace, or may be, else None
    """

    __slots__ = ()


Link.__new__.__defaults__ = (None, None)  # most interfaces are no VLAN's, and most parents are here


class Links(object):
    """Lists interfaces.

    A dump of 260 interfaces costs as much as reading two P_Key tables, and to understand its messages several times
    that.  So there is none while the kernel tells of no change, and the messages of the last one are recognised.
    """

    def __init__(self):
        # type: () -> None
        self._events = self._connection = None
        self._sequence = 0
        self._known = {}
        self._links = None

    def open(self):
        # type: () -> None
        """Open the sockets, in the network namespace that the process is in now.  EnvironmentError."""
        self._events = subscribe()
        self._connection = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE)
        self._connection.bind((0, 0))

    def close(self):
        # type: () -> None
        self._events.close()
        self._connection.close()

    def fileno(self):
        # type: () -> int
        """Readable when an interface has come, gone or changed; once open."""
        return self._events.fileno()

    def read(self):
        # type: () -> dict
        """``{name: Link}`` of every interface in the network namespace; the same object while nothing changes.

        While interfaces come and go the kernel may not manage a consistent dump; then the last one is the answer, and
        the event of the change that disturbed it makes the caller look again.

        :raises EnvironmentError: what the kernel says, or EBADMSG for an answer that is not netlink
        """
        if self._events is None:
            self.open()
        self.drain()
        if self._links is None:
            self._links = self._dump()
        return self._links

    def drain(self):
        # type: () -> None
        """Take the events; after any the next :meth:`read` asks the kernel."""
        if drain(self._events):
            self._links = None

    def _dump(self):
        for _ in range(_ATTEMPTS):
            self._sequence += 1
            messages, interrupted = dump(self._connection, self._sequence, RTM_GETLINK, RTM_NEWLINK, _ASK_FOR_LINKS)
            if not interrupted:
                break
        known = self._known
        self._known = dict((message, known[message] if message in known else parse(message)) for message in messages)
        return named(self._known.values())


def subscribe():
    # type: () -> socket.socket
    """A non-blocking socket that is readable when an interface has come, gone or changed.  EnvironmentError."""
    connection = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE)
    connection.bind((0, RTMGRP_LINK))
    connection.setblocking(False)
    return connection


def named(links):
    # type: (list) -> dict
    """``{name: Link}`` of Links as :func:`parse` gives them, parents and masters by name instead of by ifindex."""
    names = dict((link.ifindex, link.name) for link in links)
    return dict((link.name, link._replace(parent=names.get(link.parent), master=names.get(link.master)))
                for link in links)


def parse(body):
    # type: (bytes) -> Link
    """The Link of the body of an RTM_NEWLINK message; ``parent`` and ``master`` are still ifindexes.

    :raises EnvironmentError: EBADMSG for what is not netlink
    """
    if len(body) < _IFINFO.size:
        raise garbage()
    _, link_type, ifindex, flags, _ = _IFINFO.unpack_from(body)
    found = attributes(body, _IFINFO.size)
    try:
        name, mtu, state = _name(found[IFLA_IFNAME]), _number(found, IFLA_MTU), _number(found, IFLA_OPERSTATE, _U8) or 0
        parent, peer = _number(found, IFLA_LINK), None
        if IFLA_LINK_NETNSID in found:  # the number means another interface here
            parent, peer = None, parent
        master = _number(found, IFLA_MASTER)
        kind, pkey, vlan = _kind(found[IFLA_LINKINFO]) if IFLA_LINKINFO in found else (None, None, None)
    except (KeyError, struct.error):
        raise garbage()
    return Link(name, ifindex, link_type, flags, mtu, address(found.get(IFLA_ADDRESS, b'')),
                OPERSTATES[state] if state < len(OPERSTATES) else OPERSTATES[0], parent, master, kind, pkey, vlan, peer)


def _kind(info):
    """``(kind, P_Key, VLAN)`` of IFLA_LINKINFO."""
    found = attributes(info)
    kind = _name(found[IFLA_INFO_KIND]) if IFLA_INFO_KIND in found else None
    if kind not in ('ipoib', 'vlan') or IFLA_INFO_DATA not in found:
        return kind, None, None
    data = attributes(found[IFLA_INFO_DATA])
    if kind == 'vlan':
        return kind, None, _number(data, IFLA_VLAN_ID, _U16)
    return kind, _number(data, IFLA_IPOIB_PKEY, _U16), None


def _number(found, attribute, form=_U32):
    return form.unpack(found[attribute])[0] if attribute in found else None


def _name(value):
    return to_text(value.rstrip(b'\0'))
