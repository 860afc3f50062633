# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Reading a machine: what the model of the kernel holds, captured machines, broken attributes, things that go away.

P_Key tables and the page of vifs: test_host_tables.py.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_lib.errors import InfinibandError
from plugin_lib.host import machine
from plugin_lib.host.source import open_root
from plugin_lib.host.state import Interface, Vif
from plugin_lib.pkey import PKey
from tests.model.source import Source, kernel_with_eipoib
from tests.model.sysfs import refuse

HOSTS = os.path.join(os.path.dirname(__file__), '..', 'fixtures', 'hosts')
MAC = '00:02:c9:00:00:01'


def captured(name):
    return machine.read(open_root(os.path.join(HOSTS, name)))


class TestCapturedMachines(object):
    def test_connectx3_with_eipoib(self):
        host = captured('connectx3-eipoib')
        assert host.problems == ()
        assert [(port.hca, port.number, port.pci, port.state, port.lid, port.sm_lid) for port in host.ports] == [
            ('mlx4_0', 1, '0000:03:00.0', 'ACTIVE', 7, 1), ('mlx4_0', 2, '0000:03:00.0', 'DOWN', 0, 0)]
        assert [str(pkey) for pkey in host.ports[0].pkeys] == [
            '0xffff', '0x8064', '0x80c8', '0x012c', '0x00c8', '0x9388']
        eth4 = host.eipoibs['eth4']
        assert (eth4.parent, eth4.hca, eth4.port, eth4.mac) == ('ib0', 'mlx4_0', 1, '00:02:c9:0a:bc:01')
        assert eth4.slaves == ('ib0.1', 'ib0.8064.1', 'ib0.80c8.1')
        assert eth4.vifs == (Vif('ib0.1', eth4.mac, None), Vif('ib0.8064.1', eth4.mac, 100),
                             Vif('ib0.80c8.1', None, None))
        assert eth4.vifs_complete
        # Without dev_port, dev_id tells which port is under ib1.
        assert (host.eipoibs['eth5'].hca, host.eipoibs['eth5'].port) == ('mlx4_0', 2)
        assert host.eipoibs['eth5'].mac == '00:00:00:00:00:00'
        assert dict((child.name, str(child.pkey)) for child in host.children.values()) == {
            'ib0.1': '0xffff', 'ib0.8064.1': '0x8064', 'ib0.80c8.1': '0x80c8'}

    def test_connectx5_without_eipoib(self):
        host = captured('connectx5-no-eipoib')
        assert [(port.hca, port.number, port.pci) for port in host.ports] == [
            ('mlx5_0', 1, '0000:5e:00.0'), ('mlx5_1', 1, '0000:5e:00.1')]
        assert (host.eipoibs, host.problems) == ({}, ())
        assert [(child.name, child.parent, child.pkey) for child in host.children.values()] == [
            ('ib0.8064', 'ib0', PKey(100, True))]

    def test_ethernet_ports_and_no_infiniband(self):
        assert [port.link_layer for port in captured('ethernet-roce').ports] == ['Ethernet', 'Ethernet']
        host = captured('no-infiniband')
        assert (host.ports, host.eipoibs, host.children, host.problems) == ((), {}, {}, ())
        assert host.interfaces['eth1'].master == 'br0'
        assert (host.interfaces['lo'].driver, host.interfaces['lo'].link_type) == (None, 'loopback')


@pytest.mark.parametrize('before, after', [('ACTIVE', 'DOWN'), ('INIT', 'ACTIVE')])
def test_a_port_that_changes_while_its_table_is_read_is_not_active(before, after, monkeypatch):
    kernel, port = kernel_with_eipoib()
    port.state = before
    real = kernel.tree.read_each

    def read_each(paths):
        if any(path.endswith('/2/pkeys/0') for path in paths):
            port.state = after
        return real(paths)
    monkeypatch.setattr(kernel.tree, 'read_each', read_each)
    assert machine.read(kernel).ports[1].state != 'ACTIVE'


class TestWhatIsBrokenOrGone(object):
    def test_no_list_of_interfaces_is_no_host(self):
        kernel, _ = kernel_with_eipoib()
        kernel.links = lambda: refuse(errno.ENOBUFS)
        with pytest.raises(InfinibandError) as caught:
            machine.read(kernel)
        assert caught.value.what == 'cannot list the network interfaces'

    def test_interface_gone_before_its_driver_is_asked(self):
        kernel, _ = kernel_with_eipoib()
        answer = kernel.drvinfo
        kernel.drvinfo = lambda name: refuse(errno.ENODEV, name) if name == 'eth5' else answer(name)
        host = machine.read(kernel)
        assert (sorted(host.interfaces), host.eipoibs, host.problems) == (['ib1'], {}, ())

    def test_driver_that_fails_to_answer(self):
        kernel, _ = kernel_with_eipoib()
        kernel.drvinfo = lambda name: refuse(errno.EIO, name)
        host = machine.read(kernel)
        assert host.interfaces['ib1'].driver is None
        assert 'ib1: ' + os.strerror(errno.EIO) in host.problems
        assert host.eipoibs['eth5'].parent == 'ib1'  # eth_ipoib_interfaces says so

    def test_eipoib_gone_before_its_slaves_are_read(self):
        kernel, _ = kernel_with_eipoib()
        host = machine.read(Source(kernel, {'/sys/class/net/eth5': errno.ENOENT}))
        assert (host.eipoibs, host.problems) == ({}, ())

    def test_eth_folder_is_away_while_renaming(self):
        kernel, _ = kernel_with_eipoib()
        eth5 = machine.read(Source(kernel, {'/sys/class/net/eth5/eth/vifs': errno.ENOENT})).eipoibs['eth5']
        assert (eth5.vifs, eth5.vifs_complete) == ((), False)

    def test_hca_unplugged_while_it_is_read(self):
        kernel, port = kernel_with_eipoib()
        source = Source(kernel, {'/sys/class/infiniband/mlx4_0/ports/2/pkeys': errno.ENOENT})
        source.exists = lambda path: False
        assert [each.number for each in machine.read(source).ports] == [1]

    @pytest.mark.parametrize('leaf', ['state', 'link_layer', 'lid', 'sm_lid', 'rate'])
    def test_port_attribute_that_cannot_be_read(self, leaf):
        kernel, _ = kernel_with_eipoib()
        path = '/sys/class/infiniband/mlx4_0/ports/2/' + leaf
        host = machine.read(Source(kernel, {path: errno.EACCES}))
        assert getattr(host.ports[1], leaf) is None
        assert host.problems == (path + ': ' + os.strerror(errno.EACCES),)

    def test_interface_name_that_must_not_enter_a_path(self):
        kernel, _ = kernel_with_eipoib()
        links = kernel.links()
        links['a\u20acb'] = links['ib1']._replace(name='a\u20acb')
        kernel.links = lambda: links
        host = machine.read(kernel)
        assert sorted(host.interfaces) == ['eth5', 'ib1']
        assert len(host.problems) == 1

    def test_parent_by_bus_info_alone(self):
        kernel, _ = kernel_with_eipoib()
        without_list = Source(kernel, {'/sys/class/net/eth_ipoib_interfaces': errno.ENOENT})
        assert machine.read(without_list).eipoibs['eth5'].parent == 'ib1'
        without_list.drvinfo = lambda name: ('eth_ipoib' if name == 'eth5' else 'ib_ipoib', '0000:03:00.0')
        assert machine.read(without_list).eipoibs['eth5'].parent == 'ib1'
        kernel.add_ipoib('ib0', kernel.hcas['mlx4_0'].ports[1])  # now the PCI address fits two
        host = machine.read(without_list)
        assert host.eipoibs['eth5'].parent is None
        assert host.problems == ('eth5: its IPoIB interface is not known',)

    @pytest.mark.parametrize('dev_port,dev_id,port', [
        ('1', '0x1', 2), ('0', '0x1', 2), (None, '0x1', 2), ('1', None, 2), ('0', '0x0', 1), (None, None, 1),
        ('junk', '0x1', 2)])
    def test_port_under_an_ipoib_interface(self, dev_port, dev_id, port):
        """Kernels from 3.15 on have dev_port; until ib_ipoib set it, it said 0 for every port."""
        kernel, _ = kernel_with_eipoib()
        leaves = {'dev_port': dev_port, 'dev_id': dev_id}
        host = machine.read(Source(kernel, dict(
            ('/sys/class/net/ib1/' + leaf, errno.ENOENT if text is None else text) for leaf, text in leaves.items())))
        assert (host.eipoibs['eth5'].hca, host.eipoibs['eth5'].port) == ('mlx4_0', port)


CHILDREN = st.lists(st.tuples(st.integers(1, 0x7fff), st.booleans(), st.booleans(), st.booleans()), max_size=12,
                    unique_by=lambda child: child[0])


@given(st.lists(st.integers(0, 0xffff), max_size=128), CHILDREN)
def test_host_is_what_the_model_holds(table, children):
    """P_Key tables, children of both makings, slaves and vifs come out as they went in."""
    kernel, port = kernel_with_eipoib()
    port.set_pkeys(table)
    expected, vifs = {}, []
    for vlan, (key, by_rtnetlink, enslaved, tagged) in enumerate(children):
        name = 'ib1.{0:04x}'.format(0x8000 | key)
        if by_rtnetlink:
            kernel.add_link('ib1', name, 0x8000 | key)
        elif key == 0x7fff:
            continue  # create_child refuses the parent's own P_Key
        else:
            kernel.write('/sys/class/net/ib1/create_child', '0x{0:04x}'.format(0x8000 | key))
        expected[name] = PKey(key, True)
        if enslaved:
            kernel.write('/sys/class/net/eth5/eth/slaves', '+' + name)
            if tagged:
                kernel.write('/sys/class/net/eth5/eth/vifs', '+{0} {1} {2}'.format(name, MAC, vlan))
            vifs.append(Vif(name, MAC, vlan) if tagged else Vif(name, None, None))
    host = machine.read(kernel)
    assert host.problems == ()
    assert host.ports[1].pkeys == tuple(PKey.from_value(value) for value in table if value & 0x7fff)
    assert dict((name, child.pkey) for name, child in host.children.items()) == expected
    assert set(child.parent for child in host.children.values()) <= set(['ib1'])
    eth5 = host.eipoibs['eth5']
    assert set(eth5.slaves) == set(kernel.netdevs['eth5'].slaves)
    assert eth5.vifs == tuple(vifs)
    assert set(host.interfaces) == set(kernel.netdevs)
    for name, interface in host.interfaces.items():
        netdev = kernel.netdevs[name]
        assert (interface.ifindex, interface.up, interface.mac, interface.state) == (
            netdev.ifindex, netdev.up, netdev.address, netdev.operstate)


@pytest.mark.parametrize('link_type, mac, guid', [
    ('infiniband', '80:00:02:08:fe:80:00:00:00:00:00:00:00:02:c9:03:00:00:00:11', 0x0002c90300000011),
    ('infiniband', '80:00:02:08:fe:80:00:00:00:00:00:00:00:00:00:00:00:00:00:00', None),
    ('infiniband', MAC, None), ('infiniband', None, None), ('ethernet', MAC, None)])
def test_the_address_of_an_ipoib_interface_ends_in_the_guid_of_its_port(link_type, mac, guid):
    assert Interface('ib0', 3, mac, link_type, True, 'up', 2044, 'ib_ipoib', None).port_guid == guid
