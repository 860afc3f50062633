# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Linux bridges and Open vSwitch together, on this kernel and the real daemons, and applying that is killed.

Fuel's usual scheme: br-prv in Open vSwitch is patched to the Linux bridge that has eth4; tenants' VLANs pass between
two nodes. What carries an address stays out of bridges. Killed at any point and run again, the end state is the same.
Databases in any state are mended, for good, and rows of others stay as they are. This kernel may have no VLAN
interfaces; those are in tests/vm/test_bridges.py.
"""
import subprocess
import time

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from plugin_lib.host import ovsdb
from plugin_lib.planning.ovs_changes import MARK
from tests.functional import switches
from tests.functional.switches import OLD_PYTHON, PKEYS, PYTHONS, TOP, applied

pytestmark = switches.needed

BRIDGES = ('br-mgmt', 'br-storage', 'br-prv', 'br-aux')


def with_linux_bridges(node):
    """Give a node Fuel's usual scheme, without VLAN interfaces: all bridges but br-prv are the kernel's."""
    text = node.astute.read_text().replace('provider: ovs', 'provider: lnx').replace(
        'name: br-prv}', 'name: br-prv, provider: ovs}')
    node.astute.write_text('\n'.join(line for line in text.splitlines() if 'eth4.20' not in line))


@pytest.fixture
def linux(two):
    """Two nodes whose Linux bridges are missing; br-prv and its guests' ports are there."""
    for node in two:
        for name in ('br-mgmt', 'br-storage', 'br-aux'):
            node.vsctl('del-br', name)
        with_linux_bridges(node)
    return two


@pytest.mark.parametrize('python', PYTHONS)
def test_tenants_vlans_pass_a_linux_bridge(linux, python):
    for node in linux:
        result = applied(node, *PKEYS, python=python)
        assert [line.partition(' (')[0] for line in result['made']] == [
            'add internal port br-aux-br-prv-0 to br-prv', 'add Linux bridge br-aux', 'set br-aux up',
            'put eth4 into br-aux', 'put br-aux-br-prv-0 into br-aux', 'set br-aux-br-prv-0 up']
        assert result['again'] == []
    assert linux[0].pings('10.10.0.2')
    before = linux[0].generation()
    assert applied(linux[0], *PKEYS, python=python)['made'] == []
    assert linux[0].generation() == before


def test_l23networks_patch_is_the_patch(linux):
    node = linux[0]
    for argv in (['link', 'add', 'br-aux', 'type', 'bridge'], ['link', 'set', 'br-aux', 'up'],
                 ['link', 'set', 'eth4', 'master', 'br-aux']):
        node('ip', *argv)
    node.vsctl('add-port', 'br-prv', 'p_33470efd-0', '--', 'set', 'interface', 'p_33470efd-0', 'type=internal')
    node('ip', 'link', 'set', 'p_33470efd-0', 'up', 'mtu', '65000', 'master', 'br-aux')
    assert applied(node, *PKEYS)['made'] == []


def test_what_has_an_address_stays_out_of_bridges(linux):
    node = linux[0]
    node.address('eth4', '192.0.2.1/24')
    result = applied(node, *PKEYS)
    assert 'eth4 has an address of its own: it is not put into br-aux' in result['findings']
    assert not any('eth4' in line for line in result['made'])
    node('ip', 'address', 'flush', 'dev', 'eth4')
    assert 'put eth4 into br-aux' in applied(node, *PKEYS)['made']


def state(node):
    """What there is: bridges, ports, and which interface is in which Linux bridge and up."""
    snapshot = ovsdb.read(str(node.folder))
    links = node('ip', '-o', 'link').stdout.splitlines()
    return snapshot[:2], sorted((line.split()[1], 'master br-aux' in line, 'UP' in line.split()[2]) for line in links)


@pytest.mark.parametrize('delay', [0.05, 0.1, 0.15, 0.2, 0.25, 0.3])
def test_killed_and_run_again_it_ends_in_the_same_state(linux, delay):
    """One node is left alone; on the other the program is killed again and again, later each time."""
    whole, killed = linux
    applied(whole, *PKEYS)
    process = subprocess.Popen(killed.applying(*PKEYS), cwd=TOP, stdout=subprocess.DEVNULL)
    time.sleep(delay)
    process.kill()
    process.wait()
    assert applied(killed, *PKEYS)['again'] == []
    assert state(killed)[0] == state(whole)[0]
    assert state(killed)[1] == state(whole)[1]


# Patch ports without a peer: a loop of others' keeps ovs-vswitchd from answering.
NAMES = ('left', 'right', 'eth4.201-0', 'eth4.201-1', 'br-aux-br-prv-0', 'stale')
ROWS = st.dictionaries(st.sampled_from(NAMES), st.tuples(
    st.sampled_from(BRIDGES), st.sampled_from((None, 201, 300)), st.sampled_from(((), (0, 201), (5, 300))),
    st.sampled_from(('internal', 'nobody', 'no-one')), st.booleans()))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
@example(rows={'eth4.201-1': ('br-storage', None, (), 'nobody', True)})
def test_a_database_in_any_state_is_mended_and_rows_of_others_stay(two, rows):
    """ROWS: {port: (bridge, tag, trunks, internal or the peer of a patch port, whether it is ours)}."""
    node = two[0]
    argv = [word for name in (*NAMES, 'eth4') for word in ('--', '--if-exists', 'del-port', name)]
    for name, (bridge, tag, trunks, kind, ours) in rows.items():
        argv += ['--', 'add-port', bridge, name, f'tag={tag or "[]"}', f'trunks={list(trunks)}'.replace(' ', '')]
        argv += [f'external_ids:{MARK}=owned' if ours else 'external_ids:who=else', '--', 'set', 'interface', name]
        argv += ['type=internal'] if kind == 'internal' else ['type=patch', f'options:peer={kind}']
    node.vsctl('list-br', *argv)
    assert applied(node, *PKEYS)['again'] == []
    for _ in range(2):  # what a moved patch port lost showed at every second reconfiguration
        assert not [error for error in node.reconfigured() if "peer 'eth4.20" in error]
    ports = ovsdb.read(str(node.folder)).ports
    for name, (bridge, tag, trunks, _, ours) in rows.items():
        if not ours:
            assert (ports[name].bridge, ports[name].tag, ports[name].trunks) == (bridge, tag, trunks)
            assert ports[name].external_ids == {'who': 'else'}
    assert ports['eth4'].trunks == (201, 202, 1000)


def test_both_pythons_make_the_same(linux):
    if not OLD_PYTHON.exists():
        pytest.skip('.venv27 with Python 2.7 and ovs 2.5.0 is not there: ./dev test makes it')
    applied(linux[0], *PKEYS)
    applied(linux[1], *PKEYS, python=str(OLD_PYTHON))
    assert state(linux[0]) == state(linux[1])
