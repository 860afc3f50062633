# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Whatever happens to a node, eipoibd ends in the desired state and touches nothing of others.

A hypothesis state machine over the modelled kernel: tables come and go, ports go down and come back, interfaces are
renamed and set down, other tools make, release and delete children; any change that a pass makes may be refused with
any errno, and the process may die before or after it.  At any point, once the world holds still, a few passes serve
exactly what the table says, and one more has nothing to do.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import os
import shutil
import tempfile

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from plugin_lib.errors import InfinibandError
from tests.model.kernel import Listener
from tests.model.node import MASS_HOLD, Node

NET = '/sys/class/net/'
VLANS = (1, 2, 100, 101, 4094)
ENTRIES = [0x8000 | vlan for vlan in VLANS] + [1, 100, 0x8fff, 0x9000, 0]
ERRORS = (errno.EINVAL, errno.EBUSY, errno.ENOMEM, errno.EPERM, errno.ENODEV, errno.EEXIST, errno.ENOTUNIQ, errno.EIO,
          errno.EOPNOTSUPP)


class Crash(BaseException):
    """The process is killed."""


class Trouble(Listener):
    """Lets one change of a pass fail, or the process die around it.

    :param at: how many changes go well before
    :param error: errno, or None for a crash
    :param late: whether the crash comes after the change
    """

    def __init__(self, at, error=None, late=False):
        self._left = at
        self._error = error
        self._late = late

    def before(self, verb, target, text):
        self._left -= 1
        if self._left == -1 and not self._late:
            if self._error is None:
                raise Crash()
            raise OSError(self._error, os.strerror(self._error), target)

    def after(self, verb, target, text):
        if self._left == -1 and self._late:
            raise Crash()


class Eipoibd(RuleBasedStateMachine):

    def __init__(self):
        super(Eipoibd, self).__init__()
        self.folder = tempfile.mkdtemp()
        self.foreign = {}

    def teardown(self):
        shutil.rmtree(self.folder)

    @initialize(driver=st.sampled_from([{}, {'rtnetlink': False, 'child_index': True}, {'rtnetlink': False}]),
                delete_looks=st.integers(0, 2), overwrites_vif=st.booleans())
    def boot(self, driver, delete_looks, overwrites_vif):
        self.node = Node(self.folder, delete_looks=delete_looks, overwrites_vif=overwrites_vif, **driver)
        self.kernel = self.node.kernel

    # The fabric.

    @rule(entries=st.lists(st.sampled_from(ENTRIES), max_size=8))
    def program(self, entries):
        self.node.port.set_pkeys([0xffff] + entries)

    @rule(state=st.sampled_from(['ACTIVE', 'DOWN', 'INIT']))
    def change_port(self, state):
        self.node.port.state = state

    @rule(guid=st.sampled_from([None, '0002c90300000001', '0002c90300abcdef']))
    def change_guid(self, guid):
        self.node.port.guid = guid

    @rule(number=st.sampled_from([None, errno.EIO]))
    def break_table(self, number):
        self.node.port.table_errno = number

    # Other tools.

    @rule(name=st.sampled_from(['eth4', 'eth9']))
    def rename(self, name):
        if self.node.eipoib.name != name:
            self.kernel.rename(self.node.eipoib.name, name)

    @rule()
    def set_down(self):
        self.node.eipoib.up = False

    @rule(vlan=st.sampled_from(VLANS))
    def make_child(self, vlan):
        name = 'ib0.%04x' % (0x8000 | vlan)
        noted = self.node.ledger.read().get(name)
        # A name that a pass noted just before it died is taken for ours, whoever makes it before the next pass.
        if name not in self.kernel.netdevs and (noted is None or noted.ifindex is not None):
            self.kernel.write(NET + 'ib0/create_child', '0x%04x' % (0x8000 | vlan))
            self.foreign[name] = self.kernel.netdevs[name].ifindex

    @precondition(lambda self: self.foreign)
    @rule(data=st.data())
    def remove_child(self, data):
        name = data.draw(st.sampled_from(sorted(self.foreign)))
        self.kernel.unregister(name)
        del self.foreign[name]

    @precondition(lambda self: self.own())
    @rule(data=st.data(), half_made=st.booleans())
    def release(self, data, half_made):
        name = data.draw(st.sampled_from(self.own()))
        if name in self.node.eipoib.slaves:
            self.kernel.eth_ipoib.release(self.node.eipoib, name)
        self.kernel.netdevs[name].claimed = half_made

    @precondition(lambda self: self.own())
    @rule(data=st.data())
    def delete(self, data):
        self.kernel.unregister(data.draw(st.sampled_from(self.own())))

    @precondition(lambda self: self.own())
    @rule(data=st.data(), vif=st.sampled_from([None, ('02:00:00:00:00:01', 7), ('02:00:00:00:00:02', None)]))
    def change_vif(self, data, vif):
        name = data.draw(st.sampled_from(self.own()))
        if name in self.node.eipoib.slaves:
            self.kernel.netdevs[name].vif = vif

    def own(self):
        return [name for name in self.node.children() if name not in self.foreign]

    # eipoibd.

    @rule(after=st.sampled_from([0, 30, 100, 700]))
    def serve(self, after):
        self.node.serve(after)

    @rule(at=st.integers(0, 12), error=st.sampled_from(ERRORS))
    def serve_with_an_error(self, at, error):
        self.kernel.listener = Trouble(at, error)
        self.node.serve(30)
        self.kernel.listener = Listener()

    @rule(at=st.integers(0, 12), late=st.booleans())
    def serve_and_die(self, at, late):
        self.kernel.listener = Trouble(at, None, late)
        try:
            self.node.serve(30)
        except Crash:
            self.node.start()
        self.kernel.listener = Listener()

    @rule()
    def restart(self):
        self.node.start()

    @rule()
    def flush(self):
        self.node.flush()
        assert not self.own() or self.kernel.netdevs[self.own()[0]].looks_left is not None

    # What must hold.

    @invariant()
    def children_of_others_are_untouched(self):
        for name, ifindex in self.foreign.items():
            child = self.kernel.netdevs[name]
            assert (child.ifindex, child.master, child.looks_left) == (ifindex, None, None)

    @rule()
    def hold_still(self):
        port = self.node.port
        port.state, port.table_errno, port.guid = 'ACTIVE', None, port.guid or '0002c90300000001'
        self.node.serve()
        self.node.serve(after=MASS_HOLD)
        self.node.serve()
        result = self.node.serve()
        assert result.outcomes == (), [finding.line() for finding in result.findings]
        wanted = [vlan for vlan in VLANS if 0x8000 | vlan in port.pkeys
                  and 'ib0.%04x' % (0x8000 | vlan) not in self.foreign]
        assert self.node.vlans() == [-1] + wanted
        assert [name for name in self.own() if name != 'ib0.1'] == ['ib0.%04x' % (0x8000 | vlan) for vlan in wanted]


TestEipoibd = Eipoibd.TestCase
TestEipoibd.settings = settings(
    max_examples=int(os.environ.get('EIPOIBD_EXAMPLES', '60')), stateful_step_count=40, deadline=None)


def test_an_error_that_stops_a_pass_is_one_of_ours(tmpdir):
    node = Node(tmpdir)
    tmpdir.join('children.json').write('no ledger')
    try:
        node.once()
    except InfinibandError as error:
        assert 'children.json' in error.one_line()
        assert node.children() == []
    else:
        raise AssertionError('a broken ledger went unnoticed')
