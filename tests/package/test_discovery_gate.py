# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The gate of the discovery agent as rc.local of a discovery image holds it: discovery-gate, run for real.

Covered: no card, and a card whose ports are known as Ethernet before any driver is loaded: no delay and no word; all
ports sense Ethernet; a ConnectX-4 without eth_ipoib; eipoibd opens it; nobody does. What sysfs shows is made up, and
``sleep`` and ``logger`` stand in: a second of the script takes no time here.
"""
import os

import pytest

from tests.package.conftest import ThrowAwayNode
from tools.packages import TOP

SCRIPT = TOP / 'bootstrap/common/usr/lib/fuel-infiniband/discovery-gate'
GATE = '/etc/nailgun-agent/nodiscover'
CONNECTX3 = ('0x15b3', '0x028000')
CONNECTX4 = ('0x15b3', '0x020700')
CONNECTX_ETHERNET = ('0x15b3', '0x020000')
E1000 = ('0x8086', '0x020000')
OFED = 'updates/eth_ipoib.ko: updates/ib_ipoib.ko\nupdates/ib_ipoib.ko:\n'
INBOX = 'kernel/ib_ipoib.ko:\nkernel/other.ko: kernel/eth_ipoib_helper.ko\n'


@pytest.fixture
def hold(root_only, tmp_path):
    """hold(cards, modules, ports, opened_after) -> (lines that it prints, seconds that it waited)."""
    machine = ThrowAwayNode(tmp_path)

    def run(cards, modules=OFED, ports=(), opened_after=1000, ipoib='ib0'):
        sysfs = machine.path('tmp/sys')
        for number, (vendor, kind) in enumerate(cards):
            folder = sysfs / f'bus/pci/devices/0000:0{number}:00.0'
            folder.mkdir(parents=True)
            (folder / 'vendor').write_text(f'{vendor}\n')
            (folder / 'class').write_text(f'{kind}\n')
        for number, layer in enumerate(ports, 1):
            (sysfs / f'class/infiniband/mlx/ports/{number}').mkdir(parents=True)
            (sysfs / f'class/infiniband/mlx/ports/{number}/link_layer').write_text(f'{layer}\n')
        (sysfs / 'class/net' / ipoib).mkdir(parents=True)
        machine.run('mount', '--bind', '/tmp/sys', '/sys')
        place = machine.path(f'lib/modules/{os.uname().release}')
        place.mkdir()
        (place / 'modules.dep').write_text(modules)
        machine.path(GATE).parent.mkdir()
        machine.path(GATE).write_text('')
        machine.path('usr/bin/sleep').unlink()
        for name, text in (('sleep', f'echo >>/tmp/slept; [ $(wc -l </tmp/slept) -lt {opened_after} ] || rm {GATE}'),
                           ('logger', 'shift 2; echo "discovery-gate: $*" >>/tmp/logged')):
            machine.path(f'usr/bin/{name}').unlink(missing_ok=True)
            machine.path(f'usr/bin/{name}').write_text(f'#!/bin/sh\n{text}\n')
            machine.path(f'usr/bin/{name}').chmod(0o755)
        machine.path('tmp/gate').write_bytes(SCRIPT.read_bytes())
        machine.run('ip', 'link', 'add', 'ib0', 'type', 'veth', 'peer', 'name', 'switch')
        done = machine.run('sh', '/tmp/gate')
        assert done.stderr == ''
        assert not machine.path(GATE).exists()
        logged, slept = machine.path('tmp/logged'), machine.path('tmp/slept')
        assert (logged.read_text() if logged.exists() else '') == done.stdout, 'the log has the same'
        run.up = 'UP' in machine.run('ip', '-o', 'link', 'show', 'ib0').stdout.partition('>')[0].split(',')
        return done.stdout, len(slept.read_text().splitlines()) if slept.exists() else 0
    yield run
    machine.close()


@pytest.mark.parametrize('cards', [[], [E1000], [E1000, CONNECTX_ETHERNET]])
def test_without_a_card_that_could_be_infiniband_nothing_waits(hold, cards):
    assert hold(cards) == ('', 0)


@pytest.mark.parametrize('card', [CONNECTX3, CONNECTX4, ('0x15b3', '0x0c0600')])
def test_eipoibd_opens_it(hold, card):
    assert hold([E1000, card], ports=['InfiniBand', 'Ethernet'], opened_after=7) == (
        'discovery-gate: open after 7 s\n', 7)


def test_nobody_opens_it(hold):
    said, waited = hold([CONNECTX3], ports=['InfiniBand'])
    assert said.startswith('discovery-gate: no EIPOIB interface serves untagged traffic after 60 s') and waited == 60


def test_all_ports_sense_ethernet(hold):
    assert hold([CONNECTX3], ports=['Ethernet', 'Ethernet']) == ('discovery-gate: all ports are Ethernet\n', 0)


def test_a_connectx4_without_eth_ipoib(hold):
    said, waited = hold([CONNECTX4], INBOX, ports=['InfiniBand'])
    assert 'has no module eth_ipoib, which comes with MLNX_OFED; IPoIB interfaces: ib0\n' in said and waited == 0
    assert hold.up, 'IPoIB alone can be used'


def test_a_card_whose_drivers_are_not_there(hold):
    assert 'IPoIB interfaces: none\n' in hold([CONNECTX4], INBOX, ipoib='eth0')[0]
