# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The checks of preflight and verify: what is found for each way in which environment, node and fabric disagree."""
from __future__ import absolute_import, print_function, unicode_literals

import os

import pytest

from plugin_lib import published
from plugin_lib.host.packages import Offer
from plugin_lib.host.state import EIPOIB_MODULES, Eipoib, Host, Interface, Modules, Port
from plugin_lib.pkey import PKey
from plugin_lib.planning import checks
from plugin_lib.published import settings
from plugin_lib.views import findings as view

FIXTURES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'fixtures', 'astute')
DATA = published.read(os.path.join(FIXTURES, '9.2-two-ports.yaml'))  # eth4: VLANs 201 and 1000-1003
DEFAULTS = settings.read(None)
EVERY = frozenset(EIPOIB_MODULES)
LOADED = Modules('4.4.0', EVERY, EVERY)
NO_MODULES = Modules('4.4.0', frozenset(), frozenset())
MAC = '00:02:c9:00:00:01'
ALL_KEYS = tuple(PKey(vlan, True) for vlan in (201, 1000, 1001, 1002, 1003))


def machine(pkeys=ALL_KEYS, state='ACTIVE', problem=None, driver='eth_ipoib', eipoib=True):
    nic = Interface('eth4', 4, MAC, 'ethernet', True, 'up', 1500, driver, 'ib0', None)
    port = Port('mlx4_0', 1, '0000:03:00.0', state, 'InfiniBand', '7', '1', '56 Gb/sec', pkeys, None, problem)
    eipoibs = {'eth4': Eipoib('eth4', 'ib0', 'mlx4_0', 1, MAC, True, (), (), True)} if eipoib else {}
    return Host({'eth4': nic} if driver else {}, (port,), eipoibs, {}, ())


def keys(host, sm_check='fail'):
    return [(finding.level, finding.subject, finding.text) for finding in checks.keys(DATA, host, sm_check)]


ETH4 = 'eth4 (mlx4_0 port 1)'


def test_a_port_with_every_key_is_ok():
    assert keys(machine()) == [('OK', ETH4, 'P_Keys for VLAN 201, 1000-1003')]


@pytest.mark.parametrize('sm_check, level', [('fail', 'FAIL'), ('warn', 'WARN')])
def test_missing_and_limited_keys_are_named_together(sm_check, level):
    pkeys = (PKey(201, True), PKey(1000, False), PKey(1001, True))
    assert keys(machine(pkeys), sm_check) == [
        (level, ETH4, 'no P_Key for VLAN 1002-1003'),
        (level, ETH4, 'limited membership for VLAN 1000: two such nodes cannot talk')]


def test_a_key_that_is_both_full_and_limited_is_full():
    assert keys(machine(ALL_KEYS + (PKey(201, False),)))[0][0] == 'OK'


def test_off_looks_at_no_key():
    assert keys(machine(()), 'off') == []


def test_a_port_that_is_down_or_unreadable_says_so():
    assert keys(machine(state='DOWN')) == [('FAIL', ETH4, 'the port is DOWN: the subnet manager has not brought it up')]
    unreadable = keys(machine(None, problem='pkeys/3: Input/output error'))
    assert unreadable[0][2] == 'its P_Key table cannot be read: pkeys/3: Input/output error'


def test_more_vlans_than_a_port_holds_keys():
    role = DATA.roles['neutron/private']._replace(vlans=((1000, 1200),))
    data = DATA._replace(roles=dict(DATA.roles, **{str('neutron/private'): role}))
    texts = [finding.text for finding in checks.keys(data, machine(), 'warn') if finding.level == 'FAIL']
    assert texts == ['202 VLANs are needed, a port holds 127']


@pytest.mark.parametrize('host, modules, offered, level, text', [
    (machine(), LOADED, (), 'OK', 'EIPOIB interface over ib0'),
    (machine(driver=None, eipoib=False), Modules('4.4.0', frozenset(), EVERY), (), 'OK',
     'not there yet: eth_ipoib is loaded by the hook drivers'),
    (machine(driver=None, eipoib=False), NO_MODULES, (Offer('mlnx-ofed', '3', None),), 'OK',
     'not there yet: the hook drivers installs its packages'),
    (machine(driver=None, eipoib=False), NO_MODULES, (Offer('fuel-infiniband', '1', None),), 'FAIL',
     'the InfiniBand drivers are not complete'),
    (machine(driver=None, eipoib=False), NO_MODULES,
     (Offer('mlnx-ofed', '3', '3.13.0'), Offer('libraries', '1', None)), 'FAIL', 'has modules for 3.13.0'),
    (machine(driver='mlx4_en', eipoib=False), LOADED, (), 'FAIL',
     'publishes driver eth_ipoib, the machine has mlx4_en'),
    (machine(driver=None, eipoib=False), LOADED, (), 'FAIL', 'there is no such EIPOIB interface'),
])
def test_the_interface_that_fuel_publishes(host, modules, offered, level, text):
    (finding,) = checks.machine(DATA, host, modules, DEFAULTS, offered)
    assert finding.level == level
    assert text in finding.text
    assert finding.todo or level == 'OK'


def test_published_data_without_mellanox_ports_and_without_the_plugin():
    data = published.read(os.path.join(FIXTURES, '4.x-patches.yaml'))
    assert [finding.level for finding in checks.published(data)] == ['WARN', 'WARN']
    assert checks.published(DATA) == []


def test_the_table_says_what_to_do_and_counts():
    found = checks.keys(DATA, machine((PKey(201, True),)), 'fail')
    assert view.table(found) == (
        'FAIL  eth4 (mlx4_0 port 1): no P_Key for VLAN 1000-1003\n'
        '      next: add the partitions to the subnet manager, with full membership\n0 OK, 0 WARN, 1 FAIL\n')
    assert view.document(found)['ok'] is False
