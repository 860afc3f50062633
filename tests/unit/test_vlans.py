# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""P_Keys become VLANs: what is planned, what is reported, and what is left alone.

Covered: the steps from nothing; which keys are served and which are reported; every half-made state and its repair;
children of others; the cut page of vifs; ports and tables that tell nothing.  The machine is the modelled kernel, read
as the product reads it.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin_lib.host import machine
from plugin_lib.host.state import StorageLink
from plugin_lib.pkey import PKey
from plugin_lib.planning.vlan_services import child_name
from plugin_lib.planning.vlans import Made, plan, plan_flush
from tests.model.node import Node

NET = '/sys/class/net/'


@pytest.fixture(params=[{'rtnetlink': True}, {'rtnetlink': False, 'child_index': True}, {'rtnetlink': False}],
                ids=['rtnetlink', 'index', 'plain'])
def driver(request):
    return request.param


def planned(node, ours=None):
    return plan(machine.read(node.kernel), ours or {})


def operations(node, ours=None):
    return [operation.describe() for step in planned(node, ours).steps for operation in step.operations]


def lines(result):
    return [finding.line() for finding in result.findings]


def test_from_nothing_to_one_vlan(tmpdir):
    node = Node(tmpdir, [0xffff, 0x8064])
    result = planned(node)
    assert [(step.subject, [each.describe() for each in step.operations]) for step in result.steps] == [
        ('eth4 link', ['set ib0 up', 'set eth4 up']),
        ('eth4 untagged', ['create ib0.1 on ib0 for P_Key 0xffff', 'enslave ib0.1 to eth4',
                           'serve 00:02:c9:00:00:01 untagged of eth4 through ib0.1']),
        ('eth4 vlan 100', ['create ib0.8064 on ib0 for P_Key 0x8064', 'enslave ib0.8064 to eth4',
                           'serve 00:02:c9:00:00:01 vlan 100 of eth4 through ib0.8064'])]
    assert lines(result) == ['mlx4_0 port 1 0xffff full ==> ib0.1 untagged eth4 planned',
                             'mlx4_0 port 1 0x8064 full ==> ib0.8064 vlan 100 eth4 planned']


def test_a_second_pass_finds_everything_in_order(tmpdir, driver):
    node = Node(tmpdir, [0x8064, 0xffff, 0, 0x8065], **driver)
    assert not node.once().errors
    assert node.vlans() == [-1, 100, 101]
    result = node.once()
    assert result.outcomes == ()
    assert [finding.state for finding in result.findings] == ['ok'] * 3


def test_126_keys_at_once(tmpdir, driver):
    keys = [0x8000 | vlan for vlan in range(978, 1104)]
    node = Node(tmpdir, [0xffff] + keys, **driver)
    assert not node.once().errors
    assert node.vlans() == [-1] + list(range(978, 1104))
    assert not node.kernel.tree.read(NET + 'eth4/eth/vifs').count('\n') > 100
    node.start()
    assert node.once().outcomes == ()


def test_keys_that_cannot_be_served_are_reported(tmpdir):
    node = Node(tmpdir, [0xffff, 0x0064, 0x9000, 0x8fff, 0x0065, 0x8065])
    assert lines(node.once())[1:] == [
        'mlx4_0 port 1 0x8065 full ==> ib0.8065 vlan 101 eth4 ok',
        'mlx4_0 port 1 0x0064 limited ==> eth4 limited: two limited members cannot talk: make the port a full member',
        'mlx4_0 port 1 0x8fff full ==> eth4 no-vlan: key 4095 is above the last VLAN, 4094',
        'mlx4_0 port 1 0x9000 full ==> eth4 no-vlan: key 4096 is above the last VLAN, 4094']
    assert node.vlans() == [-1, 101]


def test_a_name_that_does_not_fit_is_reported(tmpdir):
    node = Node(tmpdir, [0xffff, 0x8064])
    node.kernel.rename('ib0', 'infiniband0')
    findings = planned(node).findings
    assert [finding.state for finding in findings] == ['planned', 'name']


@settings(max_examples=60)
@given(st.lists(st.integers(0, 0xffff), max_size=127, unique=True))
def test_whatever_is_in_the_table_vlans_are_exactly_the_full_keys_up_to_4094(tmpdir_factory, table):
    node = Node(tmpdir_factory.mktemp('node'), [entry for entry in table if entry & 0x7fff] + [0xffff])
    assert not node.once().errors
    assert node.vlans() == [-1] + sorted(entry & 0x7fff for entry in table if 0x8000 < entry <= 0x8ffe)


def test_an_unreadable_table_changes_nothing(tmpdir):
    node = Node(tmpdir, [0xffff, 0x8064])
    node.once()
    node.port.table_errno = errno.EIO
    result = node.serve(after=10000)
    assert result.outcomes == ()
    assert result.findings[-1].state == 'unreadable'
    assert node.vlans() == [-1, 100]


def test_without_a_gid_it_waits(tmpdir):
    node = Node(tmpdir, [0xffff, 0x8064])
    node.port.guid = None
    result = node.once()
    assert lines(result) == ['mlx4_0 port 1 eth4 waiting: its MAC is zero until the port has a GID']
    node.port.guid = '0002c90300000001'
    node.once()
    assert node.vlans() == [-1, 100]


def test_a_port_that_is_not_active_is_reported_and_prepared(tmpdir):
    node = Node(tmpdir, [0xffff, 0x8064])
    node.port.state = 'INIT'
    assert lines(node.once())[0] == 'mlx4_0 port 1 eth4 waiting: the port is INIT: nothing passes until it is ACTIVE'
    assert node.vlans() == [-1, 100]


def test_without_its_hca_it_waits(tmpdir):
    node = Node(tmpdir, [0xffff])
    node.kernel.hcas.clear()
    assert lines(planned(node)) == ['eth4 waiting: the HCA port under ib0 cannot be told']


def ours(node):
    return node.ledger.read()


def test_a_child_that_is_not_enslaved_is_made_anew_because_it_may_be_half_made(tmpdir):
    node = Node(tmpdir, [0xffff, 0x8064])
    node.once()
    node.kernel.write(NET + 'eth4/eth/slaves', '-ib0.8064')
    node.kernel.netdevs['ib0.8064'].claimed = True  # eth_ipoib would answer EBUSY for ever
    assert operations(node, ours(node))[0] == 'delete ib0.8064 of ib0'
    assert not node.once().errors
    assert node.vlans() == [-1, 100]


def test_a_slave_without_a_vif_gets_it(tmpdir):
    node = Node(tmpdir, [0xffff, 0x8064])
    node.once()
    node.kernel.netdevs['ib0.8064'].vif = None
    assert operations(node, ours(node)) == ['serve 00:02:c9:00:00:01 vlan 100 of eth4 through ib0.8064']


def test_a_wrong_vif_is_replaced_by_way_of_a_release(tmpdir):
    node = Node(tmpdir, [0xffff, 0x8064])
    node.once()
    node.kernel.netdevs['ib0.8064'].vif = ('02:00:00:00:00:07', 7)
    assert operations(node, ours(node)) == [
        'release ib0.8064 from eth4', 'enslave ib0.8064 to eth4',
        'serve 00:02:c9:00:00:01 vlan 100 of eth4 through ib0.8064']


def test_a_new_mac_moves_every_vif(tmpdir, driver):
    node = Node(tmpdir, [0xffff] + [0x8000 | vlan for vlan in range(100, 200)], **driver)
    node.once()
    node.port.guid = '0002c90300abcdef'
    assert not node.once().errors
    assert node.vlans() == [-1] + list(range(100, 200))


def test_a_vif_behind_the_cut_of_the_page_is_repaired_when_its_write_was_not_noted(tmpdir):
    node = Node(tmpdir, [0xffff] + [0x8000 | vlan for vlan in range(100, 220)])
    node.once()
    node.kernel.netdevs['ib0.80d0'].vif = None
    noted = ours(node)
    noted['ib0.80d0'] = noted['ib0.80d0']._replace(mac=None, vlan=None)
    assert operations(node, noted) == ['release ib0.80d0 from eth4', 'enslave ib0.80d0 to eth4',
                                       'serve 00:02:c9:00:00:01 vlan 208 of eth4 through ib0.80d0']


def test_a_lost_vif_before_the_cut_of_the_page_is_seen(tmpdir):
    node = Node(tmpdir, [0xffff] + [0x8000 | vlan for vlan in range(100, 226)])
    node.once()
    node.kernel.netdevs['ib0.8065'].vif = None
    assert [step.subject for step in planned(node, node.ledger.read()).steps] == ['eth4 vlan 101']
    assert not node.once().errors
    assert node.vlans() == [-1] + list(range(100, 226))


def test_a_child_of_another_key_under_our_name_is_made_anew(tmpdir):
    node = Node(tmpdir, [0xffff, 0x8064])
    node.once()
    node.kernel.netdevs['ib0.8064'].pkey = 0x8065
    assert not node.once().errors
    assert node.kernel.netdevs['ib0.8064'].pkey == 0x8064
    assert node.vlans() == [-1, 100]


def test_a_child_of_somebody_else_stands_in_the_way(tmpdir):
    node = Node(tmpdir, [0xffff, 0x8064])
    node.kernel.write(NET + 'ib0/create_child', '0x8064')
    result = node.once()
    assert 'ib0.8064 vlan 100 eth4 foreign: ib0.8064 exists and is not ours' in lines(result)[-1]
    assert node.kernel.netdevs['ib0.8064'].master is None


def test_a_later_child_of_the_same_name_is_not_ours(tmpdir):
    node = Node(tmpdir, [0xffff, 0x8064])
    node.once()
    node.kernel.delete_link('ib0.8064')
    node.kernel.write(NET + 'ib0/create_child', '0x8064')
    assert node.once().findings[-1].state == 'foreign'
    node.flush()
    assert node.children() == ['ib0.8064']


def test_what_somebody_else_serves_rightly_is_left_as_it_is(tmpdir):
    node = Node(tmpdir, [0xffff, 0x8064])
    node.once()
    node.ledger.write({})
    assert [finding.state for finding in node.once().findings] == ['ok', 'ok']
    node.port.set_pkeys([0xffff])
    for _ in range(3):
        assert node.serve(after=1000).outcomes == ()


def test_the_parent_itself_serves_untagged_traffic_where_the_driver_has_no_second_child(tmpdir):
    node = Node(tmpdir, [0xffff, 0x8064], rtnetlink=False)
    assert not node.once().errors
    assert node.kernel.vifs('eth4')[0] == ('ib0', '00:02:c9:00:00:01', -1, 0xffff)
    assert len(node.flush()) == 2
    assert sorted(node.kernel.netdevs) == ['eth4', 'ib0']


def test_two_interfaces_of_one_hca_are_served_each_by_its_port(tmpdir):
    node = Node(tmpdir, [0xffff, 0x8064])
    second = node.kernel.add_hca('mlx4_1', '0000:04:00.0', guid='0002c90300ff{0:04x}').ports[1]
    second.set_pkeys([0xffff, 0x8065])
    node.kernel.add_ipoib('ib1', second)
    node.kernel.add_eipoib('eth5', 'ib1')
    assert not node.once().errors
    assert [row[0] for name in ('eth4', 'eth5') for row in node.kernel.vifs(name)] == [
        'ib0.1', 'ib0.8064', 'ib1.1', 'ib1.8065']


def test_flush_removes_what_is_ours_and_nothing_else(tmpdir, driver):
    node = Node(tmpdir, [0xffff, 0x8064], **driver)
    node.kernel.write(NET + 'ib0/create_child', '0x8777')
    node.once()
    assert not [outcome for outcome in node.flush() if outcome.error]
    assert node.children() == ['ib0.8777']
    assert node.flush() == ()


def storage(name, parent):
    return StorageLink(name, parent, PKey(100, True), 'connected', 65520, None, None, ())


def test_what_storage_has_is_not_enslaved_removed_or_taken_for_trouble(tmpdir, driver):
    node = Node(tmpdir, [0xffff, 0x8064, 0x8065], **driver)
    node.kernel.write(NET + 'ib0/create_child', '0x8064')
    host = machine.read(node.kernel)._replace(storage=(storage('ib0.8064', 'ib0'),))
    result = plan(host, {})
    assert 'ib0.8064' not in str([step.operations for step in result.steps])
    assert [(finding.vlan, finding.state) for finding in result.findings] == [
        (None, 'planned'), (100, 'storage'), (101, 'planned')]
    node.port.set_pkeys([0xffff])
    remembered = {'ib0.8064': Made(None, None, None)}
    gone = machine.read(node.kernel)._replace(storage=host.storage)
    assert 'ib0.8064' not in str(plan(gone, remembered, ('ib0.8064',)).steps)
    assert plan_flush(gone, remembered) == ()


def test_the_parent_that_storage_has_is_not_enslaved_by_a_plain_driver(tmpdir):
    node = Node(tmpdir, [0xffff], rtnetlink=False)
    host = machine.read(node.kernel)._replace(storage=(storage('ib0', None),))
    result = plan(host, {}, (), ('ib0',))
    assert [finding.state for finding in result.findings] == ['storage']
    assert [step.subject for step in result.steps] == ['eth4 link']


def test_the_plan_is_pure(tmpdir):
    node = Node(tmpdir, [0xffff, 0x8064])
    host = machine.read(node.kernel)
    remembered = {'ib0.8064': Made(None, None, None)}
    assert plan(host, remembered) == plan(host, remembered)
    assert plan_flush(host, remembered) == ()
    assert child_name('ib0', host.ports[0].pkeys[1]) == 'ib0.8064'
