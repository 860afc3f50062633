# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What is not done twice: pure functions with the same question, and a look at a machine where nothing changed, and
what is told of it.
"""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib.daemon.status import Status, read
from plugin_lib.errors import ApplyError
from plugin_lib.host import machine
from plugin_lib.host.tree import AnyTree
from plugin_lib.memo import remembering
from tests.model.node import Node


def test_an_answer_is_remembered_and_so_are_a_few_before_it():
    asked = []

    @remembering
    def double(number):
        asked.append(number)
        return 2 * number

    assert [double(number) for number in (1, 2, 1, 2)] == [2, 4, 2, 4]
    assert asked == [1, 2]
    for number in range(100):
        double(number)
    assert double(1) == 2
    assert asked.count(1) == 2


class Counting(AnyTree):
    """A source that notes what it is asked."""

    def __init__(self, kernel):
        self.links, self.tree, self._kernel = kernel.links, self, kernel
        self.asked = []

    def drvinfo(self, name):
        self.asked.append(name)
        return self._kernel.drvinfo(name)

    def __getattr__(self, name):
        def ask(path):
            self.asked.append(path)
            return getattr(self._kernel.tree, name)(path)
        return ask


def test_a_second_look_asks_no_driver_and_no_child_again(tmpdir):
    node = Node(tmpdir, [0xffff, 0x8064, 0x8065], rtnetlink=False, child_index=True)
    node.once()
    source = Counting(node.kernel)
    first = machine.read(source)
    assert 'ib0.8064' in source.asked and '/sys/class/net/ib0.8064/pkey' in source.asked
    del source.asked[:]
    assert machine.read(source) == first
    assert not [path for path in source.asked if 'ib0.' in path or not path.startswith('/')]
    node.kernel.unregister('ib0.8064')
    node.kernel.write('/sys/class/net/ib0/create_child', '0x8064')
    assert machine.read(source).children['ib0.8064'].ifindex == node.kernel.netdevs['ib0.8064'].ifindex
    assert '/sys/class/net/ib0.8064/pkey' in source.asked


def test_a_child_whose_files_come_after_it_is_asked_again(tmpdir):
    node = Node(tmpdir, [0xffff, 0x8064], rtnetlink=False, child_index=True)
    node.once()
    source = Counting(node.kernel)
    child = node.kernel.netdevs['ib0.8064']
    child.way = 'rtnetlink'  # neither pkey nor parent
    node.kernel.ipoib.rtnetlink = False
    listed = node.kernel.links()
    source.links = lambda: dict(listed, **{str('ib0.8064'): listed['ib0.8064']._replace(parent=None, pkey=None)})
    assert 'ib0.8064' not in machine.read(source).children
    child.way = 'sysfs'
    assert machine.read(source).children['ib0.8064'].pkey.vlan == 100


def test_the_status_forgets_a_failure_although_nothing_else_has_changed(tmpdir):
    node = Node(tmpdir, [0xffff, 0x8064])
    node.once()
    kept = Status(str(tmpdir), 'service')
    kept.update(node.once())
    kept.fail(ApplyError('cannot lock', '/run/eipoibd/pass.lock', 'it is taken'))
    assert 'cannot lock' in read(str(tmpdir))['error']
    kept.update(node.once())
    assert read(str(tmpdir))['error'] is None
