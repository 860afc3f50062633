# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Steps on virtual interfaces: what is asked of rtnetlink, in which order it is undone, and the words of its errors."""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import os

import pytest

from plugin_lib.effect.apply import apply
from plugin_lib.effect.executor import Executor
from plugin_lib.planning.link_operations import AddBridgeLink, AddVethPair, AddVlanLink, SetMaster
from plugin_lib.planning.operations import LinkUp, SetMtu, Step

OPERATIONS = (AddBridgeLink('br-mgmt'), AddVlanLink('eth4', 'eth4.201', 201), SetMaster('eth4.201', 'br-mgmt'),
              SetMtu('eth4.201', 1400, 2044), LinkUp('eth4.201'), AddVethPair('v-0', 'v-1'))
ASKED = [('add_bridge', 'br-mgmt'), ('add_vlan', 'eth4', 'eth4.201', 201), ('set_master', 'eth4.201', 'br-mgmt'),
         ('set_mtu', 'eth4.201', 1400), ('link_up', 'eth4.201'), ('add_veth', 'v-0', 'v-1')]


class Netlink(object):
    """Notes what is asked, and refuses one function."""

    def __init__(self, refused=None, code=errno.EBUSY):
        self.asked = []
        self.refused = refused
        self.code = code

    def __getattr__(self, name):
        def ask(*arguments):
            self.asked.append((name,) + arguments)
            if name == self.refused:
                raise EnvironmentError(self.code, os.strerror(self.code), 'rtnetlink')
        return ask


def done(netlink):
    return apply((Step('ovs', 'eth4.201 in br-mgmt', 'a test', OPERATIONS),), Executor(netlink=netlink))[0]


def test_each_operation_asks_once():
    netlink = Netlink()
    assert done(netlink).error is None
    assert netlink.asked == ASKED


@pytest.mark.parametrize('refused, undone', [
    ('add_bridge', []),
    ('add_vlan', [('delete_link', 'br-mgmt')]),
    ('set_master', [('delete_link', 'eth4.201'), ('delete_link', 'br-mgmt')]),
    ('add_veth', [('set_mtu', 'eth4.201', 2044), ('set_master', 'eth4.201', None), ('delete_link', 'eth4.201'),
                  ('delete_link', 'br-mgmt')])])
def test_what_was_made_before_a_failure_is_undone_from_the_last_on(refused, undone):
    netlink = Netlink(refused)
    assert done(netlink).error
    reached = [asked[0] for asked in ASKED].index(refused) + 1
    assert netlink.asked == ASKED[:reached] + undone


@pytest.mark.parametrize('refused, code, what, todo', [
    ('add_vlan', errno.EOPNOTSUPP, 'cannot add eth4.201, VLAN 201 of eth4', 'module 8021q'),
    ('set_master', errno.EBUSY, 'cannot put eth4.201 into br-mgmt', 'ip -d link'),
    ('add_bridge', errno.EPERM, 'cannot add Linux bridge br-mgmt', 'root')])
def test_an_error_says_what_to_do(refused, code, what, todo):
    error = done(Netlink(refused, code)).error
    assert (error.what, error.errno) == (what, code)
    assert todo in error.todo
