# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What the check of a node says about ports beside missing P_Keys: subnet manager, MTU, surplus, memory, eipoibd."""
from __future__ import absolute_import, print_function, unicode_literals

import shutil

import pytest

from plugin_lib import stages
from plugin_lib.host.manager import NOBODY, Manager
from plugin_lib.host.memory import Memory
from plugin_lib.host.state import Interface
from plugin_lib.pkey import PKey
from plugin_lib.planning import port_checks
from tests.unit.test_checks import ALL_KEYS, DATA, ETH4, machine
from tests.unit.test_cli import ASTUTE, CONNECTX3

DEFAULT = PKey(0x7fff, True)
MIB = 1024 * 1024


def fabric(host, sm_check='fail', data=DATA, manager=None):
    found = port_checks.fabric(data, host, sm_check, {'eth4': manager})
    return [(finding.level, finding.subject, finding.text) for finding in found]


def with_port(host, **changes):
    return host._replace(ports=(host.ports[0]._replace(**changes),))


@pytest.mark.parametrize('sm_check, level', [('fail', 'FAIL'), ('warn', 'WARN')])
def test_an_active_port_without_a_subnet_manager_says_so(sm_check, level):
    host = with_port(machine(), sm_lid=0)
    assert fabric(host, sm_check) == [
        (level, ETH4, 'the port is ACTIVE, but knows no subnet manager (sm_lid is 0)')]
    assert fabric(host, 'off') == []
    assert fabric(with_port(machine(), sm_lid=0, state='DOWN')) == [], 'that is told with the P_Keys'
    assert fabric(machine()) == []


@pytest.mark.parametrize('manager, text', [
    (Manager(5, 'master'), None), (NOBODY, 'at LID 1, where its subnet manager was, nobody answers'),
    (Manager(5, 'standby'), 'at LID 1, where its subnet manager was, one that is standby answers')])
def test_a_subnet_manager_that_has_gone_is_told(manager, text):
    found = fabric(with_port(machine(), sm_lid=1), manager=manager)
    assert found == ([('FAIL', ETH4, text)] if text else [])


def test_surplus_keys_are_those_that_no_network_of_the_port_needs():
    surplus = (DEFAULT, PKey(202, True), PKey(1004, True), PKey(7, False), PKey(5000, True))
    assert fabric(machine(ALL_KEYS + surplus)) == [(
        'WARN', ETH4, 'P_Keys for VLAN 202, 1004, which no network of this port has: eipoibd serves them too, and each '
        'takes memory')]


@pytest.mark.parametrize('default, text', [
    ((), 'no member of the default partition, which carries storage untagged'),
    ((PKey(0x7fff, False),), 'limited member of the default partition, which carries storage untagged'),
    ((DEFAULT,), None),
])
def test_untagged_networks_need_the_default_key(default, text):
    role = DATA.roles['management']._replace(name='storage', vlans=())
    data = DATA._replace(roles=dict(DATA.roles, storage=role))
    assert fabric(machine(ALL_KEYS + default), data=data) == ([('FAIL', ETH4, text)] if text else [])


def test_the_mtu_is_compared_with_what_fuel_publishes():
    def mtu(host, **mtus):
        data = DATA._replace(scheme=DATA.scheme._replace(mtus=mtus))
        return [(finding.level, finding.text) for finding in port_checks.mtu(data, host)]

    host = machine()
    assert mtu(host) == [] and mtu(host, eth4=1500) == []
    child = Interface('ib0.8065', 9, None, 'infiniband', True, 'up', 1020, 'ib_ipoib', None)
    host.interfaces['ib0.8065'] = child
    host = host._replace(interfaces=dict(host.interfaces, eth4=host.interfaces['eth4']._replace(mtu=1020)),
                         eipoibs={'eth4': host.eipoibs['eth4']._replace(slaves=('ib0.8065',))})
    assert mtu(host) == [('FAIL', 'MTU 1020 (ib0.8065 has 1020), Fuel publishes 1500')]
    assert mtu(host, eth4=2044)[0][1].endswith('Fuel publishes 2044')


def test_memory_is_told_before_it_is_short():
    # 5 VLANs and untagged traffic: 6 children of 128 * 68 KiB, and a reserve of 64 MiB.
    def texts(available, host=None):
        found = port_checks.memory(DATA, host or machine(), Memory(1024 * MIB, int(available * MIB)), 128)
        return [(finding.level, finding.text) for finding in found]

    assert texts(64 + 6 * 8.5) == [] and port_checks.memory(DATA, machine(), None, 128) == []
    assert texts(64 + 5 * 8.5) == [('WARN', 'it may suffice for only 5 of the 6 IPoIB children that are to be made: '
                                    'with queue_size 128 each takes up to 9 MiB')]
    made = machine()
    made.eipoibs['eth4'] = made.eipoibs['eth4']._replace(slaves=('ib0.1', 'ib0.80c9'))
    assert texts(64 + 4 * 8.5, made) == []


def test_what_eipoibd_could_not_do_is_told():
    document = {'error': 'no rtnetlink', 'warnings': ['half of the P_Keys vanished'],
                'backoff': {'eth4 vlan 5': {'failures': 3, 'error': 'Cannot allocate memory'}}}
    assert [(finding.level, finding.subject, finding.text) for finding in port_checks.service(document)] == [
        ('FAIL', 'eipoibd', 'no rtnetlink'),
        ('FAIL', 'eth4 vlan 5', 'eipoibd has tried 3 times: Cannot allocate memory'),
        ('WARN', 'eipoibd', 'half of the P_Keys vanished')]
    assert port_checks.service(None) == []


@pytest.mark.parametrize('content, words', [('{', 'cannot read the status of eipoibd'), ('{}', 'expected format 1')])
def test_a_status_that_makes_no_sense_is_a_finding(tmpdir, content, words):
    root = str(tmpdir.join('root'))
    shutil.copytree(CONNECTX3, root, symlinks=True)
    tmpdir.join('root', 'run', 'eipoibd', 'status.json').write(content, ensure=True)
    found = stages.check(stages.Node(root, ASTUTE))
    assert [words in finding.text for finding in found if finding.subject.endswith('status.json')] == [True]
