# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What plugin_lib.host reads from the real ib_core and ib_ipoib, and from the stand-in eth_ipoib.

Covered: ports and their tables; parents, children made by sysfs and by rtnetlink, their P_Keys; EIPOIB interfaces with
slaves and vifs, over two ports; a table entry that changes; a port that goes down; a GID that comes late.
"""
from plugin_lib.host import machine as host_machine
from plugin_lib.host.source import Live
from tests.vm import eipoibd, inside


def host():
    """In the guest: the parts of state.Host that this level is about."""
    found = host_machine.read(Live())
    return {'problems': list(found.problems),
            'ports': [[port.hca, port.number, port.state, port.pci, [str(pkey) for pkey in port.pkeys]]
                      for port in found.ports],
            'children': {name: [child.parent, str(child.pkey), child.pkey.membership, child.up]
                         for name, child in found.children.items()},
            'eipoibs': {name: [each.parent, each.hca, each.port, each.mac, each.up, sorted(each.slaves),
                               [list(vif) for vif in each.vifs], each.vifs_complete]
                        for name, each in found.eipoibs.items()},
            'drivers': {name: [each.driver, each.bus_info] for name, each in found.interfaces.items()}}


def test_two_ports_and_their_interfaces(guest):
    guest.call(inside.program, 1, [0xffff, 0, 0x8064, 0x0065])
    found = guest.call(host)
    assert found['problems'] == []
    assert found['ports'] == [['mlx4_0', 1, 'ACTIVE', '0000:03:00.0', ['0xffff', '0x8064', '0x0065']],
                              ['mlx4_0', 2, 'ACTIVE', '0000:03:00.0', ['0xffff']]]
    assert found['drivers']['ib0'] == ['ib_ipoib', '0000:03:00.0']
    names = {parent: name for name, parent in guest.call(inside.eipoibs).items()}
    for number, parent in ((1, 'ib0'), (2, 'ib1')):
        assert found['drivers'][names[parent]] == ['eth_ipoib', parent]
        assert found['eipoibs'][names[parent]] == \
            [parent, 'mlx4_0', number, f'00:02:c9:00:00:0{number}', False, [], [], True]


def test_children_of_either_making(guest):
    for command in (['ip', 'link', 'add', 'link', 'ib0', 'name', 'ib0.8001', 'type', 'ipoib', 'pkey', '0x8001'],
                    ['ip', 'link', 'add', 'link', 'ib1', 'name', 'ib1.1', 'type', 'ipoib', 'pkey', '0xffff'],
                    ['ip', 'link', 'set', 'ib1.1', 'up']):
        guest.call(inside.must, *command)
    guest.call(inside.write, '/sys/class/net/ib0/create_child', '0x8002')
    found = guest.call(host)
    assert found['problems'] == []
    assert found['children'] == {'ib0.8001': ['ib0', '0x8001', 'full', False],
                                 'ib0.8002': ['ib0', '0x8002', 'full', False],
                                 'ib1.1': ['ib1', '0xffff', 'full', True]}


def test_slaves_and_vifs(guest):
    name = next(name for name, parent in guest.call(inside.eipoibs).items() if parent == 'ib0')
    guest.call(inside.must, 'ip', 'link', 'set', name, 'up')
    for child in ('ib0.8001', 'ib0.8002'):
        guest.call(inside.write, '/sys/class/net/ib0/create_child', f'0x{child[4:]}')
        guest.call(inside.write, f'/sys/class/net/{name}/eth/slaves', f'+{child}')
    guest.call(inside.write, f'/sys/class/net/{name}/eth/vifs', '+ib0.8001 00:02:c9:00:00:01 1')
    eipoib = guest.call(host)['eipoibs'][name]
    assert eipoib[4:] == [True, ['ib0.8001', 'ib0.8002'],
                          [['ib0.8001', '00:02:c9:00:00:01', 1], ['ib0.8002', None, None]], True]


def test_a_port_goes_down_and_a_gid_comes_late(guest):
    guest.call(inside.set_port, 2, 'state', 'INIT')
    guest.call(inside.set_port, 1, 'guid', '0')
    guest.call(inside.must, 'modprobe', '-r', 'ib_ipoib')
    guest.call(inside.must, 'modprobe', 'ib_ipoib')
    name = next(name for name, parent in guest.call(inside.eipoibs).items() if parent == 'ib0')
    found = guest.call(host)
    assert [port[2] for port in found['ports']] == ['ACTIVE', 'INIT']
    assert found['eipoibs'][name][3] == '00:00:00:00:00:00'
    assert 'waiting' in guest.call(eipoibd.once)['output']
    guest.call(inside.set_port, 1, 'guid', '0002c90300000077')
    guest.call(inside.set_port, 1, 'lid', '7')
    guest.call(inside.until_text, f'/sys/class/net/{name}/address', '00:02:c9:00:00:77')
