# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What changes a machine: nothing but what was planned reaches it, whole or not at all.

Covered: the allow-list and the lengths of sysfs writes; steps and their undo; the words of errors; three ways to make
a child and the memory of them; asynchronous delete.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_lib.effect import files
from plugin_lib.effect.apply import apply
from plugin_lib.effect.sysfs import SysfsWriter
from plugin_lib.errors import ApplyError, InputError
from plugin_lib.pkey import PKey
from plugin_lib.planning.operations import (
    AddVif,
    CreateChild,
    DeleteChild,
    Enslave,
    LinkUp,
    Release,
    Step,
)
from tests.model.listener import Listener
from tests.model.node import KEY, MAC, SERVE, Node

NET = '/sys/class/net/'


class Refusing(Listener):
    """Refuses the changes to whatever has ``part`` in its path or name."""

    def __init__(self, part, number):
        self.part = part
        self.number = number

    def before(self, verb, target, text):
        if self.part in target:
            raise OSError(self.number, os.strerror(self.number), target)


@pytest.fixture
def node(tmpdir):
    node = Node(tmpdir, [0xffff, 0x8064])
    node.kernel.link_up('eth4')
    return node


# sysfs

def written(act):
    """What ``act(writer)`` would write, None when it was refused."""
    calls = []
    try:
        act(SysfsWriter(lambda path, text: calls.append((path, text))))
    except InputError:
        assert calls == []
        return None
    return calls[0]


def test_the_writes():
    assert written(lambda it: it.create_child('ib0', '0x8064')) == (NET + 'ib0/create_child', '0x8064')
    assert written(lambda it: it.delete_child('ib0', '.1')) == (NET + 'ib0/delete_child', '.1')
    assert written(lambda it: it.enslave('eth4', 'ib0.8064')) == (NET + 'eth4/eth/slaves', '+ib0.8064')
    assert written(lambda it: it.release('eth4', 'ib0.8064')) == (NET + 'eth4/eth/slaves', '-ib0.8064')
    assert written(lambda it: it.add_vif('eth4', 'ib0.8064', MAC, 100)) == (
        NET + 'eth4/eth/vifs', '+ib0.8064 00:02:c9:00:00:01 100')
    assert written(lambda it: it.add_vif('eth4', 'ib0.1', MAC, None))[1] == '+ib0.1 00:02:c9:00:00:01'
    assert written(lambda it: it.set_mode('ib0', 'connected')) == (NET + 'ib0/mode', 'connected\n')


@pytest.mark.parametrize('act', [
    lambda it: it.create_child('../ib0', '0x8064'), lambda it: it.create_child('..', '0x8064'),
    lambda it: it.create_child('ib0', '0x8064\n'), lambda it: it.create_child('ib0', '0x18064'),
    lambda it: it.create_child('ib0', '.1000'), lambda it: it.enslave('eth4', 'sixteen-letters-'),
    lambda it: it.enslave('eth4', ''), lambda it: it.enslave('eth4', 'ib0 eth0'),
    lambda it: it.add_vif('eth4', 'ib0.8064', MAC + ':02', 100), lambda it: it.add_vif('eth4', 'ib0.8064', MAC, 0),
    lambda it: it.set_mode('ib0', 'connected\n'), lambda it: it.set_mode('ib0', ''),
    lambda it: it.add_vif('eth4', 'ib0.8064', MAC, 4095), lambda it: it.add_vif('eth4', 'ib0.8064', '2:c9::', 100),
])
def test_values_that_must_not_reach_the_kernel(act):
    assert written(act) is None


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_no_text_overruns_the_drivers_buffers(interface, child, mac):
    for act in (lambda it: it.add_vif(interface, child, mac, 100), lambda it: it.enslave(interface, child)):
        call = written(act)
        if call:
            assert call[0].count('/') == 6
            assert [len(word) <= limit for word, limit in zip(call[1].split(), (16, 17, 4))].count(False) == 0


# files

def test_a_file_behind_a_link_is_replaced_and_the_link_stays(tmpdir):
    tmpdir.join('theirs.yaml').write('old')
    tmpdir.join('plugins.yaml').mksymlinkto('theirs.yaml')
    files.write_atomically(str(tmpdir.join('plugins.yaml')), 'new', None)
    assert os.path.islink(str(tmpdir.join('plugins.yaml')))
    assert tmpdir.join('theirs.yaml').read() == 'new'


# steps

def test_a_step_is_done_whole(node):
    outcome, = apply((SERVE,), node.executor)
    assert (outcome.error, outcome.line()) == (None, 'done')
    assert outcome.performed == SERVE.operations
    assert node.vlans() == [100]


@pytest.mark.parametrize('leaf', ['slaves', 'vifs'])
def test_a_step_that_fails_is_undone(node, leaf):
    node.kernel.listener = Refusing(leaf, errno.ENOMEM)
    outcome, = apply((SERVE,), node.executor)
    assert outcome.error.errno == errno.ENOMEM
    assert outcome.line() == 'failed, undone'
    node.kernel.listener = Listener()
    assert node.children() == []
    assert node.eipoib.slaves == []


def test_an_undo_that_fails_too_leaves_the_rest_to_the_next_plan(node):
    node.kernel.listener = Refusing('eth4', errno.EIO)
    outcome, = apply((SERVE,), node.executor)
    assert [type(operation) for operation in outcome.performed] == [CreateChild, DeleteChild]
    up = Step('vlans', 'eth4', 'a test', (LinkUp('ib0'),) + SERVE.operations)
    assert apply((up,), node.executor)[0].line() == 'failed, undone but for 1 of 2 operations'
    assert apply((SERVE._replace(operations=SERVE.operations[1:]),), node.executor)[0].line() == 'failed'


def test_one_step_that_fails_does_not_stop_the_others(node):
    node.kernel.write(NET + 'ib0/create_child', '0x8064')
    other = Step('vlans', 'eth4 vlan 101', '', (CreateChild('ib0', PKey(101, True), 'ib0.8065'),))
    assert [outcome.error is None for outcome in apply((SERVE, other), node.executor, keep_going=True)] == [False, True]
    assert len(apply((SERVE, other), node.executor)) == 1
    assert apply((SERVE, other), node.executor, stop=lambda: True) == ()


def test_an_error_names_the_file_the_reason_and_what_to_do(node):
    node.kernel.write(NET + 'ib0/create_child', '0x8064')
    outcome, = apply((SERVE,), node.executor)
    assert (outcome.error.what, outcome.error.why, outcome.error.todo) == (
        'cannot create ib0.8064 on ib0 for P_Key 0x8064', os.strerror(errno.EEXIST),
        'look for what made the interface of that name, and remove it')
    node.kernel.netdevs['eth4'].up = False
    with pytest.raises(ApplyError) as caught:
        node.executor.do(Enslave('eth4', 'ib0.8064'))
    assert caught.value.where == NET + 'eth4/eth/slaves'
    assert 'check that the EIPOIB interface is up' in caught.value.todo


def test_a_vif_that_is_there_already_is_no_error(node):
    apply((SERVE,), node.executor)
    node.executor.do(SERVE.operations[-1])
    with pytest.raises(ApplyError):
        node.executor.do(AddVif('eth4', 'ib0.8064', MAC, 101))


def test_what_is_gone_already_is_removed(node):
    node.executor.do(Release('eth4', 'ib0.8064'))
    node.executor.do(DeleteChild('ib0', KEY, 'ib0.8064'))


def test_an_interface_that_vanishes_is_an_error_and_no_traceback(node):
    node.kernel.unregister('ib0')
    for operation in (CreateChild('ib0', KEY, 'ib0.8064'), LinkUp('ib0'), Enslave('eth4', 'ib0.8064')):
        with pytest.raises(ApplyError) as caught:
            node.executor.do(operation)
        assert caught.value.todo


# children

@pytest.mark.parametrize('options, way', [({}, 'rtnetlink'), ({'rtnetlink': False, 'child_index': True}, 'sysfs')])
def test_the_way_to_make_a_child_is_found_by_trying(tmpdir, options, way):
    node = Node(tmpdir, **options)
    for pkey, name in ((KEY, 'ib0.8064'), (PKey(0x7fff, True), 'ib0.1')):
        node.executor.do(CreateChild('ib0', pkey, name))
        assert node.kernel.netdevs[name].way == way
        assert node.kernel.netdevs[name].pkey == pkey.value
        node.executor.do(DeleteChild('ib0', pkey, name))
    assert node.children() == []
    assert node.executor.plain_only() == ()


def test_a_plain_driver_is_found_out_and_a_new_one_is_tried_anew(tmpdir):
    node = Node(tmpdir, rtnetlink=False)
    with pytest.raises(ApplyError):
        node.executor.do(CreateChild('ib0', PKey(0x7fff, True), 'ib0.1'))
    assert node.executor.plain_only() == ('ib0',)
    node.kernel.unregister('ib0')
    node.kernel.add_ipoib('ib0', node.port)  # the modules were loaded again
    assert node.executor.plain_only() == ()


@pytest.mark.parametrize('name, pkey', [('ib0.1', PKey(0x7fff, True)), ('ib0.8064', KEY)])
def test_rtnetlink_that_offers_no_children_yet_is_asked_again_before_the_driver_is_a_plain_one(tmpdir, name, pkey):
    node = Node(tmpdir)
    node.kernel.ipoib.rtnetlink = False

    class Late(Listener):
        def before(self, verb, target, text):
            if verb != 'add_link':
                node.kernel.ipoib.rtnetlink = True  # the module's next line
    node.kernel.listener = Late()
    node.executor.do(CreateChild('ib0', pkey, name))
    node.executor.do(CreateChild('ib0', KEY, 'ib0.8064.1'))
    assert node.children() == [name, 'ib0.8064.1'] and node.executor.plain_only() == ()


def test_where_rtnetlink_has_made_a_child_its_refusal_of_another_is_an_error(node):
    node.executor.do(CreateChild('ib0', KEY, 'ib0.8064'))
    node.kernel.listener = Refusing('ib0.8065', errno.EINVAL)
    with pytest.raises(ApplyError):
        node.executor.do(CreateChild('ib0', PKey(0x65, True), 'ib0.8065'))
    assert node.children() == ['ib0.8064'], 'not by another way either'


def test_a_delete_is_over_when_the_interface_is_gone(tmpdir):
    node = Node(tmpdir, rtnetlink=False, delete_looks=5)
    node.executor.do(CreateChild('ib0', KEY, 'ib0.8064'))
    node.executor.do(DeleteChild('ib0', KEY, 'ib0.8064'))
    node.executor.do(CreateChild('ib0', KEY, 'ib0.8064'))
    assert node.children() == ['ib0.8064']


def test_a_delete_that_never_ends_is_reported(node, monkeypatch):
    node.executor.do(CreateChild('ib0', KEY, 'ib0.8064'))
    monkeypatch.setattr(node.kernel, 'wait_gone', lambda name: False)
    with pytest.raises(ApplyError) as caught:
        node.executor.do(DeleteChild('ib0', KEY, 'ib0.8064'))
    assert caught.value.errno == errno.ETIMEDOUT


def test_a_driver_that_names_children_in_a_way_of_its_own_is_reported(tmpdir):
    node = Node(tmpdir, rtnetlink=False)
    node.kernel.rename('ib0', 'ib_long_name_0')  # ib_long_name_0.8064 is cut to 15 characters
    with pytest.raises(ApplyError) as caught:
        node.executor.do(CreateChild('ib_long_name_0', KEY, 'ib0.8064'))
    assert 'another child' in caught.value.what


def test_nothing_is_changed_when_it_cannot_be_noted(node, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))
    monkeypatch.setattr('plugin_lib.effect.ledger.write_atomically', refuse)
    with pytest.raises(ApplyError):
        node.once()
    assert node.children() == []
