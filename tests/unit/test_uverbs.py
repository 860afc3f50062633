# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The HCAs' asynchronous events: the bytes that go to and come from ib_uverbs, on a pipe in the place of the kernel.

Covered: the command and where its answer is put; events one by one and in a row; a rest that is no event; a device that
dies, ends, refuses or is not there; no descriptor is left open; which HCA is behind which device.  tests/vm has the
real ib_uverbs.
"""
from __future__ import absolute_import, print_function, unicode_literals

import ctypes
import errno
import fcntl
import os
import struct

import pytest

from plugin_lib.host import uverbs
from plugin_lib.host.uverbs import DEVICE_FATAL, Event
from tests.model.sysfs import Attribute, Folder, Tree

PKEY_CHANGE = 12


def record(port, kind):
    return struct.pack(str('=QII'), port, kind, 0)


class Uverbs(object):
    """ib_uverbs behind /dev/infiniband/uverbs0: takes GET_CONTEXT as the kernel does and answers with a pipe.

    :param refuses: errno of that command, None: it succeeds
    """

    def __init__(self, monkeypatch, refuses=None):
        self.commands = []
        self._refuses = refuses
        self._context = None
        self._write = os.write
        monkeypatch.setattr(uverbs.os, 'open', self._open)
        monkeypatch.setattr(uverbs.os, 'write', self._command)

    def _open(self, path, flags):
        if path not in (b'/dev/infiniband/uverbs0', '/dev/infiniband/uverbs0'):
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        assert flags == os.O_RDWR
        self._context, self.context_end = os.pipe()
        return self._context

    def _command(self, descriptor, data):
        if descriptor != self._context:
            return self._write(descriptor, data)
        command, in_words, out_words, address = struct.unpack(str('=IHHQ'), data)
        assert (command, in_words * 4) == (0, len(data))
        self.commands.append(data)
        if self._refuses:
            raise OSError(self._refuses, os.strerror(self._refuses))
        events, self.end = os.pipe()
        # Drivers write their own part behind the two words, as long as out_words allows.
        answer = struct.pack(str('=II'), events, 3).ljust(out_words * 4, b'\xff')
        ctypes.memmove(address, answer, len(answer))
        return len(data)

    def tell(self, *events):
        self._write(self.end, b''.join(record(*event) for event in events))


@pytest.fixture
def kernel(monkeypatch):
    return Uverbs(monkeypatch)


def descriptors():
    return len(os.listdir('/proc/self/fd'))


def test_the_command_is_what_ib_user_verbs_h_says():
    assert uverbs.get_context(0x7f0011223344) == \
        b'\x00\x00\x00\x00' b'\x04\x00' b'\x40\x00' b'\x44\x33\x22\x11\x00\x7f\x00\x00'


def test_events_are_read_as_they_come(kernel):
    device = uverbs.Device('uverbs0')
    assert device.read() == ([], True)
    kernel.tell((1, PKEY_CHANGE))
    assert device.read() == ([Event(1, PKEY_CHANGE)], True)
    kernel.tell((1, PKEY_CHANGE), (2, 9), (1, 17))
    assert device.read() == ([Event(1, PKEY_CHANGE), Event(2, 9), Event(1, 17)], True)
    assert device.read() == ([], True)
    device.close()
    assert len(kernel.commands) == 1


def test_a_rest_that_is_no_event_is_left_out():
    whole = record(1, PKEY_CHANGE)
    assert uverbs.parse(whole + whole[:7]) == [Event(1, PKEY_CHANGE)]
    assert uverbs.parse(b'') == uverbs.parse(whole[:15]) == []


@pytest.mark.parametrize('events', [[(1, 10), (0, DEVICE_FATAL)], [(0, DEVICE_FATAL), (1, PKEY_CHANGE)]])
def test_a_device_that_dies_tells_no_more(kernel, events):
    device = uverbs.Device('uverbs0')
    kernel.tell(*events)
    assert device.read() == ([Event(*event) for event in events], False)
    device.close()


def test_a_device_that_ends_or_fails_tells_no_more(kernel, monkeypatch):
    device = uverbs.Device('uverbs0')
    os.close(kernel.end)
    assert device.read() == ([], False)

    def refuse(descriptor, size):
        raise OSError(errno.EIO, os.strerror(errno.EIO))  # ib_uverbs_event_read of a device that is gone
    monkeypatch.setattr(uverbs.os, 'read', refuse)
    assert device.read() == ([], False)
    device.close()


def test_nobody_inherits_the_descriptors_and_closing_closes_both(kernel):
    before = descriptors()
    device = uverbs.Device('uverbs0')
    for descriptor in (device.fileno(), kernel._context):
        assert fcntl.fcntl(descriptor, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
    assert fcntl.fcntl(device.fileno(), fcntl.F_GETFL) & os.O_NONBLOCK
    device.close()
    assert descriptors() == before + 2  # the ends of the modelled kernel


@pytest.mark.parametrize('name, refuses, expected', [
    ('uverbs0', errno.EINVAL, errno.EINVAL),  # mlx5 wants a longer command
    ('uverbs0', errno.EPERM, errno.EPERM), ('uverbs9', None, errno.ENOENT)])
def test_a_device_that_refuses_is_named_and_left_closed(monkeypatch, name, refuses, expected):
    kernel, before = Uverbs(monkeypatch, refuses), descriptors()
    with pytest.raises(EnvironmentError) as caught:
        uverbs.Device(name)
    assert caught.value.errno == expected
    assert name in str(caught.value)
    assert descriptors() == before + (1 if kernel.commands else 0)  # the end of the modelled kernel


def class_tree(**devices):
    """/sys/class/infiniband_verbs with these {uverbsN: HCA}."""
    entries = dict((name, Folder.of({'ibdev': Attribute(lambda hca=hca: hca + '\n')}))
                   for name, hca in devices.items())
    entries['abi_version'] = Attribute(lambda: '6\n')
    return Tree(Folder.of({'sys': Folder.of({'class': Folder.of({'infiniband_verbs': Folder.of(entries)})})}))


def test_which_hca_is_behind_which_device():
    assert uverbs.devices(class_tree(uverbs0='mlx4_0', uverbs1='mlx4_1')) == {'mlx4_0': 'uverbs0', 'mlx4_1': 'uverbs1'}
    assert uverbs.devices(class_tree()) == {}
    assert uverbs.devices(Tree(Folder.of({}))) == {}
