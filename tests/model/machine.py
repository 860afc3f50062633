# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that may happen to a node, as a hypothesis state machine, and what eipoibd makes of it.

The world: tables come and go, whole and garbled, small and so large that the page of vifs is cut; ports go down and
come back; the MAC changes; interfaces are renamed, set down, unplugged and plugged in again; other tools make, enslave,
release and delete children; ports of Open vSwitch come, go and change their VLAN, and its database falls silent.
eipoibd: any change that a pass makes may be refused with any errno, files may not be readable, the world may change in
the middle of a pass, and the process may die before or after any change.

What holds: children of others stay as they are; a pass that nothing disturbs has no errors, makes a bounded number of
changes and takes no VLAN down while the table is not known, and no vif of a port's while the database is silent; and
whenever the world holds still, three passes serve exactly what the table and the ports say, and one more has nothing to
do.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import shutil
import sys

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from plugin_lib.planning import vifs
from tests.model.disturbance import Crash, Disturbance
from tests.model.listener import Listener
from tests.model.node import MASS_HOLD
from tests.model.sysfs import refuse
from tests.model.world import ENTRIES, MOST_VIFS, World

# 126 keys are more than the page of vifs shows.  From 67 and 932 on it is cut in the digits of a VLAN, which then reads
# as another one.
FIRST_OF_126 = (58, 67, 100, 932, 978)
ERRORS = (errno.EINVAL, errno.EBUSY, errno.ENOMEM, errno.EPERM, errno.ENODEV, errno.EEXIST, errno.ENOTUNIQ, errno.EIO,
          errno.EOPNOTSUPP)
CHANGES = ('', 'link_up', 'add_link', 'delete_link', 'create_child', 'delete_child', 'eth/slaves', 'eth/vifs')
# What serves one VLAN anew takes: release, delete, create, enslave, vif; what leaves: release, delete.
MOST_CHANGES_A_CHILD = 5

places = st.one_of(st.integers(0, 12), st.integers(0, 400))


class Eipoibd(World):
    """The machine; ``rules_run`` counts its steps."""

    rules_run = 0

    def teardown(self):
        try:
            if sys.exc_info()[0] is None:  # it has not failed
                self.hold_still()
        finally:
            shutil.rmtree(self.folder)

    # The world, and passes in it.

    @rule(first=st.sampled_from(FIRST_OF_126), number=st.sampled_from([63, 90, 126]), last=st.booleans())
    def program_many(self, first, number, last):
        keys = [0x8000 | vlan for vlan in range(first, first + number)]
        self.node.port.set_pkeys(keys + [0xffff] if last else [0xffff] + keys)
        self.undisturbed(30)

    @precondition(lambda self: self.own())
    @rule(index=st.integers(0, 3), how=st.sampled_from(['unreadable', 'garbled', 'down']))
    def know_nothing_for_long(self, index, how):
        """Whatever is absent then is not known to be, however long that lasts."""
        port = self.node.port
        pkeys = port.pkeys
        if how == 'down':
            port.state = 'DOWN'
            port.set_pkeys([0xffff])
        port.table_errno = errno.EIO if how == 'unreadable' else None
        port.garbled = {index: 'garbage'} if how == 'garbled' else {}
        self.undisturbed(0)
        self.undisturbed(MASS_HOLD)
        port.state, port.table_errno, port.garbled = 'ACTIVE', None, {}
        port.set_pkeys(pkeys)

    @precondition(lambda self: self.of_ports())
    @rule(after=st.sampled_from([0, 30, 100]))
    def lose_the_database(self, after):
        """Whatever is not in it then is not known to be gone."""
        network, before, pkeys = self.node.network, self.of_ports(), self.node.port.pkeys
        switch, network.switch, network.known = network.switch, network.switch._replace(ports={}), False
        self.undisturbed(0)
        self.undisturbed(after)
        network.switch, network.known = switch, True
        assert [vif for vif in before if vif not in self.of_ports() and 0x8000 | (vif[1] or 0x7fff) in pkeys
                and vif[0] != self.node.eipoib.address] == []

    @rule(passes=st.integers(0, 2))
    def reload_modules(self, passes):
        self.unplug()
        for _ in range(passes):
            assert self.undisturbed(30).outcomes == ()
        self.node.plug()

    # eipoibd.

    @rule(after=st.sampled_from([0, 30, 100, 700]))
    def serve(self, after):
        self.undisturbed(after)

    @rule(at=places, kind=st.sampled_from(CHANGES), number=st.sampled_from(ERRORS))
    def serve_with_an_error(self, at, kind, number):
        self.disturbed(Disturbance(at, lambda target: refuse(number, target), kind))

    @rule(part=st.sampled_from(['eth/vifs', 'eth_ipoib_interfaces', 'pkeys/', 'ports/1/state']),
          number=st.sampled_from([errno.EIO, errno.EACCES]))
    def serve_without_reading(self, part, number):
        show = self.kernel.tree.show
        self.kernel.tree.show = lambda path: refuse(number, path) if part in path else show(path)
        self.disturbed(Disturbance())
        self.kernel.tree.show = show

    @rule(at=places, late=st.booleans())
    def serve_and_die(self, at, late):
        def die(_):
            raise Crash()
        try:
            self.disturbed(Disturbance(at, die, '', late))
        except Crash:
            self.node.start()

    @rule(at=places, late=st.booleans())
    def serve_while_unplugged(self, at, late):
        self.disturbed(Disturbance(at, self.unplug, '', late))
        if not self.kernel.hcas:
            self.node.plug()

    @rule(at=places, entries=st.lists(st.sampled_from(ENTRIES), max_size=8))
    def serve_while_programmed(self, at, entries):
        self.disturbed(Disturbance(at, lambda _: self.program(entries)))

    @rule(at=places, name=st.sampled_from(['eth4', 'eth9']))
    def serve_while_renamed(self, at, name):
        self.disturbed(Disturbance(at, lambda _: self.rename(name)))

    @rule()
    def restart(self):
        self.node.start()

    @rule()
    def flush(self):
        self.node.flush()
        assert [name for name in self.own() if self.kernel.netdevs[name].looks_left is None] == []

    def undisturbed(self, after):
        """A pass that can do what it wants."""
        known = self.node.port.state == 'ACTIVE' and not self.node.port.table_errno and not self.node.port.garbled
        before, children = self.node.vlans() if self.kernel.hcas else [], len(self.own())
        counter = self.kernel.listener = Disturbance()
        result = self.node.serve(after)
        self.kernel.listener = Listener()
        assert result.errors == ()
        asked = len([pkey for pkey in self.node.port.pkeys if pkey])
        assert counter.changes <= MOST_CHANGES_A_CHILD * (children + asked + 2 + MOST_VIFS)
        if not known and self.kernel.hcas:
            assert set(before) <= set(self.node.vlans())
        return result

    def disturbed(self, disturbance):
        self.kernel.listener = disturbance
        try:
            self.node.serve(30)
        finally:
            self.kernel.listener = Listener()

    # What must hold.

    @invariant()
    def children_of_others_are_untouched(self):
        Eipoibd.rules_run += 1
        for name, facts in self.foreign.items():
            child = self.kernel.netdevs[name]
            assert (child.ifindex, child.master, child.vif, child.looks_left) == facts + (None,)

    @rule()
    def hold_still(self):
        port = self.node.port
        port.state, port.table_errno, port.garbled = 'ACTIVE', None, {}
        port.guid = port.guid or '0002c90300000001'
        self.undisturbed(0)
        self.undisturbed(MASS_HOLD)
        self.undisturbed(0)
        result = self.undisturbed(0)
        assert result.outcomes == (), [finding.line() for finding in result.findings]
        wanted = [None] + [vlan for vlan in range(1, 4095) if 0x8000 | vlan in port.pkeys]
        theirs = self.served_by_others()
        ours = [vlan for vlan in wanted if vlan not in theirs and child_name(vlan) not in self.foreign]
        assert self.node.vlans() == sorted(-1 if vlan is None else vlan for vlan in
                                           ours + [vlan for vlan in theirs if theirs[vlan]])
        needed = set(child_name(vlan) for vlan in ours if vlan)
        own = [name for name in self.own() if not vifs.is_one_more('ib0', name)]
        assert needed <= set(own) <= set(child_name(vlan) for vlan in wanted)
        self.ports_are_served(wanted)

    def ports_are_served(self, vlans):
        asked = set((dict(self.node.network.switch.interfaces[name].external_ids)['attached-mac'], port.tag)
                    for name, port in self.node.network.switch.ports.items() if name != 'eth4')
        asked = set(vif for vif in asked if vif[1] in vlans and vif[0] != self.node.eipoib.address)
        served = self.of_ports()
        assert len(served) == len(set(served)) and set(served) <= asked
        several = self.kernel.ipoib.rtnetlink or self.kernel.ipoib.child_index
        if self.node.eipoib.name == 'eth4':  # else its name is not that of the port any more
            assert len(served) == (min(MOST_VIFS, len(asked)) if several else 0)
        assert len(served) == len([name for name in self.own() if vifs.is_one_more('ib0', name)])

    def served_by_others(self):
        """{VLAN with the interface's own MAC: whether the key of the child that serves it is the right one}."""
        found = {}
        for name in self.foreign:
            child = self.kernel.netdevs[name]
            if child.master and child.vif and child.vif[0] == self.node.eipoib.address:
                vlan = child.vif[1]
                found[vlan] = child.pkey == (0xffff if vlan is None else 0x8000 | vlan)
        return found


def child_name(vlan):
    return 'ib0.1' if vlan is None else 'ib0.%04x' % (0x8000 | vlan)
