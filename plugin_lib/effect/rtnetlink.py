# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Changes of network interfaces through rtnetlink, with the standard library's socket.

rtnetlink(7); linux/{rtnetlink,if_link}.h.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import fcntl
import os
import socket
import struct

from plugin_lib._compat import monotonic, readable
from plugin_lib.host.links import (
    IFF_UP,
    IFLA_IFNAME,
    IFLA_INFO_DATA,
    IFLA_INFO_KIND,
    IFLA_IPOIB_PKEY,
    IFLA_LINK,
    IFLA_LINKINFO,
    IFLA_MASTER,
    IFLA_MTU,
    IFLA_VLAN_ID,
    RTM_NEWLINK,
    subscribe,
)
from plugin_lib.host.netlink import NETLINK_ROUTE, NLM_F_REQUEST, NLMSG_ERROR, drain

RTM_DELLINK, RTM_NEWADDR, RTM_DELADDR = 17, 20, 21
VETH_INFO_PEER = 1  # linux/veth.h
NLM_F_ACK, NLM_F_EXCL, NLM_F_CREATE = 0x4, 0x200, 0x400
IFA_ADDRESS, IFA_LOCAL = 1, 2  # linux/if_addr.h
SIOCGIFINDEX = 0x8933  # linux/sockios.h; struct ifreq of linux/if.h

# An asynchronous delete takes milliseconds; a driver that needs longer than this hangs.
GONE_TIMEOUT = 10.0

_HEADER = struct.Struct(str('=IHHII'))
_IFINFO = struct.Struct(str('=BxHiII'))
_IFADDR = struct.Struct(str('=BBxxI'))
_IFREQ = struct.Struct(str('=16si20x'))


def link_up(name):
    # type: (str) -> None
    """Set IFF_UP.  EnvironmentError with the kernel's errno, ENODEV when there is no such interface."""
    _ask_link(RTM_NEWLINK, 0, ifindex(name), IFF_UP)


def set_mtu(name, mtu):
    # type: (str, int) -> None
    """Set the MTU of an interface, in bytes.  EnvironmentError, EINVAL when the driver has no such MTU."""
    _ask_link(RTM_NEWLINK, 0, ifindex(name), 0, _attribute(IFLA_MTU, struct.pack(str('=I'), mtu)))


def add_address(name, address):
    # type: (str, str) -> None
    """Give an interface an address such as ``192.168.1.2/24``; one that it has already is given."""
    _ask_address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, name, address, errno.EEXIST)


def remove_address(name, address):
    # type: (str, str) -> None
    """Take an address from an interface; one that it does not have, or without the interface, is taken."""
    try:
        _ask_address(RTM_DELADDR, 0, name, address, errno.EADDRNOTAVAIL)
    except EnvironmentError as error:
        if error.errno != errno.ENODEV:
            raise


def add_link(parent, name, pkey):
    # type: (str, str, int) -> None
    """Make an IPoIB child of any name, also a second one of a key (Linux 3.7 and later).

    :param pkey: the 16-bit value
    :raises EnvironmentError: EOPNOTSUPP where the kernel knows no links of kind ipoib
    """
    _add(name, 'ipoib', _attribute(IFLA_IPOIB_PKEY, struct.pack(str('=H'), pkey)), parent)


def add_vlan(parent, name, vlan):
    # type: (str, str, int) -> None
    """Make a VLAN interface.  EnvironmentError: EOPNOTSUPP where the module 8021q is not there, EEXIST for a name."""
    _add(name, 'vlan', _attribute(IFLA_VLAN_ID, struct.pack(str('=H'), vlan)), parent)


def add_bridge(name):
    # type: (str) -> None
    """Make a Linux bridge.  EnvironmentError as the kernel's: EEXIST when there is an interface of that name."""
    _add(name, 'bridge', b'')


def add_veth(name, peer):
    # type: (str, str) -> None
    """Make a pair of virtual Ethernet interfaces.  EnvironmentError as the kernel's: EEXIST when one is there."""
    _add(name, 'veth', _attribute(VETH_INFO_PEER, _IFINFO.pack(socket.AF_UNSPEC, 0, 0, 0, 0) + _named(peer)))


def set_master(name, master):
    # type: (str, str) -> None
    """Put an interface into a bridge; ``master`` None takes it out of its own.  EnvironmentError as the kernel's."""
    _ask_link(RTM_NEWLINK, 0, ifindex(name), 0, _attribute(IFLA_MASTER, _number(ifindex(master) if master else 0)))


def delete_link(name):
    # type: (str) -> None
    """Remove an interface that rtnetlink made; it is gone when this returns."""
    _ask_link(RTM_DELLINK, 0, ifindex(name), 0)


def wait_gone(name):
    # type: (str) -> bool
    """Wait for the end of an asynchronous delete; False when it is still there after GONE_TIMEOUT seconds."""
    connection = subscribe()
    try:
        deadline = monotonic() + GONE_TIMEOUT
        while os.path.exists('/sys/class/net/' + name):
            left = deadline - monotonic()
            if left <= 0:
                return False
            # The event can come before sysfs has dropped the folder: look again soon even without one.
            if readable([connection], min(left, 0.05)):
                drain(connection)
        return True
    finally:
        connection.close()


def ifindex(name):
    # type: (str) -> int
    """The number of an interface.  EnvironmentError with the kernel's errno, ENODEV when there is none."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        answer = fcntl.ioctl(connection.fileno(), SIOCGIFINDEX, _IFREQ.pack(name.encode('ascii'), 0))
    except EnvironmentError as error:
        raise EnvironmentError(error.errno, os.strerror(error.errno), name)
    finally:
        connection.close()
    return _IFREQ.unpack(answer)[1]


def _add(name, kind, data, parent=None):
    """Make an interface of a kind, with its IFLA_INFO_DATA."""
    info = _attribute(IFLA_INFO_KIND, kind.encode('ascii')) + _attribute(IFLA_INFO_DATA, data)
    under = _attribute(IFLA_LINK, _number(ifindex(parent))) if parent else b''
    _ask_link(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0, 0, _named(name), under, _attribute(IFLA_LINKINFO, info))


def _named(name):
    return _attribute(IFLA_IFNAME, name.encode('ascii') + b'\0')


def _number(value):
    return struct.pack(str('=I'), value)


def _attribute(kind, value):
    length = 4 + len(value)
    return struct.pack(str('=HH'), length, kind) + value + b'\0' * (-length % 4)


def _ask_link(message, flags, interface, up, *attributes):
    _ask(message, flags, _IFINFO.pack(socket.AF_UNSPEC, 0, interface, up, up) + b''.join(attributes))


def _ask_address(message, flags, name, address, done):
    """:param done: the errno that says that it is so already"""
    number, _, digits = address.partition('/')
    family, longest = (socket.AF_INET6, 128) if ':' in number else (socket.AF_INET, 32)
    try:
        raw, length = socket.inet_pton(family, number), int(digits or longest)
    except (EnvironmentError, ValueError):
        raw, length = None, -1
    if not 0 <= length <= longest:
        raise EnvironmentError(errno.EINVAL, 'it is no address with a prefix length', address)
    try:
        _ask(message, flags, _IFADDR.pack(family, length, ifindex(name))
             + _attribute(IFA_LOCAL, raw) + _attribute(IFA_ADDRESS, raw))
    except EnvironmentError as error:
        if error.errno != done:
            raise


def _ask(message, flags, body):
    """One request; its acknowledgement's error is raised."""
    connection = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE)
    try:
        connection.bind((0, 0))
        connection.sendto(_HEADER.pack(_HEADER.size + len(body), message, NLM_F_REQUEST | NLM_F_ACK | flags, 1, 0)
                          + body, (0, 0))
        while True:
            answer = connection.recv(65536)
            kind, sequence = _HEADER.unpack_from(answer, 0)[1:4:2]
            if kind == NLMSG_ERROR and sequence == 1:
                break
    finally:
        connection.close()
    code = -struct.unpack_from(str('=i'), answer, _HEADER.size)[0]
    if code:
        raise EnvironmentError(code, os.strerror(code), 'rtnetlink')
