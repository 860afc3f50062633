# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Open vSwitch for real: ovsdb-server and ovs-vswitchd in user space, two nodes in namespaces, joined eth4 to eth4.

Pings of management, storage and private VLANs pass through what was planned and
applied, a VLAN outside the trunks does not; a second apply writes nothing; what
others made stays.  The product code runs under this Python and, where .venv27
exists, under Python 2.7 with ovs 2.5.0.
"""
import subprocess

import pytest

from plugin_lib.effect import ovsdb as effect
from plugin_lib.errors import ApplyError
from plugin_lib.host import ovsdb
from plugin_lib.planning.ovs_changes import AddBridge, AddPort, DelPort, SetVlans
from tests.functional import switches
from tests.functional.switches import OLD_PYTHON, PKEYS, PYTHONS, applied, transaction

pytestmark = switches.needed

BY_KEYS = ' (its P_Keys, and what the network scheme needs)'
PATCH = ' (the patch between br-prv and br-aux)'
MADE = {
    'add port eth4 to br-aux, VLANs 201-202, 1000' + BY_KEYS,
    'add patch port br-aux-br-prv-0 to br-aux, peer br-aux-br-prv-1' + PATCH,
    'add patch port br-aux-br-prv-1 to br-prv, peer br-aux-br-prv-0' + PATCH,
    'add patch port eth4.201-0 to br-aux, peer eth4.201-1, tag 201 (the network scheme has eth4.201 on br-mgmt)',
    'add patch port eth4.201-1 to br-mgmt, peer eth4.201-0 (the network scheme has eth4.201 on br-mgmt)',
    'add patch port eth4.202-0 to br-aux, peer eth4.202-1, tag 202 (the network scheme has eth4.202 on br-storage)',
    'add patch port eth4.202-1 to br-storage, peer eth4.202-0 (the network scheme has eth4.202 on br-storage)',
}


@pytest.mark.parametrize('python', PYTHONS)
def test_traffic_of_the_roles_passes_and_a_second_apply_writes_nothing(two, python):
    for node in two:
        result = applied(node, *PKEYS, python=python)
        assert set(result['made']) == MADE
        assert result['findings'] == ['role neutron/private needs VLAN 1001 on eth4, which has no full P_Key for it']
        assert result['again'] == []
    first = two[0]
    assert first.pings('192.168.0.2') and first.pings('192.168.1.2') and first.pings('10.10.0.2')
    assert not first.pings('10.10.1.2', seconds=2), 'VLAN 1001 has no P_Key and passed'

    before = first.generation()
    assert applied(first, *PKEYS, python=python)['made'] == []
    assert first.generation() == before

    for node in two:
        assert applied(node, *PKEYS, '0x83e9', python=python)['made'] == [
            'set port eth4, VLANs 201-202, 1000-1001' + BY_KEYS]
    assert first.pings('10.10.1.2')


def test_what_others_made_is_completed_and_stays(two):
    node = two[0]
    node.vsctl('add-port', 'br-aux', 'eth4', '--', 'set', 'port', 'eth4', 'external_ids:who=netconfig')
    node.vsctl('add-port', 'br-prv', 'p0', '--', 'set', 'interface', 'p0', 'type=patch', 'options:peer=p1', '--',
               'add-port', 'br-aux', 'p1', '--', 'set', 'interface', 'p1', 'type=patch', 'options:peer=p0')
    result = applied(node, *PKEYS)
    assert result['made'][0] == 'set port eth4, VLANs 201-202, 1000' + BY_KEYS
    assert not any('br-prv' in line for line in result['made'])
    assert result['again'] == []
    port = ovsdb.read(node.folder).ports['eth4']
    assert port.external_ids == {'who': 'netconfig', 'fuel-infiniband': 'trunks'}
    assert port.trunks == (201, 202, 1000)

    node.vsctl('set', 'port', 'eth4', 'tag=201')
    result = applied(node, *PKEYS)
    assert result['made'] == []
    assert 'eth4 has its own limits of VLANs, not those of its P_Keys; it is not ours and left as it is' in \
        result['findings']


def test_ours_goes_when_the_scheme_no_longer_asks_for_it(two):
    node = two[0]
    applied(node, *PKEYS)
    text = node.astute.read_text()
    node.astute.write_text(text.replace('  - {action: add-port, bridge: br-storage, name: eth4.202}\n', ''))
    result = applied(node, *PKEYS)
    assert result['made'] == [line + ' (nothing in the network scheme needs it)' for line in (
        'remove port eth4.202-0 from br-aux', 'remove port eth4.202-1 from br-storage')] + [
        'set port eth4, VLANs 201, 1000' + BY_KEYS]
    assert result['again'] == []
    assert node.vsctl('list-ports', 'br-storage') == ''


def test_a_bridge_of_our_own_comes_and_goes(two):
    """Without an untagged port eth4 gets br-eth4; when br-aux is to have it, eth4 moves in one transaction."""
    node = two[0]
    text = node.astute.read_text()
    node.astute.write_text(text.replace('  - {action: add-port, bridge: br-aux, name: eth4}\n', ''))
    result = applied(node, *PKEYS)
    assert result['made'][0] == 'add bridge br-eth4 (datapath netdev) (it has the port eth4)'
    assert node.vsctl('port-to-br', 'eth4') == 'br-eth4\n'
    assert applied(two[1], *PKEYS)['again'] == []
    assert node.pings('192.168.0.2') and node.pings('192.168.1.2')

    node.astute.write_text(text)
    result = applied(node, *PKEYS)
    assert result['made'][-1] == 'remove bridge br-eth4 (nothing in the network scheme needs it)'
    assert result['again'] == []
    assert node.vsctl('port-to-br', 'eth4') == 'br-aux\n'
    assert node.pings('192.168.0.2') and node.pings('10.10.0.2')


@pytest.mark.parametrize('python', PYTHONS)
def test_a_bond_is_made_limited_and_goes(two, python):
    """eth4 and eth5 of each node are a bond that netconfig has not made; on the first one it has."""
    first, second = two
    subprocess.run(['nsenter', f'--target={first.pid}', '--net', *switches.AS_USER, '--', 'ip', 'link', 'add', 'eth5',
                    'type', 'veth', 'peer', 'name', 'eth5', 'netns', str(second.pid)], check=True)
    first.vsctl('add-bond', 'br-aux', 'bond0', 'eth4', 'eth5', 'bond_mode=active-backup')
    scheme = first.astute.read_text()
    for node in two:
        node('ip', 'link', 'set', 'eth5', 'up')
        bond = 'add-bond, name: bond0, interfaces: [eth4, eth5], bridge: br-aux}'
        node.astute.write_text(node.astute.read_text().replace('add-port, bridge: br-aux, name: eth4}', bond).replace(
            'name: eth4.20', 'name: bond0.20'))
        made = applied(node, *PKEYS, python=python)
        assert made['again'] == []
        assert (f'set port bond0, VLANs 201-202, 1000{BY_KEYS}' in made['made']) is (node is first)
        assert (f'add bond bond0 of eth4 and eth5 to br-aux, VLANs 201-202, 1000{BY_KEYS}' in made['made']) is (
            node is second)
    for used, idle in (('eth4', 'eth5'), ('eth5', 'eth4')):
        for name, state in ((used, 'up'), (idle, 'down')):
            for node in two:
                node('ip', 'link', 'set', name, state)
        assert first.pings('192.168.0.2', 20) and first.pings('10.10.0.2', 20), used
    assert ovsdb.read(str(second.folder)).ports['bond0'].interfaces == ('eth4', 'eth5')
    assert second.vsctl('get', 'port', 'bond0', 'bond_mode') == 'active-backup\n'
    second.astute.write_text(scheme.replace('192.168.0.1/', '192.168.0.2/').replace('192.168.1.1/', '192.168.1.2/'))
    assert 'remove port bond0 from br-aux (nothing in the network scheme needs it)' in applied(second, *PKEYS)['made']
    assert ovsdb.read(str(second.folder)).ports['eth4'].interfaces == ('eth4',)


def test_changes_are_made_once_and_refused_when_the_plan_is_out_of_date(nodes):
    node = nodes()
    node.bridges('br-aux')
    added = transaction(AddBridge('br-x', 'netdev'), AddPort('br-x', 'x-0', None, (), 'x-1'),
                        AddPort('br-aux', 'x-1', 7, (), 'x-0'))
    effect.apply(added, str(node.folder))
    before = node.generation()
    effect.apply(added, str(node.folder))
    assert node.generation() == before
    node.vsctl('add-port', 'br-aux', 'foreign', '--', 'set', 'interface', 'foreign', 'type=internal')
    for change in (DelPort('br-aux', 'foreign'), AddPort('br-aux', 'foreign', None, (), None),
                   AddPort('br-gone', 'y', None, (), None), SetVlans('gone', None, (1,))):
        with pytest.raises(ApplyError, match='out of date'):
            effect.apply(transaction(AddBridge('br-y', ''), change), str(node.folder))
    assert 'br-y' not in node.vsctl('list-br')


def test_another_writer_in_between_only_delays(nodes, monkeypatch):
    """A change by somebody else after our read makes the server refuse; the next attempt starts from what is there."""
    node = nodes()
    node.bridges('br-aux')
    commit = effect._commit
    attempts = []

    def interrupted(database, transaction):
        attempts.append(1)
        if len(attempts) == 1:
            node.vsctl('add-port', 'br-aux', 'late', '--', 'set', 'interface', 'late', 'type=internal')
        return commit(database, transaction)

    monkeypatch.setattr(effect, '_commit', interrupted)
    effect.apply(transaction(AddPort('br-aux', 'br-aux.x', None, (), 'x'), AddBridge('br-x', 'netdev'),
                             AddPort('br-x', 'x', None, (), 'br-aux.x')), str(node.folder))
    assert len(attempts) == 2
    assert {'late', 'br-aux.x'} <= set(node.vsctl('list-ports', 'br-aux').split())


def test_an_interface_that_vswitchd_cannot_use_is_told(nodes):
    node = nodes()
    node.bridges('br-aux')
    with pytest.raises(ApplyError) as caught:
        effect.apply(transaction(AddPort('br-aux', 'eth9', None, (), None)), str(node.folder))
    assert 'eth9' in caught.value.why


def test_the_fabric_ends_meet_across_implementations(two):
    """One node applied by each Python: what they make is the same."""
    if not OLD_PYTHON.exists():
        pytest.skip('.venv27 with Python 2.7 and ovs 2.5.0 is not there: ./dev test makes it')
    applied(two[0], *PKEYS)
    applied(two[1], *PKEYS, python=str(OLD_PYTHON))
    assert ovsdb.read(str(two[0].folder)).ports == ovsdb.read(str(two[1].folder)).ports
