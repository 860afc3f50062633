# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Linux bridges and VLAN interfaces over an EIPOIB interface, by the stage ovs, on a kernel that has all of them.

Covered: everything missing, a VLAN interface that is gone, one that is down and in no bridge, one of another VLAN; the
MTU is that of the IPoIB slaves; killed at several points and run again the end state is the same.
"""
import json
import subprocess
import sys
import time

from plugin_lib import stages
from tests.vm import eipoibd, inside

ASTUTE = '/run/astute-bridges.yaml'


def publish(name):
    """Write an astute.yaml of Fuel's usual Linux bridges over the EIPOIB interface ``name``."""
    scheme = {
        'version': '1.1', 'provider': 'lnx', 'roles': {'management': 'br-mgmt', 'ex': 'br-aux'},
        'interfaces': {name: {'vendor_specific': {'driver': 'eth_ipoib', 'bus_info': 'ib0'}}},
        'endpoints': {'br-mgmt': {'IP': 'none'}, 'br-aux': {'IP': 'none'}},
        'transformations': [
            {'action': 'add-br', 'name': 'br-mgmt', 'mtu': 9000}, {'action': 'add-br', 'name': 'br-aux'},
            {'action': 'add-port', 'name': name, 'bridge': 'br-aux'},
            {'action': 'add-port', 'name': f'{name}.201', 'bridge': 'br-mgmt', 'mtu': 1400}]}
    with open(ASTUTE, 'w', encoding='ascii') as stream:
        json.dump({'network_scheme': scheme}, stream)


def apply():
    """{'made', 'findings', 'again'} of the stage."""
    node = stages.Node('/', ASTUTE)
    plan = stages.plan(node, 'ovs')
    stages.apply(node, 'ovs', lambda outcome: None)
    again = stages.plan(node, 'ovs')
    return {'made': [each.describe() for step in plan.steps for each in step.operations],
            'findings': list(plan.findings), 'again': [step.subject for step in again.steps]}


def kill_after(seconds):
    """Apply in a process of its own, which is killed."""
    process = subprocess.Popen([sys.executable, '-c', 'from tests.vm import test_bridges; test_bridges.apply()'])
    time.sleep(seconds)
    process.kill()
    process.wait()


def links():
    """{name: [kind, VLAN, what is under it, master, up, MTU]} of what ``ip`` shows."""
    shown = json.loads(inside.must('ip', '-json', '-details', 'link'))
    return {link['ifname']: [
        link.get('linkinfo', {}).get('info_kind'), link.get('linkinfo', {}).get('info_data', {}).get('id'),
        link.get('link'), link.get('master'), 'UP' in link['flags'], link['mtu']] for link in shown}


def forget():
    for name in [name for name, link in links().items() if link[0] in ('bridge', 'vlan')]:
        inside.run(['ip', 'link', 'delete', name])


def ready(guest):
    """The EIPOIB interface over port 1, served for untagged traffic and VLAN 201, and published."""
    for module in ('bridge', '8021q'):  # elsewhere the kernel calls modprobe itself, here it does not find it
        guest.call(inside.must, 'modprobe', module)
    guest.call(forget)
    guest.call(inside.program, 1, [0xffff, 0x80c9])
    name = next(name for name, parent in guest.call(inside.eipoibs).items() if parent == 'ib0')
    assert guest.call(eipoibd.once)['status'] == 0
    guest.call(publish, name)
    return name


def expected(name, mtu):
    return {'br-mgmt': ['bridge', None, None, None, True, mtu], 'br-aux': ['bridge', None, None, None, True, mtu],
            f'{name}.201': ['vlan', 201, name, 'br-mgmt', True, 1400], name: [None, None, None, 'br-aux', True, mtu]}


def assert_made(guest, name):
    found = guest.call(links)
    mtu = found['ib0'][5]
    assert {each: found[each] for each in expected(name, mtu)} == expected(name, mtu)


def test_what_netconfig_has_not_made_is_made(guest):
    name = ready(guest)
    result = guest.call(apply)
    assert result['made'][:3] == ['add Linux bridge br-aux', 'set br-aux up', f'put {name} into br-aux']
    assert f'add {name}.201, VLAN 201 of {name}' in result['made']
    mtu = guest.call(links)['ib0'][5]
    assert result['findings'] == [f'Fuel asks for an MTU of 9000 on br-mgmt, the fabric under {name} carries {mtu}']
    assert result['again'] == []
    assert_made(guest, name)
    assert guest.call(apply)['made'] == []
    for command in (['delete', f'{name}.201'], ['set', name, 'nomaster']):
        guest.call(inside.must, 'ip', 'link', *command)
    assert guest.call(apply)['again'] == []
    assert_made(guest, name)
    guest.call(forget)


def test_a_vlan_interface_of_another_vlan_is_left_and_told(guest):
    name = ready(guest)
    guest.call(inside.must, 'ip', 'link', 'add', 'link', name, 'name', f'{name}.201', 'type', 'vlan', 'id', '202')
    result = guest.call(apply)
    assert f'{name}.201 is there, but not as VLAN 201 of {name}: it is left as it is' in result['findings']
    assert guest.call(links)[f'{name}.201'][:4] == ['vlan', 202, name, None]
    guest.call(forget)


def test_killed_and_run_again_it_ends_in_the_same_state(guest):
    name = ready(guest)
    for seconds in (0.5, 1, 1.5, 2, 2.5):
        guest.call(forget)
        guest.call(kill_after, seconds)
        assert guest.call(apply)['again'] == []
        assert_made(guest, name)
    guest.call(forget)
