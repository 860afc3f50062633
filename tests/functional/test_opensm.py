# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""eipoibd under a real subnet manager: OpenSM on ibsim programs the P_Keys of nodes of the lab.

Covered: partitions.conf edited while traffic runs, OpenSM killed and started again, a partitions.conf that is broken,
empty or gone, links down and up, 1, 32, 63 and one partition too many, limited members, both P_Keys of a partition.
In each case the ports' tables, the children, their vifs and who answers a ping are exactly what partitions.conf says.
"""
import contextlib
import itertools
import os
import re
import signal
import subprocess
import time

import pytest

from tests.functional.eipoibd_node import CONFIG, Service, install, status, until, until_equal
from tests.lab import lab, opensm, ports, requirements, snapshot, vifs
from tests.lab.ibsim import TABLE_ENTRIES
from tests.lab.opensm import EVERY_HCA, member, partitions
from tests.lab.ports import answering, own_mac

GRACE = 1
CONFIGURATION = f'[eipoibd]\nresync_interval = 1\nremoval_grace = {GRACE}\nmass_removal_hold = 600\n'
# Long enough for several passes, and for everything to go whose grace is over.
WHILE = GRACE + 2.5


@pytest.fixture(scope='module', autouse=True)
def able():
    missing = requirements.missing() or requirements.missing_for_opensm()
    if missing:
        pytest.skip('OpenSM cannot drive the lab here: ' + '; '.join(missing))


def on_a_fabric(body, count, vlans, **options):
    """Run ``body(fabric, *nodes)`` with eipoibd on so many nodes, whose ports hold the default P_Key alone.

    :param vlans: those in which nodes have addresses, and so can ping and answer
    :param options: of OpenSM
    """
    def inside(made):
        nodes = [made.add_node([0xffff]) for _ in range(count)]
        fabric = opensm.ManagedFabric(f'{made.folder}/subnet', nodes, partitions({}), **options)
        with contextlib.ExitStack() as services:
            for node in nodes:
                install(node)
                node.write(CONFIG, CONFIGURATION)
                add_addresses(node, vlans)
                services.enter_context(Service(node))
            body(fabric, *nodes)
        fabric.close()

    assert lab.run(inside) == 0, 'what failed in the lab is on stderr'


def add_addresses(node, vlans):
    node.run('ovs-vsctl', 'add-br', 'br', '--', 'set', 'bridge', 'br', 'datapath_type=netdev',
             '--', 'add-port', 'br', 'eth4')
    ports.add(node, 'br', vlans, mac=own_mac(node))


def full_vlans(table):
    """VLANs of a P_Key table in which its port is a full member."""
    return {pkey & 0x7fff for pkey in table if pkey & 0x8000 and pkey != 0xffff}


def services(node):
    """(the children, the vifs as (slave, MAC, VLAN) with text for the VLAN) that the drivers have."""
    return {name for name in os.listdir(node.path('/sys/class/net')) if name.startswith('ib0.')}, vifs.shown(node)


def wanted_services(node, vlans):
    """The :func:`services` of a node that serves these VLANs and untagged traffic."""
    names = {'ib0.1': 'N/A', **{f'ib0.{0x8000 | vlan:04x}': str(vlan) for vlan in vlans}}
    mac = own_mac(node)
    return set(names), {(name, mac, vlan) for name, vlan in names.items()}


def assert_converges(tables, vlans):
    """Every port gets its table, every node serves what it says, and pings pass exactly where both ends do.

    :param tables: {node: set of 16-bit P_Keys beside the default one}
    :param vlans: of the pings
    """
    for node, table in tables.items():
        until_equal(lambda node=node: opensm.port(node), ('ACTIVE', {0xffff, *table}))
    for node, table in tables.items():
        until_equal(lambda node=node: services(node), wanted_services(node, full_vlans(table)))
    shared = {(one, other): full_vlans(tables[one]) & full_vlans(tables[other]) & set(vlans)
              for one, other in itertools.combinations(tables, 2)}
    until_equal(lambda: answering(tables, vlans), shared)


@contextlib.contextmanager
def traffic(source, target, vlan):
    """A ping that goes on meanwhile, and of which nothing may be lost."""
    command = source.machine.inside('ping', '-i', '0.02', ports.address(target, vlan))
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    yield
    with open(f'/proc/{process.pid}/task/{process.pid}/children', encoding='ascii') as children:
        os.kill(int(children.read()), signal.SIGINT)  # ping itself, which nsenter started
    output, _ = process.communicate(timeout=60)
    answered = [int(number) for number in re.findall(r'icmp_seq=(\d+)', output)]
    assert len(answered) > 50
    assert answered == list(range(1, len(answered) + 1))


def test_partitions_are_edited_while_traffic_runs():
    vlans = (101, 102, 103)

    def body(fabric, one, two, three):
        pair = f'{member(one, "full")}, {member(two, "full")}'
        fabric.publish(partitions({101: EVERY_HCA, 102: pair}))
        assert_converges({one: {0x8065, 0x8066}, two: {0x8065, 0x8066}, three: {0x8065}}, vlans)
        with traffic(one, two, 101):
            fabric.publish(partitions({101: EVERY_HCA, 103: f'{member(two, "full")}, {member(three, "full")}'}))
            assert_converges({one: {0x8065}, two: {0x8065, 0x8067}, three: {0x8065, 0x8067}}, vlans)

    on_a_fabric(body, 3, vlans)


def test_a_killed_opensm_and_a_new_one_change_nothing_but_what_was_edited():
    vlans = (101, 102, 103)

    def body(fabric, *nodes):
        fabric.publish(partitions({101: EVERY_HCA, 102: EVERY_HCA}))
        assert_converges(dict.fromkeys(nodes, {0x8065, 0x8066}), vlans)
        before = [snapshot.take(node) for node in nodes]
        with traffic(*nodes, 102):
            fabric.manager.kill()
            time.sleep(1)
            fabric.manager.start()
            time.sleep(WHILE)
        assert [snapshot.difference(then, snapshot.take(node)) for node, then in zip(nodes, before)] == [[], []]
        fabric.manager.kill()
        fabric.manager.write(partitions({102: EVERY_HCA, 103: EVERY_HCA}))
        fabric.manager.start()
        assert_converges(dict.fromkeys(nodes, {0x8066, 0x8067}), vlans)

    on_a_fabric(body, 2, vlans)


def test_a_broken_partitions_conf_takes_nothing_down():
    vlans = (101, 102, 103)
    good = partitions(dict.fromkeys(vlans, EVERY_HCA))

    def body(fabric, *nodes):
        def changed():
            return [snapshot.difference(then, snapshot.take(node)) for node, then in zip(nodes, before)]

        fabric.publish(good)
        assert_converges(dict.fromkeys(nodes, {0x8065, 0x8066, 0x8067}), vlans)
        before = [snapshot.take(node) for node in nodes]
        for broken in (good.replace('ipoib', 'ipoib ipoib', 1).replace(' : ', ' '), '', None):
            fabric.publish(broken)
            until_equal(lambda: [opensm.port(node) for node in nodes], [('ACTIVE', {0xffff})] * 2)
            assert answering(nodes, vlans) == {nodes: set()}, 'the fabric drops what has no P_Key'
            fabric.publish(good)
            until_equal(lambda: answering(nodes, vlans), {nodes: set(vlans)})
            assert changed() == [[], []]
        fabric.publish('')
        until(lambda: all('vanished' in ''.join(status(node)['warnings']) for node in nodes))
        time.sleep(WHILE)
        assert [opensm.port(node) for node in nodes] == [('ACTIVE', {0xffff})] * 2
        assert changed() == [[], []]
        fabric.publish(good)
        assert_converges(dict.fromkeys(nodes, {0x8065, 0x8066, 0x8067}), vlans)
        assert changed() == [[], []]
        assert 'PARSE ERROR' in fabric.manager.log()

    on_a_fabric(body, 2, vlans)


def test_a_link_goes_down_and_comes_back_to_other_partitions():
    vlans = (101, 102, 103)

    def body(fabric, one, two):
        fabric.publish(partitions({101: EVERY_HCA, 102: EVERY_HCA}))
        assert_converges({one: {0x8065, 0x8066}, two: {0x8065, 0x8066}}, vlans)
        fabric.simulator.unlink(two.name)
        until_equal(lambda: opensm.port(two), ('DOWN', {0xffff, 0x8065, 0x8066}))
        assert answering((one, two), vlans) == {(one, two): set()}
        fabric.publish(partitions({101: EVERY_HCA, 103: EVERY_HCA}))
        assert_converges({one: {0x8065, 0x8067}}, vlans)
        assert services(two) == wanted_services(two, {101, 102}), 'nobody knows what its partitions are now'
        fabric.simulator.link(two.name)
        assert_converges({one: {0x8065, 0x8067}, two: {0x8065, 0x8067}}, vlans)

    on_a_fabric(body, 2, vlans)


def test_one_partition_and_many_and_one_too_many():
    most = TABLE_ENTRIES - 1  # beside the default one
    # OpenSM leaves out the last in the order of the bytes swapped, which is the same order here.
    vlans = range(0x400, 0x400 + most + 1)

    def body(fabric, one, two):
        for count in (1, 32, most):
            fabric.publish(partitions({vlan: EVERY_HCA if vlan % 3 else member(one, 'full') for vlan in vlans[:count]}))
            assert_converges({one: {0x8000 | vlan for vlan in vlans[:count]},
                              two: {0x8000 | vlan for vlan in vlans[:count] if vlan % 3}}, vlans[:count])
        assert 'table is full' not in fabric.manager.log()
        fabric.publish(partitions(dict.fromkeys(vlans, EVERY_HCA)))
        assert_converges(dict.fromkeys((one, two), {0x8000 | vlan for vlan in vlans[:most]}), vlans)
        assert 'table is full' in fabric.manager.log()

    on_a_fabric(body, 2, vlans)


def test_only_full_members_are_served():
    vlans = (101, 102)

    def body(fabric, one, two):
        def two_is(membership):
            return partitions({101: f'{member(one, "full")}, {member(two, membership)}', 102: EVERY_HCA})

        for membership, pkey in (('limited', 0x0065), ('full', 0x8065), ('limited', 0x0065), ('full', 0x8065)):
            fabric.publish(two_is(membership))
            assert_converges({one: {0x8065, 0x8066}, two: {pkey, 0x8066}}, vlans)
            until_equal(lambda: '0x0065 limited' in ' '.join(status(two)['interfaces']['eth4']['lines']),
                        membership == 'limited')

    on_a_fabric(body, 2, vlans)


def test_both_p_keys_of_a_partition_are_one_vlan():
    vlans = (101, 102)

    def body(fabric, one, two):
        fabric.publish(partitions({101: f'{EVERY_HCA}=both',
                                   102: f'{member(one, "both")}, {member(two, "limited")}'}))
        assert_converges({one: {0x0065, 0x8065, 0x0066, 0x8066}, two: {0x0065, 0x8065, 0x0066}}, vlans)
        with traffic(one, two, 101):
            fabric.publish(partitions({101: EVERY_HCA, 102: f'{member(one, "limited")}, {member(two, "both")}'}))
            assert_converges({one: {0x8065, 0x0066}, two: {0x8065, 0x0066, 0x8066}}, vlans)

    on_a_fabric(body, 2, vlans, allow_both_pkeys=True)


def test_the_ports_hold_what_smpquery_shows():
    def body(made):
        nodes = [made.add_node([0xffff]) for _ in range(2)]
        fabric = opensm.ManagedFabric(f'{made.folder}/subnet', nodes, partitions({101: EVERY_HCA}))
        fabric.publish(partitions({vlan: member(nodes[1], 'full') for vlan in range(100, 150)}))
        for route, node in (('0,1,2', nodes[0]), ('0,1,3', nodes[1])):
            shown, _ = fabric.simulator.client('smpquery', '--Direct', 'pkeys', route, text=True,
                                               stdout=subprocess.PIPE).communicate(timeout=60)
            keys = {int(word, 16) for word in re.findall('0x[0-9a-f]{4}', shown)} - {0}
            until_equal(lambda node=node: opensm.port(node), ('ACTIVE', keys))
        fabric.close()

    assert lab.run(body) == 0, 'what failed in the lab is on stderr'
