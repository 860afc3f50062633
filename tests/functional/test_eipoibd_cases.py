# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The cases at which the historical shell daemon failed, each on a node of the lab with eipoibd as a process.

Covered: 126 P_Keys replaced by 126 others at once; VLANs behind the cut of the vifs page that are removed later; a
table whose cut last row reads as another VLAN; the subnet manager's fallback table, a table that cannot be read and one
that is garbled; a changed MAC; a lost vif, a child that is not enslaved, an orphan; demotion to a limited member and
back; a log that says what was done.
"""
import errno
import os
import re
import signal

import pytest

from tests.functional.eipoibd_node import (
    CONFIG,
    STATUS,
    Service,
    eipoibd,
    install,
    status,
    until,
    until_asleep,
    vlans,
)
from tests.lab import lab

pytestmark = pytest.mark.usefixtures('level_1')

NET = '/sys/class/net'
PKEYS = '/sys/class/infiniband/mlx4_0/ports/1/pkeys'
AT_ONCE = '[eipoibd]\nremoval_grace = 0\nmass_removal_hold = 0\nresync_interval = 3600\n'
STEP = re.compile(r'event=step subject="([^"]+)" did="([^"]+)"')


def on_a_node(vlans_of_it, body, config=AT_ONCE):
    """Run ``body(node)`` on a node whose port holds the P_Keys of these VLANs."""
    def inside(made):
        node = made.add_node(table(vlans_of_it))
        install(node)
        node.write(CONFIG, config)
        body(node)

    assert lab.run(inside) in (0, None), 'what failed in the lab is on stderr'


def table(numbers):
    return [0xffff] + [0x8000 | vlan for vlan in numbers]


def child(vlan):
    return f'ib0.{0x8000 | vlan:04x}'


def slaves(node):
    return {name[len('slave_'):] for name in os.listdir(node.path(f'{NET}/eth4')) if name.startswith('slave_')}


def children(numbers):
    return {'ib0.1'} | {child(vlan) for vlan in numbers}


def write(node, attribute, text):
    descriptor = os.open(node.path(f'{NET}/{attribute}'), os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def vifs(node):
    """{slave: (MAC, VLAN)} of every row of the page; the last one of a full page is what is left of it."""
    rows = re.findall(r'^SLAVE=(\S+) +MAC=(\S+) +VLAN=(\S+)$', node.read(f'{NET}/eth4/eth/vifs'), re.M)
    return {slave: (mac, vlan) for slave, mac, vlan in rows}


def wake(node):
    """An event of eth4's link: the lab's port has no events of its own."""
    mtu = {'1500': '1400', '1400': '1500'}[node.read(f'{NET}/eth4/mtu').strip()]
    node.run('ip', 'link', 'set', 'eth4', 'mtu', mtu)


def let_pass(node, number=2):
    """Wait for so many passes more; with a resync_interval of a second."""
    metrics = '/run/eipoibd/eipoibd.prom'
    until(lambda: os.path.exists(node.path(metrics)))

    def passes():
        return int(re.search(r'^eipoibd_passes_total (\d+)$', node.read(metrics), re.M).group(1))

    wanted = passes() + number
    until(lambda: passes() >= wanted)


def log_of(service):
    service.signal(signal.SIGTERM)
    code, log = service.end()
    assert code == 0
    return log


def operations(log):
    """[(subject, operation)] that the log says were done."""
    return [(subject, operation) for subject, done in STEP.findall(log) for operation in done.split(', ')]


def test_126_keys_are_replaced_by_126_others_in_one_pass():
    first, second = range(100, 226), range(978, 1104)

    def body(node):
        assert eipoibd(node, '--once').returncode == 0
        with Service(node) as service:
            until(lambda: vlans(node) == list(first))
            until_asleep(node)  # a table that changes while a pass reads it is read half old and half new
            node.emulator.program(table(second))
            wake(node)
            until(lambda: vlans(node) != list(first))
            assert (vlans(node), slaves(node)) == (list(second), children(second))
            done = operations(log_of(service))
        assert len(done) == len(set(done)) == 126 * 3 + 126 * 2  # create, enslave, serve; release, delete

    on_a_node(first, body)


@pytest.mark.parametrize('first', [58, 67, 932, 978])
def test_vlans_behind_the_cut_of_the_page_are_served_and_removed(first):
    """From 67 and 932 on, the last row of the page is cut in the digits of its VLAN and reads as another one."""
    every, kept = range(first, first + 126), range(first, first + 80)

    def body(node):
        with Service(node) as service:
            until(lambda: vlans(node) == list(every))
            assert slaves(node) == children(every)
            assert len(vifs(node)) < 90
            until_asleep(node)  # a table that changes while a pass reads it is read half old and half new
            node.emulator.program(table(kept))
            wake(node)
            until(lambda: vlans(node) == list(kept))
            assert slaves(node) == children(kept)
            done = operations(log_of(service))
        # Both links were set up, every VLAN was made once and 46 were removed once: nothing else was repaired.
        assert len(done) == 2 + 3 + 126 * 3 + 46 * 2
        assert {name: vif[1] for name, vif in vifs(node).items()} == {
            'ib0.1': 'N/A', **{child(vlan): str(vlan) for vlan in kept}}

    on_a_node(every, body)


def test_what_the_table_does_not_say_takes_nothing_down():
    """The fallback table of a subnet manager, an error instead of an entry, and garbage."""
    keys = (100, 101, 102)

    def body(node):
        with Service(node) as service:
            until(lambda: vlans(node) == list(keys))
            before = {name: node.read(f'{NET}/{name}/ifindex') for name in children(keys)}
            node.emulator.program(table(()))
            let_pass(node)
            assert slaves(node) == children(keys)
            assert any('3 of 3 P_Keys have vanished' in warning for warning in status(node)['warnings'])
            node.emulator.program(table(keys))
            until(lambda: vlans(node) == list(keys))
            for trouble, problem in ((errno.EIO, 'Input/output error'), ('0x80', 'not a P_Key table entry')):
                node.emulator.program(None, trouble=trouble)
                let_pass(node)
                assert slaves(node) == children(keys)
                assert any(f'{PKEYS}/0: {problem}' in line for line in status(node)['problems'])
            node.emulator.program(None)
            until(lambda: vlans(node) == list(keys))
            assert {name: node.read(f'{NET}/{name}/ifindex') for name in children(keys)} == before
            log = log_of(service)
        assert 'delete' not in log
        assert log.count('P_Keys have vanished') == 1, 'said once, not in every pass'

    on_a_node(keys, body, '[eipoibd]\nresync_interval = 1\nremoval_grace = 0\n')


def test_a_new_mac_moves_every_vif():
    def body(node):
        with Service(node):
            until(lambda: vlans(node) == [100, 101])
            node.run('ip', 'link', 'set', 'eth4', 'address', '02:00:00:00:00:04')
            wanted = {'ib0.1': ('02:00:00:00:00:04', 'N/A'), child(100): ('02:00:00:00:00:04', '100'),
                      child(101): ('02:00:00:00:00:04', '101')}
            until(lambda: vifs(node) == wanted)

    on_a_node((100, 101), body)


def test_what_is_half_made_is_made_whole():
    """A vif that was lost, a child that is not enslaved, and an orphan whose key went while nobody looked."""
    def body(node):
        with Service(node) as service:
            until(lambda: vlans(node) == [100, 101, 102, 103])
            service.signal(signal.SIGKILL)
            service.end()
        os.unlink(node.path(STATUS))
        whole = vifs(node)
        write(node, 'eth4/eth/slaves', f'-{child(100)}')
        write(node, 'eth4/eth/slaves', f'+{child(100)}')
        assert vifs(node)[child(100)] == ('N/A', 'N/A')
        write(node, 'eth4/eth/slaves', f'-{child(101)}')
        node.emulator.program(table((100, 101, 102)))
        del whole[child(103)]
        with Service(node) as service:
            until(lambda: vifs(node) == whole)
            until(lambda: not os.path.exists(node.path(f'{NET}/{child(103)}')))
            done = operations(log_of(service))
        assert [operation for subject, operation in done if subject == 'eth4 vlan 100'] == [
            f'serve {whole[child(100)][0]} vlan 100 of eth4 through {child(100)}']
        assert not [subject for subject, _ in done if subject == 'eth4 vlan 102']

    on_a_node((100, 101, 102, 103), body)


def test_a_limited_member_is_no_member_until_it_is_full_again():
    def body(node):
        with Service(node) as service:
            until(lambda: vlans(node) == [100, 101, 102])
            node.emulator.program([0xffff, 0x0064, 0x8065, 0x8066])
            wake(node)
            until(lambda: vlans(node) == [101, 102])
            lines = status(node)['interfaces']['eth4']['lines']
            assert any('0x0064 limited ==> eth4 limited: ' in line for line in lines)
            node.emulator.program([0x0064, 0x8064, 0xffff, 0x8065, 0x8066])
            wake(node)
            until(lambda: vlans(node) == [100, 101, 102])
            assert slaves(node) == children((100, 101, 102))
            done = operations(log_of(service))
        mac = vifs(node)['ib0.1'][0]
        made = ['create ib0.8064 on ib0 for P_Key 0x8064', 'enslave ib0.8064 to eth4',
                f'serve {mac} vlan 100 of eth4 through ib0.8064']
        assert [operation for subject, operation in done if subject == 'eth4 vlan 100'] == [
            *made, 'release ib0.8064 from eth4', 'delete ib0.8064 of ib0', *made]

    on_a_node((100, 101, 102), body)
