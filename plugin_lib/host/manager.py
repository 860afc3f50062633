# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Whether the subnet manager of a port answers: sysfs keeps its LID long after it has gone.

It is asked as sminfo(8) does, by one SubnGet(SMInfo) through ib_umad (linux/rdma/ib_user_mad.h; InfiniBand
Architecture Specification volume 1, 14.2.5.13).
"""
from __future__ import absolute_import, print_function, unicode_literals

import fcntl
import os
import select
import struct
from collections import namedtuple

from plugin_lib._compat import to_text

CLASS = '/sys/class/infiniband_mad'
DEVICES = '/dev/infiniband'

TIMEOUT = 500  # ms
RETRIES = 2
STATES = {0: 'not active', 1: 'discovering', 2: 'standby', 3: 'master'}

_ENABLE_PKEY = 0x1b03
_REGISTER_AGENT = 0xc01c1b01
_HEADER = 64
_MAD = 256
_SUBNET_MANAGEMENT, _GET, _GET_RESPONSE, _SM_INFO = 0x01, 0x01, 0x81, 0x20


class Manager(namedtuple('Manager', 'guid state')):
    """What answered at the subnet manager's LID: its port's GUID and one of STATES; both None when nobody did."""

    __slots__ = ()


NOBODY = Manager(None, None)


def ask(port):
    # type: (object) -> Manager
    """The Manager of a state.Port of this machine; None when it cannot be asked: no ib_umad, no permission, no LID.

    Takes as long as TIMEOUT and RETRIES when nobody answers.
    """
    device = _device(port) if port.sm_lid else None
    if device is None:
        return None
    try:
        descriptor = os.open(device, os.O_RDWR)
        try:
            return _ask(descriptor, port.sm_lid)
        finally:
            os.close(descriptor)
    except EnvironmentError:
        return None


def _device(port):
    """The device file of ib_umad for a port, None without one."""
    try:
        for name in sorted(os.listdir(CLASS)):
            if name.startswith('umad') and _attribute(name, 'ibdev') == port.hca and (
                    _attribute(name, 'port') == to_text(port.number)):
                return os.path.join(DEVICES, name)
    except EnvironmentError:
        pass
    return None


def _attribute(name, leaf):
    descriptor = os.open(os.path.join(CLASS, name, leaf), os.O_RDONLY)
    try:
        return to_text(os.read(descriptor, 64)).strip()
    finally:
        os.close(descriptor)


def _ask(descriptor, lid):
    fcntl.ioctl(descriptor, _ENABLE_PKEY)
    # For what is sent from QP 0 and answered; it takes no requests: no methods.
    request = struct.pack(str('=I16xBBB3xBx'), 0, 0, _SUBNET_MANAGEMENT, 1, 0)
    agent, = struct.unpack_from(str('=I'), fcntl.ioctl(descriptor, _REGISTER_AGENT, request))
    os.write(descriptor, _header(agent, lid) + _question())
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    if not poll.poll(2 * TIMEOUT * (RETRIES + 1)):
        return NOBODY
    return _answer(os.read(descriptor, _HEADER + _MAD))


def _header(agent, lid):
    return (struct.pack(str('=5I'), agent, 0, TIMEOUT, RETRIES, 0) + struct.pack(str('>IIH6x'), 0, 0, lid) +
            struct.pack(str('=16x4xH6x'), 0))


def _question():
    return struct.pack(str('>BBBBHHQHHI232x'), 1, _SUBNET_MANAGEMENT, 1, _GET, 0, 0, 1, _SM_INFO, 0, 0)


def _answer(raw):
    status, = struct.unpack_from(str('=I'), raw, 4)
    if status or len(raw) < _HEADER + _MAD:  # ETIMEDOUT
        return NOBODY
    method, refused = struct.unpack_from(str('>BH'), raw, _HEADER + 3)
    guid, state = struct.unpack_from(str('>Q12xB'), raw, _HEADER + 64)
    if method != _GET_RESPONSE or refused:
        return NOBODY
    return Manager(guid, STATES.get(state & 0x0f))
