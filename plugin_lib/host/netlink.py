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
NLMSG_ERROR, NLMSG_DONE = 2, 3
RTM_NEWLINK, RTM_GETLINK = 16, 18
NLM_F_REQUEST, NLM_F_DUMP_INTR, NLM_F_DUMP = 0x1, 0x10, 0x300
RTEXT_FILTER_SKIP_STATS = 8
IFF_UP = 0x1

IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_LINK, IFLA_MASTER, IFLA_OPERSTATE = 1, 3, 4, 5, 10, 16
IFLA_LINKINFO, IFLA_EXT_MASK, IFLA_LINK_NETNSID = 18, 29, 37
IFLA_INFO_KIND, IFLA_INFO_DATA = 1, 2
IFLA_IPOIB_PKEY = 1
_NESTED_OR_BYTE_ORDER = 0xc000

# The words of /sys/class/net/<if>/operstate, net/core/net-sysfs.c.
OPERSTATES = ('unknown', 'notpresent', 'down', 'lowerlayerdown', 'testing', 'dormant', 'up')

# A dump that the kernel marks as interrupted is asked for again, this often at most.
_ATTEMPTS = 5
# The kernel fills at most 32 KiB a message (netlink_dump in net/netlink/af_netlink.c).
_BUFFER_SIZE = 65536

_HEADER = struct.Struct(str('=IHHII'))
_IFINFO = struct.Struct(str('=BxHiII'))
_ATTRIBUTE = struct.Struct(str('=HH'))
_U16 = struct.Struct(str('=H'))
_U32 = struct.Struct(str('=I'))


class Link(namedtuple('Link', 'name ifindex type flags mtu address state parent master kind pkey')):
    """What rtnetlink says of an interface.

    :param type: the ARPHRD number of linux/if_arp.h: 1 Ethernet, 32 InfiniBand
    :param flags: the IFF bits of linux/if.h
    :param mtu: bytes
    :param address: the link-layer address as text, '' where there is none
    :param state: operstate as sysfs words it
    :param parent: name of the interface under it (IFLA_LINK), None where there is none in this namespace
    :param master: name of the bridge or bond that it is in, None without one
    :param kind: IFLA_INFO_KIND (``ipoib``, ``veth``), None where the driver registered none
    :param pkey: IFLA_IPOIB_PKEY, a 16-bit table entry; None where ``kind`` is not ``ipoib``
    """

    __slots__ = ()


def links():
    # type: () -> dict
    """``{name: Link}`` of every interface in this network namespace.

    While interfaces come and go the kernel may not manage a consistent dump; then the last one is the answer, and the
    event of the change that disturbed it makes the caller look again.

    :raises EnvironmentError: what the kernel says, or EBADMSG for an answer that is not netlink
    """
    connection = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE)
    try:
        connection.bind((0, 0))
        for sequence in range(1, _ATTEMPTS + 1):
            answer, interrupted = _dump(connection, sequence)
            if not interrupted:
                break
    finally:
        connection.close()
    return named(answer)


def named(facts):
    # type: (list) -> dict
    """``{name: Link}`` of Links as :func:`parse` gives them, parents and masters by name instead of by ifindex."""
    names = dict((link.ifindex, link.name) for link in facts)
    return dict((link.name, link._replace(parent=names.get(link.parent), master=names.get(link.master)))
                for link in facts)


def parse(data, sequence):
    # type: (bytes, int) -> tuple
    """The Links of one datagram of the dump ``sequence``; ``parent`` and ``master`` are still ifindexes.

    :returns: ``(list of Links, whether this was the last datagram, whether the dump was interrupted)``
    :raises EnvironmentError: the error that the kernel answered with, or EBADMSG for what is not netlink
    """
    facts, interrupted, offset = [], False, 0
    while offset < len(data):
        length, kind, flags, of_sequence = _unpack(_HEADER, data, offset)[:4]
        end = offset + length
        if length < _HEADER.size or end > len(data):
            raise _garbage()
        body = offset + _HEADER.size
        offset += (length + 3) & ~3
        if of_sequence != sequence:
            continue
        interrupted = interrupted or bool(flags & NLM_F_DUMP_INTR)
        if kind == NLMSG_DONE:
            return facts, True, interrupted
        if kind == NLMSG_ERROR:
            code = -struct.unpack(str('=i'), _value(data, body, body + 4, end))[0]
            raise EnvironmentError(code, os.strerror(code), 'RTM_GETLINK')
        if kind == RTM_NEWLINK:
            facts.append(_link(data, body, end))
    return facts, False, interrupted


def _dump(connection, sequence):
    body = _IFINFO.pack(socket.AF_UNSPEC, 0, 0, 0, 0) + _ATTRIBUTE.pack(8, IFLA_EXT_MASK) + _U32.pack(
        RTEXT_FILTER_SKIP_STATS)
    connection.sendto(_HEADER.pack(_HEADER.size + len(body), RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, sequence, 0)
                      + body, (0, 0))
    facts, interrupted, last = [], False, False
    while not last:
        data, sender = connection.recvfrom(_BUFFER_SIZE)
        if sender[0] != 0:  # not the kernel
            continue
        if not data:
            raise _garbage()
        more, last, disturbed = parse(data, sequence)
        facts.extend(more)
        interrupted = interrupted or disturbed
    return facts, interrupted


def _link(data, offset, end):
    _, link_type, ifindex, flags, _ = _unpack(_IFINFO, data, offset, end)
    found = dict(_attributes(data, offset + _IFINFO.size, end))
    try:
        name, mtu, state = _name(found[IFLA_IFNAME]), _number(found, IFLA_MTU), ord(found.get(IFLA_OPERSTATE, b'\0'))
        # IFLA_LINK of another namespace (IFLA_LINK_NETNSID) is a number that means something else here.
        parent = None if IFLA_LINK_NETNSID in found else _number(found, IFLA_LINK)
        master = _number(found, IFLA_MASTER)
        kind, pkey = _kind(found[IFLA_LINKINFO]) if IFLA_LINKINFO in found else (None, None)
    except (KeyError, struct.error, TypeError):
        raise _garbage()
    address = ':'.join('{0:02x}'.format(byte) for byte in bytearray(found.get(IFLA_ADDRESS, b'')))
    return Link(name, ifindex, link_type, flags, mtu, address,
                OPERSTATES[state] if state < len(OPERSTATES) else OPERSTATES[0], parent, master, kind, pkey)


def _number(found, attribute):
    return _U32.unpack(found[attribute])[0] if attribute in found else None


def _kind(info):
    found = dict(_attributes(info, 0, len(info)))
    kind = _name(found[IFLA_INFO_KIND]) if IFLA_INFO_KIND in found else None
    if kind != 'ipoib' or IFLA_INFO_DATA not in found:
        return kind, None
    settings = dict(_attributes(found[IFLA_INFO_DATA], 0, len(found[IFLA_INFO_DATA])))
    return kind, _U16.unpack(settings[IFLA_IPOIB_PKEY])[0] if IFLA_IPOIB_PKEY in settings else None


def _attributes(data, offset, end):
    """The (type, value) pairs of the attributes between two offsets."""
    found = []
    while offset < end:
        length, kind = _unpack(_ATTRIBUTE, data, offset, end)
        if length < _ATTRIBUTE.size:
            raise _garbage()
        found.append((kind & ~_NESTED_OR_BYTE_ORDER, _value(data, offset + _ATTRIBUTE.size, offset + length, end)))
        offset += (length + 3) & ~3
    return found


def _unpack(form, data, offset, end=None):
    if offset + form.size > (len(data) if end is None else end):
        raise _garbage()
    return form.unpack_from(data, offset)


def _value(data, start, stop, end):
    if stop > end:
        raise _garbage()
    return data[start:stop]


def _name(value):
    return to_text(value.rstrip(b'\0'))


def _garbage():
    return EnvironmentError(errno.EBADMSG, os.strerror(errno.EBADMSG), 'RTM_GETLINK')
