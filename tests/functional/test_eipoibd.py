# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""eipoibd as a process, on a node of the lab: real system calls on the emulated drivers, real interfaces.

Covered: --once twice, beside the service and without it; the service from a link event to the VLANs, SIGHUP, SIGTERM,
kill -9 and a new start; --flush; a second service; a bad configuration; what an unprivileged user is told.
"""
import json
import os
import signal

import pytest

from tests.functional.eipoibd_node import CONFIG, STATUS, Service, eipoibd, install, served, until, vlans
from tests.lab import lab

pytestmark = pytest.mark.usefixtures('level_1')


def on_a_node(body, pkeys=(0xffff, 0x8064)):
    """Run ``body(node)`` on a node that has eipoibd."""
    def inside(made):
        node = made.add_node(list(pkeys))
        install(node)
        body(node)

    assert lab.run(inside) in (0, None), 'what failed in the lab is on stderr'


def test_once_and_again_and_flush():
    def body(node):
        first = eipoibd(node, '--once')
        assert (first.returncode, first.stderr) == (0, '')
        assert 'mlx4_0 port 1 0x8064 full ==> ib0.8064 vlan 100 eth4 ok' in first.stdout
        assert served(node) == ['VLAN=100', 'VLAN=N/A']
        again = eipoibd(node, '--once')
        assert again.returncode == 0
        assert 'nothing to do' in again.stdout
        ledger = json.loads(node.read('/run/eipoibd/children.json'))
        assert sorted(ledger['children']) == ['ib0.1', 'ib0.8064']
        assert eipoibd(node, '--flush').returncode == 0
        assert served(node) == []
        assert not os.path.exists(node.path('/sys/class/net/ib0.8064'))

    on_a_node(body)


def test_the_service_follows_the_table():
    def body(node):
        node.write(CONFIG, '[eipoibd]\nresync_interval = 3600\nremoval_grace = 0\nlog_level = debug\n')
        with Service(node) as service:
            until(lambda: vlans(node) == [100])
            node.emulator.program([0xffff, 0x8064, 0x8065])
            node.run('ip', 'link', 'set', 'eth4', 'mtu', '1400')  # any event of its link brings a pass
            until(lambda: vlans(node) == [100, 101])
            node.emulator.program([0xffff, 0x8065])
            node.run('ip', 'link', 'set', 'eth4', 'mtu', '1500')
            until(lambda: vlans(node) == [101])
            assert served(node) == ['VLAN=101', 'VLAN=N/A']
            assert eipoibd(node, '--once').returncode == 0
            assert json.loads(node.read(STATUS))['mode'] == 'service'
            second = eipoibd(node)
            assert (second.returncode, 'another eipoibd is at work' in second.stderr) == (3, True)
            assert eipoibd(node, '--flush').returncode == 3
            service.signal(signal.SIGTERM)
            status, log = service.end()
        assert status == 0
        assert 'level=info event=step subject="eth4 vlan 101"' in log
        assert log.splitlines()[-1] == 'level=info event=stop'
        assert served(node) == ['VLAN=101', 'VLAN=N/A']

    on_a_node(body)


def test_a_killed_service_goes_on_where_it_was():
    def body(node):
        node.write(CONFIG, '[eipoibd]\nremoval_grace = 0\nmass_removal_hold = 0\n')
        with Service(node) as service:
            until(lambda: vlans(node) == [100])
            service.signal(signal.SIGKILL)
            service.end()
        os.unlink(node.path(STATUS))
        node.emulator.program([0xffff, 0x8065])
        with Service(node):
            until(lambda: vlans(node) == [101])
            assert served(node) == ['VLAN=101', 'VLAN=N/A']

    on_a_node(body)


def test_sighup_reads_the_configuration_again_and_a_bad_one_changes_nothing():
    def body(node):
        node.write(CONFIG, '[eipoibd]\nresync_interval = 3600\n')
        with Service(node) as service:
            until(lambda: vlans(node) == [100])
            node.write(CONFIG, '[eipoibd]\nresync_interval = never\n')
            service.signal(signal.SIGHUP)
            node.emulator.program([0xffff, 0x8064, 0x8065])
            until(lambda: vlans(node) == [100, 101])  # SIGHUP brings a pass
            node.write(CONFIG, '[eipoibd]\nresync_interval = 1\n')
            service.signal(signal.SIGHUP)
            node.emulator.program([0xffff, 0x8064, 0x8066])
            until(lambda: vlans(node) == [100, 102])
            service.signal(signal.SIGTERM)
            log = service.end()[1]
        assert f'where="{CONFIG} -> eipoibd -> resync_interval"' in log
        assert 'event=reload resync_interval=1' in log
        assert eipoibd(node, '--config', '/none').returncode == 2

    on_a_node(body)


def test_126_keys_are_replaced_by_126_others():
    first, second = range(100, 226), range(978, 1104)

    def body(node):
        assert eipoibd(node, '--once').returncode == 0
        assert [os.path.exists(node.path(f'/sys/class/net/eth4/slave_ib0.{0x8000 | vlan:04x}')) for vlan in first] == \
            [True] * 126
        node.emulator.program([0xffff] + [0x8000 | vlan for vlan in second])
        node.write(CONFIG, '[eipoibd]\nremoval_grace = 0\nresync_interval = 1\n')
        with Service(node):
            until(lambda: vlans(node) == list(second))
        slaves = {name for name in os.listdir(node.path('/sys/class/net/eth4')) if name.startswith('slave_')}
        assert slaves == {f'slave_ib0.{0x8000 | vlan:04x}' for vlan in second} | {'slave_ib0.1'}

    on_a_node(body, [0xffff] + [0x8000 | vlan for vlan in first])
