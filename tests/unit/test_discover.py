# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``discover``: its document and its table, on the captured machines."""
from __future__ import absolute_import, print_function, unicode_literals

import json
import os

import pytest

from plugin_lib.host import machine
from plugin_lib.host.source import open_root
from plugin_lib.views import discover
from tests.model.kernel import Kernel

HOSTS = os.path.join(os.path.dirname(__file__), '..', 'fixtures', 'hosts')


def captured(name):
    return machine.read(open_root(os.path.join(HOSTS, name)))


@pytest.mark.parametrize('name,infiniband', [('connectx3-eipoib', True), ('connectx5-no-eipoib', True),
                                             ('ethernet-roce', False), ('no-infiniband', False)])
def test_says_whether_there_is_infiniband(name, infiniband):
    host = captured(name)
    document = discover.document(host)
    assert document['infiniband'] is infiniband
    assert ('no InfiniBand on this machine' in discover.table(host)) is not infiniband
    assert json.loads(json.dumps(document)) == document


def test_eipoib_interface():
    document = discover.document(captured('connectx3-eipoib'))
    assert document['interfaces']['eth4'] == {
        'driver': 'eth_ipoib', 'bus_info': 'ib0', 'mac': '00:02:c9:0a:bc:01', 'link_type': 'ethernet', 'up': True,
        'state': 'up', 'mtu': 1500, 'master': None, 'child': None,
        'eipoib': {'parent': 'ib0', 'hca': 'mlx4_0', 'port': 1, 'pci': '0000:03:00.0', 'link_layer': 'InfiniBand',
                   'port_state': 'ACTIVE', 'sm_lid': 1}}
    assert document['interfaces']['eth5']['eipoib']['port_state'] == 'DOWN'
    assert document['interfaces']['eth0']['eipoib'] is None
    assert document['interfaces']['ib0.8064.1']['child'] == {'parent': 'ib0', 'pkey': '0x8064'}


def test_p_keys_of_a_port():
    port = discover.document(captured('connectx3-eipoib'))['ports'][0]
    assert port['pkeys'] == [
        {'pkey': '0xffff', 'membership': 'full', 'vlan': None},
        {'pkey': '0x8064', 'membership': 'full', 'vlan': 100},
        {'pkey': '0x80c8', 'membership': 'full', 'vlan': 200},
        {'pkey': '0x012c', 'membership': 'limited', 'vlan': 300},
        {'pkey': '0x00c8', 'membership': 'limited', 'vlan': 200},
        {'pkey': '0x9388', 'membership': 'full', 'vlan': None}]


def test_infiniband_without_eipoib_is_said():
    assert 'no EIPOIB interface' in discover.table(captured('connectx5-no-eipoib'))
    assert 'no EIPOIB interface' not in discover.table(captured('connectx3-eipoib'))


def rows_of_keys(values):
    kernel = Kernel()
    kernel.add_hca('mlx4_0').ports[1].set_pkeys(values)
    table = discover.table(machine.read(kernel))
    return [line.split(None, 4)[2:] for line in table.splitlines() if line.startswith('mlx4_0  1') and '0x' in line]


def test_a_full_table_is_a_few_lines():
    assert rows_of_keys([0xffff] + list(range(0x8001, 0x807f))) == [
        ['0x8001-0x807e', 'full', '1-126'], ['0xffff', 'full', 'untagged']]


def test_runs_end_where_the_meaning_changes():
    assert rows_of_keys([0x8ffe, 0x8fff, 0x9000, 0xfffe, 0xffff, 0x0ffd, 0x8ffd, 0x8ffb]) == [
        ['0x8ffb', 'full', '4091'], ['0x8ffd-0x8ffe', 'full', '4093-4094'],
        ['0x8fff-0x9000', 'full', 'none: above 4094'],
        ['0xfffe', 'full', 'none: above 4094'], ['0xffff', 'full', 'untagged'], ['0x0ffd', 'limited', '4093']]


def test_an_unreadable_table_and_an_unknown_parent():
    kernel = Kernel()
    port = kernel.add_hca('mlx4_0').ports[1]
    port.table_errno = 5
    kernel.add_ipoib('ib0', port)
    kernel.add_eipoib('eth4', 'ib0')
    kernel.netdevs['eth4'].parent = 'ib7'
    host = machine.read(kernel)
    document, table = discover.document(host), discover.table(host)
    assert document['ports'][0]['pkeys'] is None
    assert document['interfaces']['eth4']['eipoib'] == {
        'parent': 'ib7', 'hca': None, 'port': None, 'pci': None, 'link_layer': None, 'port_state': None, 'sm_lid': None}
    assert 'unreadable' in table
    assert table.count('problem: ') == len(document['problems']) == 2
