# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Ports of Open vSwitch with the kernel's datapath, and their vifs on children that the real ib_ipoib makes.

Covered: 100 ports in four VLANs come in one transaction and go in another; a port that moves to another network
namespace, where it gets another MAC.
"""
import os
import shutil

import pytest

from tests.lab.openvswitch import SCHEMA
from tests.vm import eipoibd, inside

VLANS = [100, 101, 102, 103]
PORTS = [[f't{number}', VLANS[number % len(VLANS)], f'fa:16:3e:00:00:{number:02x}'] for number in range(100)]
FOLDER, DATABASE = '/var/run/openvswitch', '/run/ovs.db'
PROGRAMS = ('ovsdb-server', 'ovs-vswitchd', 'ovsdb-tool', 'ovs-vsctl')
SETTINGS = {'resync_interval': 3600, 'vif_grace': 0, 'log_level': 'warning'}

pytestmark = pytest.mark.skipif(not all(map(shutil.which, PROGRAMS)), reason='openvswitch-switch is not installed')


def start_switch(eipoib):
    """In the guest: Open vSwitch with br-int, br-aux and the EIPOIB interface in it."""
    os.makedirs(FOLDER, exist_ok=True)
    inside.must('modprobe', 'openvswitch')
    inside.must('ovsdb-tool', 'create', DATABASE, SCHEMA)
    for program, *arguments in (['ovsdb-server', DATABASE, f'--remote=punix:{FOLDER}/db.sock'], ['ovs-vswitchd']):
        inside.must(program, *arguments, f'--pidfile={FOLDER}/{program}.pid', '--detach', '--no-chdir', '-vconsole:off',
                    '-vsyslog:off')
    inside.must('ovs-vsctl', 'add-br', 'br-int', '--', 'add-br', 'br-aux', '--', 'add-port', 'br-aux', eipoib,
                '--', 'add-port', 'br-int', 'i', '--', 'set', 'interface', 'i', 'type=patch', 'options:peer=a',
                '--', 'add-port', 'br-aux', 'a', '--', 'set', 'interface', 'a', 'type=patch', 'options:peer=i')


def stop_switch():
    inside.run(['ovs-vsctl', 'del-br', 'br-int', '--', 'del-br', 'br-aux'])
    for program in ('ovs-vswitchd', 'ovsdb-server'):
        inside.must('kill', inside.read(f'{FOLDER}/{program}.pid').strip())
        inside.until(lambda program=program: not os.path.exists(f'{FOLDER}/{program}.pid'))
    shutil.rmtree(FOLDER)
    os.unlink(DATABASE)


def add(ports):
    """In one transaction."""
    inside.must('ovs-vsctl', *[word for name, vlan, mac in ports for word in (
        '--', 'add-port', 'br-int', name, f'tag={vlan}', '--', 'set', 'interface', name, 'type=internal',
        f'external_ids:attached-mac="{mac}"')])


def remove(ports):
    inside.must('ovs-vsctl', *[word for name, _, _ in ports for word in ('--', 'del-port', name)])


def until_served(eipoib, expected):
    """Wait until exactly these [MAC, VLAN] have a vif beside the interface's own MAC, on a child of the right P_Key."""
    own = inside.read(f'{inside.NET}/{eipoib}/address').strip()

    def others():
        return [[slave, mac, vlan] for slave, mac, vlan in inside.served_vifs(eipoib) if mac != own]
    try:
        inside.until(lambda: sorted([mac, vlan] for _, mac, vlan in others()) == sorted(expected), 120)
    except TimeoutError as error:
        raise TimeoutError(f'{error}: {others()}\n{eipoibd.log()}')
    pkeys = inside.pkeys_of_links()
    wrong = [vif for vif in others() if pkeys[vif[0]] != 0x8000 | vif[2]]
    if wrong:
        raise AssertionError(f'these are in another partition: {wrong}')


@pytest.fixture
def eipoib(guest):
    (name,) = [name for name, parent in guest.call(inside.eipoibs).items() if parent == 'ib0']
    guest.call(inside.program, 1, [0xffff] + [0x8000 | vlan for vlan in VLANS])
    guest.call(start_switch, name)
    yield name
    guest.call(stop_switch)


def test_a_hundred_ports_and_a_hundred_vifs(guest, eipoib):
    guest.call(eipoibd.start, SETTINGS)
    guest.call(add, PORTS)
    guest.call(until_served, eipoib, [[mac, vlan] for _, vlan, mac in PORTS])
    assert guest.call(inside.vlans, eipoib) == [-1] + VLANS
    assert len([name for name in guest.call(inside.children) if name.startswith('ib0.')]) == 105
    guest.call(remove, PORTS[:99])
    guest.call(until_served, eipoib, [[PORTS[99][2], PORTS[99][1]]])
    assert guest.call(eipoibd.stop) == 0
    assert guest.call(eipoibd.once, '--flush')['status'] == 0
    assert guest.call(inside.children) == []


def test_a_port_in_another_network_namespace(guest, eipoib):
    guest.call(eipoibd.start, SETTINGS)
    guest.call(inside.must, 'ovs-vsctl', 'add-port', 'br-int', 'qr-1', 'tag=100', '--', 'set', 'interface', 'qr-1',
               'type=internal')
    guest.call(inside.must, 'ip', 'netns', 'add', 'qrouter-1')
    guest.call(inside.must, 'ip', 'link', 'set', 'qr-1', 'netns', 'qrouter-1')
    for mac in ('fa:16:3e:00:00:01', 'fa:16:3e:00:00:02'):
        guest.call(inside.must, 'ip', '-n', 'qrouter-1', 'link', 'set', 'qr-1', 'address', mac, 'up')
        guest.call(until_served, eipoib, [[mac, 100]])
    guest.call(inside.must, 'ovs-vsctl', 'del-port', 'br-int', 'qr-1')
    guest.call(until_served, eipoib, [])
    guest.call(inside.must, 'ip', 'netns', 'delete', 'qrouter-1')
