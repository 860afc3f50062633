# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Asynchronous events of the HCAs, as ib_uverbs hands them to user space.

Formats: linux/rdma/ib_user_verbs.h (ib_uverbs_cmd_hdr, ib_uverbs_get_context, ib_uverbs_async_event_desc) and
``enum ib_event_type`` of rdma/ib_verbs.h.
"""
from __future__ import absolute_import, print_function, unicode_literals

import array
import errno
import fcntl
import os
import struct
from collections import namedtuple

from plugin_lib._compat import fs_path
from plugin_lib.host.sysfs import is_interface_name

CLASS = '/sys/class/infiniband_verbs'
DEVICES = '/dev/infiniband'

DEVICE_FATAL = 8
# Those that are about a device or a port: a context without queues gets no others.
EVENT_NAMES = {DEVICE_FATAL: 'device-fatal', 9: 'port-active', 10: 'port-error', 11: 'lid-change', 12: 'pkey-change',
               13: 'sm-change', 17: 'client-reregister', 18: 'gid-change'}

# Drivers append an answer of their own to the two words of ib_uverbs, older ones without looking at its size.
_ANSWER_SIZE = 256
_GET_CONTEXT = 0

_HEADER = struct.Struct(str('=IHH'))
_ADDRESS = struct.Struct(str('=Q'))
_ANSWER = struct.Struct(str('=II'))
_EVENT = struct.Struct(str('=QII'))
_MOST_EVENTS = 64


class Event(namedtuple('Event', 'port type')):
    """:param port: the HCA port's number, meaningless for DEVICE_FATAL; :param type: see EVENT_NAMES"""

    __slots__ = ()


def get_context(address):
    # type: (int) -> bytes
    """The command GET_CONTEXT, whose answer of _ANSWER_SIZE bytes ib_uverbs writes to ``address``."""
    words = (_HEADER.size + _ADDRESS.size) // 4
    return _HEADER.pack(_GET_CONTEXT, words, _ANSWER_SIZE // 4) + _ADDRESS.pack(address)


def parse(data):
    # type: (bytes) -> list
    """The Events in what was read from the descriptor of the events; a rest that is no whole event is left out."""
    whole = len(data) - len(data) % _EVENT.size
    return [Event(port, kind) for port, kind, _ in (_EVENT.unpack_from(data, offset)
                                                   for offset in range(0, whole, _EVENT.size))]


def devices(tree):
    # type: (object) -> dict
    """``{HCA: name of its device, such as uverbs0}``; empty without the module ib_uverbs.

    :param tree: of a Source
    """
    found = {}
    try:
        for name in tree.names(CLASS):
            if is_interface_name(name) and name.startswith('uverbs'):
                found[tree.read('{0}/{1}/ibdev'.format(CLASS, name))] = name
    except EnvironmentError:
        pass  # unplugged meanwhile, and the module may not be there at all: the next look tells
    return found


class Device(object):
    """The events of one HCA.

    :param name: ``uverbs0``
    :raises EnvironmentError: when the device cannot be opened, or refuses (mlx5 wants a longer command)
    """

    def __init__(self, name):
        # type: (str) -> None
        path = '{0}/{1}'.format(DEVICES, name)
        self._context = os.open(fs_path(path), os.O_RDWR)
        try:
            _close_on_exec(self._context)
            self._events = _events_of(self._context, path)
            _close_on_exec(self._events)
            fcntl.fcntl(self._events, fcntl.F_SETFL, fcntl.fcntl(self._events, fcntl.F_GETFL) | os.O_NONBLOCK)
        except BaseException:
            os.close(self._context)
            raise

    def fileno(self):
        # type: () -> int
        return self._events

    def read(self):
        # type: () -> tuple
        """``([Event], whether more can come)``: after DEVICE_FATAL, or when the HCA is gone, close it.

        A read gives one event at a time (uverbs_main.c, ib_uverbs_event_read).
        """
        found = []
        while len(found) < _MOST_EVENTS:
            try:
                data = os.read(self._events, _EVENT.size * _MOST_EVENTS)
            except EnvironmentError as error:
                if error.errno == errno.EINTR:
                    continue
                return found, error.errno in (errno.EAGAIN, errno.EWOULDBLOCK)
            found.extend(parse(data))
            if not data or DEVICE_FATAL in [event.type for event in found]:
                return found, False
        return found, True

    def close(self):
        # type: () -> None
        """An open device keeps the module of its driver from being unloaded."""
        os.close(self._events)
        os.close(self._context)


def _events_of(context, path):
    """The descriptor from which the events are read."""
    answer = array.array(str('B'), [0] * _ANSWER_SIZE)
    try:
        os.write(context, get_context(answer.buffer_info()[0]))
    except EnvironmentError as error:
        raise EnvironmentError(error.errno, os.strerror(error.errno), path)
    return _ANSWER.unpack_from(bytes(bytearray(answer)), 0)[0]


def _close_on_exec(descriptor):
    fcntl.fcntl(descriptor, fcntl.F_SETFD, fcntl.fcntl(descriptor, fcntl.F_GETFD) | fcntl.FD_CLOEXEC)
