# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What Linux bridges have learnt, from messages as the kernel makes them; the real bridge: test_ovs_vifs."""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import os
import struct

import pytest

from plugin_lib.host import learnt
from plugin_lib.host.learnt import MOST, Learnt, parse

MAC = 'fa:16:3e:00:00:01'


def entry(ifindex=7, mac=MAC, state=2, family=7):
    octets = bytes(bytearray(int(part, 16) for part in mac.split(':')))
    return struct.pack(str('=BxxxiHBBHH'), family, ifindex, state, 0, 0, 10, 2) + octets + b'\0\0'


def test_an_entry():
    assert parse(entry()) == (7, MAC)


@pytest.mark.parametrize('body', [entry(state=0x80), entry(family=2), entry()[:12]])
def test_what_is_not_learnt(body):
    assert parse(body) is None


@pytest.mark.parametrize('length', range(12))
def test_what_is_not_netlink(length):
    with pytest.raises(EnvironmentError) as caught:
        parse(entry()[:length])
    assert caught.value.errno == errno.EBADMSG


@pytest.fixture
def bridge(monkeypatch):
    """{'entries': [(ifindex, MAC)]} that the next dump shows."""
    shown = {'entries': []}
    monkeypatch.setattr(learnt, '_dump', lambda: shown['entries'])
    return shown


def look(learnt, bridge, *entries):
    bridge['entries'] = list(entries)
    learnt._fresh = True
    return learnt.read({7: 'tap7', 8: 'tap8'})


def test_a_mac_stays_with_its_port_until_another_has_it_or_the_port_goes(bridge):
    found = Learnt()
    assert look(found, bridge, (7, MAC), (9, 'fa:16:3e:00:00:09')) == (('tap7', MAC),)
    assert look(found, bridge) == (('tap7', MAC),)
    assert look(found, bridge, (8, MAC)) == (('tap8', MAC),)
    assert found.read({7: 'tap7'}) == ()
    assert look(found, bridge) == ()
    found.close()


def test_a_guest_that_makes_up_macs(bridge):
    found = Learnt()
    look(found, bridge, (8, MAC))
    macs = ['fa:16:3e:00:01:{0:02x}'.format(number) for number in range(100)]
    look(found, bridge, *[(7, mac) for mac in macs])
    assert look(found, bridge) == tuple(('tap7', mac) for mac in macs[-MOST:]) + (('tap8', MAC),)
    found.close()


def test_a_dump_that_fails_is_asked_for_again(bridge, monkeypatch):
    found = Learnt()
    bridge['entries'] = [(7, MAC)]

    def refuse():
        raise EnvironmentError(errno.ENOBUFS, os.strerror(errno.ENOBUFS))
    with monkeypatch.context() as trouble:
        trouble.setattr(learnt, '_dump', refuse)
        with pytest.raises(EnvironmentError):
            found.read({7: 'tap7'})
    assert found.read({7: 'tap7'}) == (('tap7', MAC),)
    found.close()
