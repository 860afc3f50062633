# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What may happen around eipoibd, as the rules of a hypothesis state machine.

Tables come and go, whole and garbled; ports go down and come back; the MAC changes; interfaces are renamed, set down
and unplugged; other tools make, enslave, release and delete children; ports of Open vSwitch come, go and change their
VLAN.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import tempfile

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from plugin_lib.planning import vifs
from tests.model.node import Node

NET = '/sys/class/net/'
VLANS = (1, 2, 100, 101, 4094)
ENTRIES = [0x8000 | vlan for vlan in VLANS] + [1, 100, 0x8fff, 0x9000, 0]
OTHER_MAC = '02:00:00:00:00:01'
# Of ports; more of them than may have a vif, and one that the interface itself may get.
MACS = ['fa:16:3e:00:00:0{0}'.format(number) for number in range(1, 5)] + ['02:00:00:00:00:05']
MOST_VIFS = 4


class World(RuleBasedStateMachine):
    """A node and what others do to it."""

    def __init__(self):
        super(World, self).__init__()
        self.folder = tempfile.mkdtemp()
        self.foreign = {}  # {name: (ifindex, master, vif) as its maker left it}

    @initialize(driver=st.sampled_from([{}, {'rtnetlink': False, 'child_index': True}, {'rtnetlink': False},
                                        {'rtnetlink': False, 'sets_full_bit': True}]),
                delete_looks=st.integers(0, 2), overwrites_vif=st.booleans())
    def boot(self, driver, delete_looks, overwrites_vif):
        self.node = Node(self.folder, delete_looks=delete_looks, overwrites_vif=overwrites_vif, **driver)
        self.kernel = self.node.kernel
        self.node.settings = self.node.settings._replace(vif_limit=MOST_VIFS)

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

    @rule(mac=st.sampled_from([None, '02:00:00:00:00:04', '02:00:00:00:00:05']))
    def change_mac(self, mac):
        self.node.eipoib.mac = mac

    @rule(number=st.sampled_from([None, errno.EIO]))
    def break_table(self, number):
        self.node.port.table_errno = number

    @rule(index=st.integers(0, 8), text=st.sampled_from(['', '0x', '0x80', 'garbage']))
    def garble_table(self, index, text):
        self.node.port.garbled = {index: text}

    # Ports of Open vSwitch.

    @rule(name=st.sampled_from(['p1', 'p2', 'p3', 'p4', 'p5', 'p6']), mac=st.sampled_from(MACS),
          tag=st.sampled_from((None,) + VLANS))
    def plug_port(self, name, mac, tag):
        """A new port, or one that moves to another MAC or VLAN."""
        self.node.network.add_port('br0', name, mac=mac, tag=tag)

    @precondition(lambda self: len(self.node.network.switch.ports) > 1)
    @rule(data=st.data())
    def unplug_port(self, data):
        network = self.node.network
        name = data.draw(st.sampled_from(sorted(set(network.switch.ports) - set(['eth4']))))
        network.unplug(name)

    def of_ports(self):
        """[(MAC, VLAN or None)] that the children that we made for ports serve, in the right partition."""
        there = self.kernel.vifs(self.node.eipoib.name) if self.kernel.hcas else []
        return sorted(((mac, None if vlan == -1 else vlan) for slave, mac, vlan, pkey in there
                       if slave in self.own() and vifs.is_one_more('ib0', slave)
                       and pkey == (0xffff if vlan == -1 else 0x8000 | vlan)), key=str)

    # Other tools.

    @rule(name=st.sampled_from(['eth4', 'eth9']))
    def rename(self, name):
        if self.node.eipoib.name != name:
            self.kernel.rename(self.node.eipoib.name, name)
            for child, (ifindex, master, vif) in list(self.foreign.items()):
                self.foreign[child] = ifindex, master and name, vif

    @rule()
    def set_down(self):
        self.node.eipoib.up = False

    @rule(vlan=st.sampled_from(VLANS))
    def make_child(self, vlan):
        """Under the name that eipoibd would choose."""
        if self.may_make('ib0.%04x' % (0x8000 | vlan)):
            self.kernel.write(NET + 'ib0/create_child', '0x%04x' % (0x8000 | vlan))
            self.note('ib0.%04x' % (0x8000 | vlan))

    @rule(name=st.sampled_from(['ib0.1', 'ib0.8064', 'ib0.8064.1', 'xib0']), vlan=st.sampled_from(VLANS + (0x7fff,)))
    def make_link(self, name, vlan):
        """Under any name, for any key, where the driver offers it."""
        if self.kernel.ipoib.rtnetlink and self.may_make(name):
            self.kernel.add_link('ib0', name, 0x8000 | vlan)
            self.note(name)

    def may_make(self, name):
        noted = self.node.ledger.read().get(name)
        # A name that a pass noted just before it died is taken for ours, whoever makes it before the next pass.
        return name not in self.kernel.netdevs and (noted is None or noted.ifindex is not None)

    @precondition(lambda self: self.foreign)
    @rule(data=st.data(), own_mac=st.booleans(), vlan=st.sampled_from((None,) + VLANS))
    def enslave_foreign(self, data, own_mac, vlan):
        """While all the vifs can be seen: nobody can know of one behind the cut that another tool made."""
        name = data.draw(st.sampled_from(sorted(self.foreign)))
        eipoib, child = self.node.eipoib, self.kernel.netdevs[name]
        if child.master or len(eipoib.slaves) > 60 or not self.node.port.guid:
            return
        eipoib.up = True
        self.kernel.write(NET + eipoib.name + '/eth/slaves', '+' + name)
        try:
            self.kernel.write(NET + eipoib.name + '/eth/vifs', '+{0} {1} {2}'.format(
                name, eipoib.address if own_mac else OTHER_MAC, '' if vlan is None else vlan))
        except EnvironmentError:
            pass  # another slave serves that
        self.note(name)

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
    @rule(data=st.data())
    def replace(self, data):
        """One of ours by one of theirs, which has the same name and P_Key."""
        name = data.draw(st.sampled_from(self.own()))
        noted, pkey = self.node.ledger.read().get(name), self.kernel.netdevs[name].pkey
        if noted is None or noted.ifindex is not None:
            self.kernel.unregister(name)
            self.kernel.register(name, 'child', port=self.node.port, parent='ib0', pkey=pkey, way='sysfs')
            self.note(name)

    @precondition(lambda self: self.own())
    @rule(data=st.data(), vif=st.sampled_from([None, (OTHER_MAC, 7), (OTHER_MAC, None)]))
    def change_vif(self, data, vif):
        """Where it can be seen."""
        name = data.draw(st.sampled_from(self.own()))
        slaves = self.node.eipoib.slaves
        if name in slaves and slaves.index(name) < 60 and vif not in [self.kernel.netdevs[each].vif for each in slaves]:
            self.kernel.netdevs[name].vif = vif

    def unplug(self, *_):
        self.kernel.unregister('ib0')
        self.kernel.hcas.clear()
        self.foreign = {}

    def note(self, name):
        child = self.kernel.netdevs[name]
        self.foreign[name] = child.ifindex, child.master, child.vif

    def own(self):
        return [name for name in self.node.children() if name not in self.foreign]
