# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What wakes the service: pipes in the place of the HCAs' devices, the real poll underneath.

Covered: an event of an HCA, of a link, of a signal; a burst is one; an idle wait is one poll; an HCA that comes,
goes, dies, or is reloaded as another device; without ib_uverbs it is said once; a link socket that was overrun; more
descriptors than select(2) can take.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import io
import os
import resource
import signal
import socket
import threading
import time

import pytest

from plugin_lib._compat import readable
from plugin_lib.daemon import events
from plugin_lib.daemon.events import LINKS, Events
from plugin_lib.daemon.log import Log
from plugin_lib.errors import ApplyError
from plugin_lib.host import uverbs
from plugin_lib.host.uverbs import DEVICE_FATAL, Event
from tests.unit.test_uverbs import class_tree


class Device(object):
    """An HCA's device; every byte in its pipe is one event that is waiting in ``told``."""

    all = {}

    def __init__(self, name):
        if name == 'uverbs9':
            raise EnvironmentError(errno.EINVAL, os.strerror(errno.EINVAL), '/dev/infiniband/' + name)
        self.events, self.end = os.pipe()
        self.told = []
        self.open = True
        self.all[name] = self

    def fileno(self):
        return self.events

    def tell(self, *pairs):
        self.told.extend(Event(*pair) for pair in pairs)
        os.write(self.end, b'.')

    def read(self):
        os.read(self.events, 4096)
        found, self.told = self.told, []
        return found, DEVICE_FATAL not in [event.type for event in found]

    def close(self):
        self.open = False
        os.close(self.events)
        os.close(self.end)


class Machine(object):
    """The tree of a machine whose HCAs can be changed."""

    def __init__(self, **devices):
        self.devices = devices

    def names(self, path):
        return class_tree(**self.devices).names(path)

    def read(self, path):
        return class_tree(**self.devices).read(path)


@pytest.fixture
def machine(monkeypatch):
    monkeypatch.setattr(uverbs, 'Device', Device)
    Device.all.clear()
    return Machine(uverbs0='mlx4_0')


class Quiet(object):
    """Surroundings in which nothing happens."""

    def follow(self):
        pass

    close = follow

    def sources(self):
        return []


@pytest.fixture
def log():
    return io.StringIO()


@pytest.fixture
def waiting(machine, log):
    """An Events whose link socket is quiet: other interfaces of this machine are none of its business here."""
    waiting = Events(machine, Quiet(), Log(log, 'debug'))
    waiting._links.close()
    waiting._links, waiting.link_end = socket.socketpair()
    waiting._links.setblocking(False)
    waiting.follow()
    yield waiting
    waiting.close()
    waiting.link_end.close()


def test_an_event_of_an_hca_names_its_port(waiting, log):
    Device.all['uverbs0'].tell((2, 12))
    assert waiting.wait(10) == set([('mlx4_0', 2)])
    assert log.getvalue().splitlines()[-1] == 'level=debug event=hca hca=mlx4_0 port=2 what=pkey-change'


def test_nothing_happens(waiting, monkeypatch):
    calls = []

    def counted(sources, timeout):
        calls.append(timeout)
        return readable(sources, timeout)
    monkeypatch.setattr(events, 'readable', counted)
    assert waiting.wait(0.2) == set()
    assert calls == [0.2]


def test_a_link_event_and_a_signal_wake_without_a_port(waiting):
    waiting.link_end.send(b'RTM_NEWLINK')
    assert waiting.wait(10) == set([LINKS])
    before = signal.signal(signal.SIGHUP, lambda number, frame: None)
    try:
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGHUP)).start()
        # Python 2's poll ends with EINTR before the pipe of the signal can be seen.
        assert (waiting.wait(10) or waiting.wait(10)) == set([None])
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_burst_is_one(waiting):
    def tell():
        for port in (1, 2, 1, 2):
            Device.all['uverbs0'].tell((port, 12))
            time.sleep(0.001)
    teller = threading.Thread(target=tell)
    teller.start()
    happened = waiting.wait(10)
    teller.join()
    happened |= waiting.wait(0)  # on a busy machine the burst may have had a pause
    assert happened == set([('mlx4_0', 1), ('mlx4_0', 2)])


def test_a_burst_without_end_keeps_nobody_waiting(waiting, monkeypatch):
    monkeypatch.setattr(waiting, '_take', lambda source: [None])  # it stays readable for ever
    waiting.link_end.send(b'.')
    assert waiting.wait(10) == set([None])


def test_descriptors_beyond_those_of_select(waiting):
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[1] < 1100:
        pytest.skip('this machine allows no more than {0} open files'.format(before[1]))
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(1100, before[0]), before[1]))
    far, device = 1050, Device.all['uverbs0']
    try:
        os.dup2(device.events, far)
        os.close(device.events)
        device.events = far
        device.tell((1, 12))
        assert waiting.wait(10) == set([('mlx4_0', 1)])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_an_hca_that_comes_and_goes(waiting, machine):
    machine.devices['uverbs1'] = 'mlx4_1'
    waiting.follow()
    Device.all['uverbs1'].tell((1, 9))
    assert waiting.wait(10) == set([('mlx4_1', 1)])
    del machine.devices['uverbs1']
    waiting.follow()
    assert not Device.all['uverbs1'].open
    assert Device.all['uverbs0'].open


def test_an_hca_that_dies_is_let_go_at_once_and_found_again(waiting):
    first = Device.all['uverbs0']
    first.tell((0, DEVICE_FATAL))
    assert waiting.wait(10)
    assert not first.open  # else its driver could not be unloaded
    assert waiting.wait(0) == set()
    waiting.follow()
    Device.all['uverbs0'].tell((1, 12))
    assert waiting.wait(10) == set([('mlx4_0', 1)])


def test_a_reloaded_driver_has_another_device(waiting, machine):
    machine.devices = {'uverbs3': 'mlx4_0'}
    waiting.follow()
    assert (Device.all['uverbs0'].open, Device.all['uverbs3'].open) == (False, True)


def test_without_events_of_an_hca_it_is_said_once(machine, log):
    machine.devices = {}
    waiting = Events(machine, Quiet(), Log(log))
    for _ in range(3):
        waiting.follow()
    assert log.getvalue() == 'level=info event=events why="there is no /dev/infiniband/uverbsN" ' \
        'next="changes of P_Keys are found by the resync"\n'
    machine.devices = {'uverbs9': 'mlx5_0'}
    for _ in range(3):
        waiting.follow()
    assert log.getvalue().splitlines()[1:] == [
        'level=info event=events hca=mlx5_0 why="/dev/infiniband/uverbs9: Invalid argument" '
        'next="changes of P_Keys are found by the resync"']
    waiting.close()


class Overrun(object):
    """A netlink socket whose buffer was too small."""

    def __init__(self):
        self.answers = [errno.ENOBUFS, errno.EINTR, None, errno.EAGAIN]

    def recv(self, size):
        number = self.answers.pop(0)
        if number:
            raise EnvironmentError(number, os.strerror(number))
        return b'RTM_NEWLINK'


def test_an_overrun_socket_is_an_event_like_any_other(waiting):
    waiting._links.close()
    links = waiting._links = Overrun()
    assert waiting._take(links) == [LINKS]
    assert links.answers == []
    waiting._links = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)


def test_a_kernel_that_gives_no_link_events_is_an_error(machine, log, monkeypatch):
    def refuse(*arguments):
        raise EnvironmentError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))
    monkeypatch.setattr(socket, 'socket', refuse)
    with pytest.raises(ApplyError) as caught:
        Events(machine, Quiet(), Log(log))
    assert caught.value.errno == errno.EAFNOSUPPORT
