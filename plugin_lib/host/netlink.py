# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The interfaces of a network namespace: one rtnetlink dump (RTM_GETLINK), through the standard library's socket.

rtnetlink(7), netlink(7); linux/{netlink,rtnetlink,if_link}.h.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import os
import socket
import struct
from collections import namedtuple

from plugin_lib._compat import to_text

NETLINK_ROUTE = 0
RTMGRP_LINK = 1
NLMSG_ERROR, NLMSG_DONE = 2, 3
RTM_NEWLINK, RTM_GETLINK = 16, 18
NLM_F_REQUEST, NLM_F_DUMP_INTR, NLM_F_DUMP = 0x1, 0x10, 0x300
RTEXT_FILTER_SKIP_STATS = 8
IFF_UP = 0x1
ARPHRD_ETHER = 1  # linux/if_arp.h
TAP = 'tun'  # the kind of a tap: what is behind it is no interface of this machine

IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_LINK, IFLA_MASTER, IFLA_OPERSTATE = 1, 3, 4, 5, 10, 16
IFLA_LINKINFO, IFLA_EXT_MASK, IFLA_LINK_NETNSID = 18, 29, 37
IFLA_INFO_KIND, IFLA_INFO_DATA = 1, 2
IFLA_IPOIB_PKEY = 1
IFLA_VLAN_ID = 1
_NESTED_OR_BYTE_ORDER = 0xc000

# The words of /sys/class/net/<if>/operstate, net/core/net-sysfs.c.
OPERSTATES = ('unknown', 'notpresent', 'down', 'lowerlayerdown', 'testing', 'dormant', 'up')

# A dump that the kernel marks as interrupted is asked for again, this often at most.
_ATTEMPTS = 5
# The kernel fills at most 32 KiB a message (netlink_dump in net/netlink/af_netlink.c).
_BUFFER_SIZE = 65536

_MAX_ERRNO = 4095  # linux/err.h

_HEADER = struct.Struct(str('=IHHII'))
_IFINFO = struct.Struct(str('=BxHiII'))
_ATTRIBUTE = struct.Struct(str('=HH'))
_U8 = struct.Struct(str('=B'))
_U16 = struct.Struct(str('=H'))
_U32 = struct.Struct(str('=I'))
_I32 = struct.Struct(str('=i'))
_ASK_FOR_LINKS = _IFINFO.pack(socket.AF_UNSPEC, 0, 0, 0, 0) + _ATTRIBUTE.pack(8, IFLA_EXT_MASK) + _U32.pack(
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


def drain(connection):
    # type: (socket.socket) -> bool
    """Whether there were events, even if too many came (ENOBUFS); they are forgotten.

    :param connection: of :func:`subscribe`
    """
    some = False
    while True:
        try:
            connection.recv(_BUFFER_SIZE)
        except EnvironmentError as error:
            if error.errno in (errno.EAGAIN, errno.EWOULDBLOCK):
                return some
            if error.errno not in (errno.ENOBUFS, errno.EINTR):
                raise
        some = True


def named(links):
    # type: (list) -> dict
    """``{name: Link}`` of Links as :func:`parse` gives them, parents and masters by name instead of by ifindex."""
    names = dict((link.ifindex, link.name) for link in links)
    return dict((link.name, link._replace(parent=names.get(link.parent), master=names.get(link.master)))
                for link in links)


def split(data, sequence, wanted=RTM_NEWLINK):
    # type: (bytes, int, int) -> tuple
    """The bodies of the messages of the type ``wanted`` in one datagram of the dump ``sequence``.

    :returns: ``(bodies, whether this was the last datagram, whether the kernel marked the dump as interrupted)``
    :raises EnvironmentError: the error that the kernel answered with, or EBADMSG for what is not netlink
    """
    bodies, interrupted, offset = [], False, 0
    while offset < len(data):
        if offset + _HEADER.size > len(data):
            raise garbage()
        length, kind, flags, of_sequence, _ = _HEADER.unpack_from(data, offset)
        if not _HEADER.size <= length <= len(data) - offset:
            raise garbage()
        body = data[offset + _HEADER.size:offset + length]
        offset += (length + 3) & ~3
        if of_sequence != sequence:
            continue
        interrupted = interrupted or bool(flags & NLM_F_DUMP_INTR)
        if kind == NLMSG_ERROR or kind == NLMSG_DONE and _errno(body):
            raise _refusal(body)
        if kind == NLMSG_DONE:
            return bodies, True, interrupted
        if kind == wanted:
            bodies.append(body)
    return bodies, False, interrupted


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


def address(octets):
    # type: (bytes) -> str
    """A link-layer address as text."""
    return ':'.join('{0:02x}'.format(octet) for octet in bytearray(octets))


def dump(connection, sequence, request, kind, body):
    # type: (socket.socket, int, int, int, bytes) -> tuple
    """``(bodies of the messages, whether the kernel marked the dump as interrupted)`` of a dump.

    :param request: type of the request, whose body is ``body``
    :param kind: type of the messages that answer it
    :raises EnvironmentError: what the kernel says, or EBADMSG for an answer that is not netlink
    """
    connection.sendto(_HEADER.pack(_HEADER.size + len(body), request, NLM_F_REQUEST | NLM_F_DUMP, sequence, 0) + body,
                      (0, 0))
    bodies, interrupted, last = [], False, False
    while not last:
        data, sender = connection.recvfrom(_BUFFER_SIZE)
        if sender[0] != 0:  # not the kernel
            continue
        if not data:
            raise garbage()
        more, last, disturbed = split(data, sequence, kind)
        bodies.extend(more)
        interrupted = interrupted or disturbed
    return bodies, interrupted


def attributes(data, offset=0):
    # type: (bytes, int) -> dict
    """``{type: value}`` of a sequence of attributes.  EnvironmentError EBADMSG for what is not netlink."""
    found, end = {}, len(data)
    while offset < end:
        if offset + _ATTRIBUTE.size > end:
            raise garbage()
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if not _ATTRIBUTE.size <= length <= end - offset:
            raise garbage()
        found[kind & ~_NESTED_OR_BYTE_ORDER] = data[offset + _ATTRIBUTE.size:offset + length]
        offset += (length + 3) & ~3
    return found


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


def _errno(body):
    """Both NLMSG_ERROR and NLMSG_DONE start with a negative errno or 0."""
    return -_I32.unpack_from(body)[0] if len(body) >= _I32.size else 0


def _refusal(body):
    code = _errno(body)
    return EnvironmentError(code, os.strerror(code), 'RTM_GETLINK') if 0 < code <= _MAX_ERRNO else garbage()


def _name(value):
    return to_text(value.rstrip(b'\0'))


def garbage():
    # type: () -> EnvironmentError
    return EnvironmentError(errno.EBADMSG, os.strerror(errno.EBADMSG), 'RTM_GETLINK')
