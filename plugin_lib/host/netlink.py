# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What the kernel says through netlink: dumps, the attributes in them, and events; with the standard library's socket.

netlink(7); linux/netlink.h.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import os
import struct

NETLINK_ROUTE = 0
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_REQUEST, NLM_F_DUMP_INTR, NLM_F_DUMP = 0x1, 0x10, 0x300

# The kernel fills at most 32 KiB a message (netlink_dump in net/netlink/af_netlink.c).
_BUFFER_SIZE = 65536
_NESTED_OR_BYTE_ORDER = 0xc000

_MAX_ERRNO = 4095  # linux/err.h

_HEADER = struct.Struct(str('=IHHII'))
ATTRIBUTE = struct.Struct(str('=HH'))
_I32 = struct.Struct(str('=i'))


def drain(connection):
    # type: (object) -> bool
    """Whether there were events, even if too many came (ENOBUFS); they are forgotten.

    :param connection: a socket that does not block
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


def split(data, sequence, wanted):
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


def address(octets):
    # type: (bytes) -> str
    """A link-layer address as text."""
    return ':'.join('{0:02x}'.format(octet) for octet in bytearray(octets))


def dump(connection, sequence, request, kind, body):
    # type: (object, int, int, int, bytes) -> tuple
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
        if offset + ATTRIBUTE.size > end:
            raise garbage()
        length, kind = ATTRIBUTE.unpack_from(data, offset)
        if not ATTRIBUTE.size <= length <= end - offset:
            raise garbage()
        found[kind & ~_NESTED_OR_BYTE_ORDER] = data[offset + ATTRIBUTE.size:offset + length]
        offset += (length + 3) & ~3
    return found


def _errno(body):
    """Both NLMSG_ERROR and NLMSG_DONE start with a negative errno or 0."""
    return -_I32.unpack_from(body)[0] if len(body) >= _I32.size else 0


def _refusal(body):
    code = _errno(body)
    return EnvironmentError(code, os.strerror(code), 'netlink') if 0 < code <= _MAX_ERRNO else garbage()


def garbage():
    # type: () -> EnvironmentError
    return EnvironmentError(errno.EBADMSG, os.strerror(errno.EBADMSG), 'netlink')
