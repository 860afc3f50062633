# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The model of the kernel: it answers as ib_ipoib and eth_ipoib do.

Covered: the errno of every refused write to create_child, delete_child, slaves and vifs; OFED's child index; children
made through rtnetlink; asynchronous delete; a half-made slave; the cut page of vifs; the MAC before there is a GID.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno

import pytest

from tests.model.eth_ipoib import KernelMemoryCorrupted
from tests.model.kernel import Kernel

NET = '/sys/class/net/'
MAC = '02:00:00:00:00:01'


def machine(**options):
    kernel = Kernel(**options)
    kernel.add_ipoib('ib0', kernel.add_hca().ports[1])
    kernel.add_eipoib('eth4', 'ib0')
    kernel.add_ethernet('eth0', MAC)
    return kernel


def refused(act, *arguments):
    with pytest.raises(OSError) as caught:
        act(*arguments)
    return caught.value.errno


def create(kernel, text):
    kernel.write(NET + 'ib0/create_child', text)


def slaves(kernel, text):
    kernel.write(NET + 'eth4/eth/slaves', text)


def vifs(kernel, text):
    kernel.write(NET + 'eth4/eth/vifs', text)


@pytest.mark.parametrize('text', ['0', '0x8000', 'text', '0x10000', ' ', '.1'])
def test_create_child_refuses_what_is_no_pkey(text):
    assert refused(create, machine(), text) == errno.EINVAL


def test_create_child_takes_a_key_that_the_table_lacks_and_ignores_what_follows_it():
    kernel = machine()
    create(kernel, '0x8064.7 or so')
    assert kernel.tree.read(NET + 'ib0.8064/pkey') == '0x8064'
    assert refused(create, kernel, '0x8064') == errno.ENOTUNIQ
    assert refused(create, kernel, '0xffff') == errno.ENOTUNIQ


@pytest.mark.parametrize('sets_full_bit, name', [(False, 'ib0.0001'), (True, 'ib0.8001')])
def test_a_key_without_bit_15_makes_another_child_on_older_kernels(sets_full_bit, name):
    kernel = machine(sets_full_bit=sets_full_bit)
    create(kernel, '0x0001')
    assert name in kernel.netdevs


def test_ofed_takes_a_child_index():
    kernel = machine(rtnetlink=False, child_index=True)
    for text in ('0x8001', '0x8001.1', '.1'):
        create(kernel, text)
    assert sorted(child.name for child in kernel.of_kind('child')) == ['ib0.1', 'ib0.8001', 'ib0.8001.1']
    assert refused(create, kernel, '.1') == errno.ENOTUNIQ
    assert refused(create, kernel, '.256') == errno.EINVAL
    kernel.write(NET + 'ib0/delete_child', '.1')
    assert 'ib0.1' not in kernel.netdevs


def test_rtnetlink_makes_several_children_of_a_key_that_sysfs_does_not_know():
    kernel = machine()
    for name in ('ib0.a', 'ib0.b', 'ib0.8064'):
        kernel.add_link('ib0', name, 0x8064)
    assert not kernel.tree.exists(NET + 'ib0.a/pkey')
    assert kernel.links()['ib0.a'][-4:-2] == ('ipoib', 0x8064)
    assert refused(kernel.write, NET + 'ib0/delete_child', '0x8064') == errno.ENODEV
    assert refused(create, kernel, '0x8064') == errno.EEXIST
    assert refused(kernel.add_link, 'ib0', 'ib0.c', 0) == errno.EINVAL
    kernel.delete_link('ib0.a')
    assert 'ib0.b' in kernel.netdevs


def test_delete_child_can_be_asynchronous():
    kernel = machine(delete_looks=2)
    create(kernel, '0x8064')
    for _ in range(2):
        kernel.write(NET + 'ib0/delete_child', '0x8064')
    assert refused(create, kernel, '0x8064') == errno.ENOTUNIQ
    kernel.links()
    kernel.links()
    create(kernel, '0x8064')


def test_slaves_refuses_in_the_drivers_order():
    kernel = machine()
    create(kernel, '0x8064')
    assert refused(slaves, kernel, '+ib0.8064') == errno.EPERM  # eth4 is down
    kernel.link_up('eth4')
    assert refused(slaves, kernel, 'ib0.8064') == errno.EPERM
    assert refused(slaves, kernel, '+ib0.9') == errno.EINVAL
    assert refused(slaves, kernel, '+eth0') == errno.EOPNOTSUPP
    assert refused(slaves, kernel, '-ib0.8064') == errno.ENODEV
    slaves(kernel, '+ib0.8064')
    assert refused(slaves, kernel, '+ib0.8064') == errno.EPERM
    assert kernel.tree.link(NET + 'eth4/slave_ib0.8064') == '../ib0.8064'
    assert kernel.tree.link(NET + 'ib0.8064/eth_parent') == '../eth4'


def test_a_failed_enslave_leaves_the_child_unusable_until_it_is_made_anew():
    kernel = machine()
    kernel.link_up('eth4')
    kernel.add_link('ib0', 'storage', 0x8064)
    assert refused(slaves, kernel, '+storage') == errno.EINVAL  # its name does not contain ib0
    assert refused(slaves, kernel, '+storage') == errno.EBUSY


def test_vifs_refuses_duplicates_and_ignores_removal():
    kernel = machine()
    kernel.link_up('eth4')
    for key in (0x8064, 0x8065):
        create(kernel, hex(key))
        slaves(kernel, '+ib0.%x' % key)
    assert refused(vifs, kernel, '+ib0.9 ' + MAC) == errno.EINVAL
    assert refused(vifs, kernel, '+ib0.8064 00:00:00:00:00:00 5') == errno.EINVAL
    vifs(kernel, '+ib0.8064 %s 100' % MAC)
    assert refused(vifs, kernel, '+ib0.8064 %s 100' % MAC) == errno.EINVAL
    assert refused(vifs, kernel, '+ib0.8065 %s 100' % MAC) == errno.EINVAL
    vifs(kernel, '-ib0.8064 %s 100' % MAC)
    assert kernel.vifs('eth4') == [('ib0.8064', MAC, 100, 0x8064)]
    assert kernel.tree.read(NET + 'eth4/eth/vifs').split('\n')[1] == 'SLAVE=ib0.8065   MAC=N/A               VLAN=N/A'
    kernel.unregister('ib0.8064')
    assert kernel.netdevs['eth4'].slaves == ['ib0.8065']


@pytest.mark.parametrize('text', ['+ib0.8064-much-too-long 02:00:00:00:00:01 100', '+ib0.8064 02:00:00:00:00:01:02 1'])
def test_what_overruns_the_drivers_buffers_is_found_out(text):
    with pytest.raises(KernelMemoryCorrupted):
        vifs(machine(), text)


def test_the_page_of_vifs_is_cut_where_a_row_still_looks_valid():
    kernel = machine()
    kernel.link_up('eth4')
    for vlan in range(978, 1104):
        create(kernel, hex(0x8000 | vlan))
        slaves(kernel, '+ib0.%x' % (0x8000 | vlan))
        vifs(kernel, '+ib0.{0:x} {1} {2}'.format(0x8000 | vlan, MAC, vlan))
    page = kernel.tree.show(NET + 'eth4/eth/vifs')
    assert len(page) == 4095
    assert page.endswith('\n')
    assert page.count('\n') < 126


def test_the_mac_is_zero_until_the_port_has_a_gid():
    kernel = machine()
    port = kernel.hcas['mlx4_0'].ports[1]
    port.guid = None
    assert kernel.tree.read(NET + 'eth4/address') == '00:00:00:00:00:00'
    port.guid = '0002c90300abcdef'
    assert kernel.tree.read(NET + 'eth4/address') == '00:02:c9:ab:cd:ef'


def test_a_rename_keeps_the_slaves():
    kernel = machine()
    kernel.link_up('eth4')
    create(kernel, '0x8064')
    slaves(kernel, '+ib0.8064')
    kernel.rename('eth4', 'eth9')
    assert kernel.tree.read(NET + 'eth9/eth/slaves') == 'ib0.8064'
    assert kernel.tree.read(NET + 'eth_ipoib_interfaces') == 'eth9 over IB port: ib0'
