# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Children are made only as far as the machine's memory suffices for their queues.

Covered: what a machine tells of its memory, old kernels and garbage included; how many children fit; which come first;
what is left out and how it is told; children that take less than they might, and those that take all; the queue that
ib_ipoib really uses; children that are made anew; a table that is nearly full.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_lib.daemon import config
from plugin_lib.daemon.convergence import converge, foresee
from plugin_lib.host import memory
from plugin_lib.host.memory import MEMINFO, QUEUE_SIZE, Memory
from plugin_lib.host.tree import Tree
from plugin_lib.planning import budget
from plugin_lib.planning.budget import BUFFER, MIB
from tests.model.node import Node

GIB = 1024 * MIB
CHILD = 128 * BUFFER  # what a child takes at most with the default queue


class Files(object):
    """A tree with some files in front of another tree."""

    def __init__(self, files, tree=None):
        self._files = files
        self._tree = tree

    def read(self, path):
        text = self._files.get(path)
        if callable(text):
            return text()
        if text is not None:
            return text
        if self._tree is None:
            raise EnvironmentError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return self._tree.read(path)

    def __getattr__(self, name):
        return getattr(self._tree, name)


def meminfo(total, **kinds):
    return 'MemTotal: {0:>15} kB\n'.format(total // 1024) + ''.join(
        '{0}: {1:>15} kB\n'.format(kind, size // 1024) for kind, size in sorted(kinds.items())) + 'HugePages_Free: 0'


@pytest.mark.parametrize('text, expected', [
    (meminfo(8 * GIB, MemFree=GIB, MemAvailable=6 * GIB, Cached=2 * GIB), Memory(8 * GIB, 6 * GIB)),
    (meminfo(8 * GIB, MemFree=GIB, Cached=2 * GIB, SwapCached=GIB), Memory(8 * GIB, 3 * GIB)),  # before Linux 3.14
    (meminfo(8 * GIB, MemFree=GIB), None), ('', None), ('MemTotal: lots kB\nMemAvailable: -1 kB', None), (None, None)])
def test_what_a_machine_tells_of_its_memory(text, expected):
    assert memory.read(Files({MEMINFO: text})) == expected


@pytest.mark.parametrize('text, expected', [('256', 256), ('', None), ('many', None), ('-1', None), (None, None)])
def test_the_queue_that_ib_ipoib_uses(text, expected):
    assert memory.queue_size(Files({QUEUE_SIZE: text})) == expected


def test_this_machine_has_memory():
    found = memory.read(Tree())
    assert 0 < found.available <= found.total


@given(st.integers(0, 2 ** 40), st.integers(0, 2 ** 40), st.sampled_from(config.QUEUE_SIZES))
def test_whatever_fits_leaves_the_node_its_reserve(total, available, queue_size):
    count = budget.children_that_fit(Memory(total, available), queue_size)
    assert count >= 0
    if count:
        assert available - count * queue_size * BUFFER >= max(64 * MIB, total // 20)


class Small(object):
    """A node of little memory, of which each child really takes some.

    :param children: how many fit at their greatest
    :param takes: bytes that a child really takes
    """

    def __init__(self, folder, pkeys, children, takes=CHILD, **files):
        self.node = Node(folder, pkeys)
        self._free = 64 * MIB + children * CHILD
        self._takes = takes
        files[str(MEMINFO)] = self._meminfo
        self.node.kernel.tree = Files(files, self.node.kernel.tree)
        self.least = self._free

    def _meminfo(self):
        self.least = self._free - self._takes * len(self.node.children())
        return meminfo(GIB, MemAvailable=self.least)

    def once(self, settings=config.DEFAULTS):
        return converge(self.node.kernel, self.node.executor, self.node.ledger, settings=settings)


KEYS = [0xffff] + [0x8000 | vlan for vlan in (300, 100, 200, 400)]


def test_untagged_traffic_comes_first_then_the_lowest_vlans(tmpdir):
    small = Small(tmpdir, KEYS, 3)
    result = small.once()
    assert small.node.vlans() == [-1, 100, 200]
    assert [finding.line() for finding in result.findings if finding.state != 'ok'] == [
        'mlx4_0 port 1 0x{0:04x} full ==> ib0.{0:04x} vlan {1} eth4 memory: its queue might take more memory than the'
        ' node can spare'.format(0x8000 | vlan, vlan) for vlan in (300, 400)]
    assert result.warnings == (
        'eth4: no memory for 2 of its VLANs, from vlan 300 on: the queue of each child takes up to 9 MiB; lower'
        ' queue_size (recv_queue_size of ib_ipoib is 128), add memory, or give the port fewer partitions',)
    assert (small.once().outcomes, small.least >= 64 * MIB) == ((), True)


def test_the_same_is_foreseen(tmpdir):
    small = Small(tmpdir, KEYS, 3)
    steps, findings, warnings = foresee(small.node.kernel, small.node.ledger, config.DEFAULTS)
    assert [step.subject for step in steps] == ['eth4 link', 'eth4 untagged', 'eth4 vlan 100', 'eth4 vlan 200']
    assert [finding.vlan for finding in findings if finding.state == 'memory'] == [300, 400]
    assert len(warnings) == 1


def test_not_even_one(tmpdir):
    small = Small(tmpdir, KEYS, 0)
    assert [outcome.step.subject for outcome in small.once().outcomes] == ['eth4 link']
    assert small.node.children() == []


def test_children_that_take_less_than_they_might_make_room_for_more(tmpdir):
    small = Small(tmpdir, [0xffff] + [0x8000 | vlan for vlan in range(100, 226)], 20, takes=CHILD // 16)
    assert small.once().warnings == ('mlx4_0 port 1 holds 127 of at most 128 P_Keys: partitions beyond these do not'
                                     ' reach it',)
    assert small.node.vlans() == [-1] + list(range(100, 226))
    assert small.least >= 64 * MIB


def test_what_ib_ipoib_says_of_its_queue_counts_more_than_the_configuration(tmpdir):
    small = Small(tmpdir, KEYS, 1, **{str(QUEUE_SIZE): '64'})
    small.once(config.DEFAULTS._replace(queue_size=8192))
    assert small.node.vlans() == [-1, 100]


def test_the_configured_queue_counts_where_ib_ipoib_says_nothing(tmpdir):
    small = Small(tmpdir, KEYS, 1)
    small.once(config.DEFAULTS._replace(queue_size=64))
    assert small.node.vlans() == [-1, 100]


def test_more_memory_is_used_when_it_is_there(tmpdir):
    small = Small(tmpdir, KEYS, 3)
    small.once()
    small._free += 2 * CHILD
    small.once()
    assert small.node.vlans() == [-1, 100, 200, 300, 400]


def test_a_child_that_is_made_anew_takes_what_it_gave_back(tmpdir):
    small = Small(tmpdir, KEYS, 5)
    small.once()
    small.node.kernel.eth_ipoib.release(small.node.eipoib, 'ib0.8064')
    assert not small.once().errors
    assert small.node.vlans() == [-1, 100, 200, 300, 400]


def test_keys_that_come_in_the_place_of_others_never_take_both(tmpdir):
    small = Small(tmpdir, KEYS, 5)
    small.once()
    small.node.port.set_pkeys([0xffff] + [0x8000 | vlan for vlan in (301, 101, 201, 401)])
    small.once()
    assert small.least >= 64 * MIB
    assert len(small.node.children()) == 5


def test_a_machine_that_does_not_tell_its_memory_is_not_limited(tmpdir):
    node = Node(tmpdir, KEYS)
    node.once()
    assert node.vlans() == [-1, 100, 200, 300, 400]


@pytest.mark.parametrize('count, warned', [(120, False), (121, True)])
def test_a_table_that_is_nearly_full_is_told(tmpdir, count, warned):
    node = Node(tmpdir, [0x8000 | vlan for vlan in range(1, count + 1)])
    assert bool(node.once().warnings) == warned
