# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The real ib_ipoib as a driver without rtnetlink's children: its sysfs files alone, whose delete is asynchronous.

Covered: a child deleted and made again at once, many times; the kernel's own answers to a second delete and to a new
child before the first is gone; a pass of eipoibd, which serves untagged traffic through the parent then.
"""
import errno
import os

from plugin_lib.daemon import main as daemon
from plugin_lib.daemon.convergence import converge, flush
from plugin_lib.effect import rtnetlink
from plugin_lib.effect.executor import Executor
from plugin_lib.host.source import open_root
from plugin_lib.pkey import PKey
from plugin_lib.planning.operations import CreateChild, DeleteChild
from tests.vm import inside

CREATE, DELETE = f'{inside.NET}/ib0/create_child', f'{inside.NET}/ib0/delete_child'


class WithoutChildren:
    """rtnetlink of a kernel whose ib_ipoib makes no children with it."""

    def __getattr__(self, name):
        return getattr(rtnetlink, name)

    def add_link(self, parent, name, pkey):
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP), name)


def delete_and_create(rounds):
    """In the guest: ifindexes of the children of one name that came after each other."""
    executor, pkey, found = Executor(netlink=WithoutChildren()), PKey(0x64, True), []
    for _ in range(rounds):
        executor.do(CreateChild('ib0', pkey, 'ib0.8064'))
        found.append(inside.read(f'{inside.NET}/ib0.8064/ifindex'))
        executor.do(DeleteChild('ib0', pkey, 'ib0.8064'))
    return found


def test_a_child_is_made_again_as_soon_as_it_is_gone(guest):
    assert len(set(guest.call(delete_and_create, 30))) == 30
    assert guest.call(inside.children) == []


def answers():
    """In the guest: what the kernel says to two deletes and a new child in a row."""
    inside.write(CREATE, '0x8064')
    return [inside.attempt(DELETE, '0x8064'), inside.attempt(DELETE, '0x8064'), inside.attempt(CREATE, '0x8064')]


def test_what_the_kernel_says_before_a_child_is_gone(guest):
    first, second, third = guest.call(answers)
    # It depends on how far the kernel is; these are the answers that eipoibd has to live with.
    assert (first, second in ('ok', 'ENODEV'), third in ('ok', 'ENOTUNIQ', 'EEXIST')) == ('ok', True, True)


def one_pass():
    result = converge(open_root(), Executor(netlink=WithoutChildren()), daemon.ledger())
    return [error.one_line() for error in result.errors]


def remove_everything():
    outcomes = flush(open_root(), Executor(netlink=WithoutChildren()), daemon.ledger())
    return [outcome.error.one_line() for outcome in outcomes if outcome.error]


def test_a_pass_of_eipoibd(guest):
    name = next(name for name, parent in guest.call(inside.eipoibs).items() if parent == 'ib0')
    guest.call(inside.program, 1, [0xffff, 0x8064, 0x8065])
    guest.call(inside.must, 'mkdir', '-p', daemon.RUN_FOLDER)
    assert guest.call(one_pass) == []
    assert guest.call(inside.vlans, name) == [-1, 100, 101]
    assert guest.call(inside.children) == ['ib0.8064', 'ib0.8065']
    assert guest.call(inside.served_vifs, name)[0][0] == 'ib0'
    assert guest.call(one_pass) == []
    assert guest.call(remove_everything) == []
    assert guest.call(inside.children) == []
