# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Open vSwitch for real: ovsdb-server and ovs-vswitchd in user space, two nodes in namespaces, joined eth4 to eth4.

Pings of management, storage and private VLANs pass through what was planned and
applied, a VLAN outside the trunks does not; a second apply writes nothing; what
others made stays; a database that is silent, absent, old or empty gives one
clear error.  The product code runs under this Python and, where .venv27 exists,
under Python 2.7 with ovs 2.5.0.
"""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest

from plugin_lib.effect import ovsdb as effect
from plugin_lib.errors import ApplyError
from plugin_lib.host import ovsdb
from plugin_lib.planning.ovs_changes import AddBridge, AddPort, DelPort, OvsTransaction, SetVlans
from tests.lab import openvswitch

TOP = pathlib.Path(__file__).resolve().parents[2]
OLD_PYTHON = TOP / '.venv27' / 'bin' / 'python'
PYTHONS = [sys.executable, pytest.param(str(OLD_PYTHON), marks=pytest.mark.skipif(
    not OLD_PYTHON.exists(), reason='.venv27 with Python 2.7 and ovs 2.5.0 is not there: ./dev test makes it'))]
AS_USER = [] if os.geteuid() == 0 else ['--user', '--preserve-credentials']

PROGRAMS = ('ovsdb-server', 'ovs-vswitchd', 'nsenter', 'setpriv', 'ip', 'ping')
MISSING = [each for each in PROGRAMS if not shutil.which(each)]
if not os.access('/dev/net/tun', os.W_OK):
    MISSING.append('write access to /dev/net/tun')
pytestmark = pytest.mark.skipif(bool(MISSING), reason='not here: ' + ', '.join(MISSING))

ASTUTE = '''
fqdn: node-{number}.domain.tld
uid: '{number}'
roles: [compute]
network_scheme:
  version: '1.1'
  provider: ovs
  interfaces:
    eth4: {{vendor_specific: {{driver: eth_ipoib, bus_info: ib0}}}}
  transformations:
  - {{action: add-br, name: br-mgmt}}
  - {{action: add-br, name: br-storage}}
  - {{action: add-br, name: br-prv}}
  - {{action: add-br, name: br-aux}}
  - {{action: add-patch, bridges: [br-prv, br-aux]}}
  - {{action: add-port, bridge: br-aux, name: eth4}}
  - {{action: add-port, bridge: br-mgmt, name: eth4.201}}
  - {{action: add-port, bridge: br-storage, name: eth4.202}}
  endpoints:
    br-mgmt: {{IP: [192.168.0.{number}/24]}}
    br-storage: {{IP: [192.168.1.{number}/24]}}
    br-prv: {{IP: none}}
  roles: {{management: br-mgmt, storage: br-storage, neutron/private: br-prv}}
quantum_settings:
  L2: {{phys_nets: {{physnet2: {{bridge: br-prv, vlan_range: '1000:1001'}}}}}}
'''
PKEYS = ('0xffff', '0x80c9', '0x80ca', '0x83e8')  # 201, 202, 1000; nothing for 1001
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


class Node:
    """A network of its own with Open vSwitch; ``folder`` holds its root, its socket where the product looks for it."""

    def __init__(self, folder, number):
        self.folder, self.number = folder, number
        self.run_folder = folder / 'var' / 'run' / 'openvswitch'
        # What runs in the namespaces ends with their first process, that with unshare, and that with us.
        self._holder = subprocess.Popen(
            ['setpriv', '--pdeathsig', 'KILL', 'unshare', '--net', '--pid', '--fork', '--kill-child',
             *(['--user', '--map-root-user'] if AS_USER else []),
             'sh', '-c', 'echo; exec sleep infinity'], stdout=subprocess.PIPE)
        assert self._holder.stdout.read(1), 'the namespaces could not be made; the reason is above'
        children = pathlib.Path(f'/proc/{self._holder.pid}/task/{self._holder.pid}/children')
        self.pid = int(children.read_text().split()[0])
        self('ip', 'link', 'set', 'lo', 'up')
        openvswitch.start(self._inside, str(folder), str(self.run_folder), str(folder / 'log'))
        self.astute = folder / 'astute.yaml'
        self.astute.write_text(ASTUTE.format(number=number))

    def _inside(self, argv):
        return ['nsenter', f'--target={self.pid}', '--net', '--pid', *AS_USER, '--', *argv]

    def __call__(self, *argv, check=True):
        done = subprocess.run(self._inside(argv), capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, f'{argv}: {done.stderr}'
        return done

    def vsctl(self, *argv):
        return self('ovs-vsctl', f'--db=unix:{self.run_folder}/db.sock', '--timeout=5', *argv).stdout

    def bridges(self, *names):
        """Make bridges and set their own interfaces up, as netconfig does."""
        for name in names:
            self.vsctl('add-br', name, '--', 'set', 'bridge', name, 'datapath_type=netdev')
            self('ip', 'link', 'set', name, 'up')

    def address(self, interface, address):
        self('ip', 'addr', 'add', address, 'dev', interface)
        self('ip', 'link', 'set', interface, 'up')

    def private_port(self, vlan):
        """A guest's port of br-prv in a VLAN, with an address of its own."""
        name = f'guest{vlan}'
        self.vsctl('add-port', 'br-prv', name, f'tag={vlan}', '--', 'set', 'interface', name, 'type=internal')
        self.address(name, f'10.{vlan // 100}.{vlan % 100}.{self.number}/24')

    def pings(self, address, seconds=10):
        """Whether an answer comes within that time.

        ping -w would not do: it ends at the first error, and the kernel's own search for the neighbour, begun
        before a VLAN was opened, ends in one.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self('ping', '-c', '1', '-W', '1', address, check=False).returncode == 0:
                return True
        return False

    def generation(self):
        """Every change that effect makes, and nothing that ovs-vswitchd notes by itself, counts next_cfg up."""
        return self.vsctl('get', 'Open_vSwitch', '.', 'next_cfg')

    def daemon(self, name):
        """The number of a daemon's process, as this process sees it."""
        inner = (self.run_folder / f'{name}.pid').read_text().strip()
        for status in pathlib.Path('/proc').glob('[0-9]*/status'):
            with contextlib.suppress(OSError):
                lines = dict(line.split(':', 1) for line in status.read_text().splitlines() if ':' in line)
                same = os.readlink(status.parent / 'ns' / 'net') == os.readlink(f'/proc/{self.pid}/ns/net')
                if same and lines['NSpid'].split()[-1] == inner:
                    return int(status.parent.name)
        raise AssertionError(f'{name} does not run')

    def apply(self, *pkeys, python=sys.executable):
        """Plan and apply below this node's root with the product; returns the process."""
        return subprocess.run([python, '-m', 'tests.functional.ovs_node', str(self.folder), str(self.astute), *pkeys],
                              capture_output=True, text=True, cwd=TOP, check=False)

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        self._holder.communicate()


@pytest.fixture
def nodes(tmp_path):
    """Starts nodes; stops what it started, also after a failure."""
    with contextlib.ExitStack() as started:
        def start(number=1):
            folder = tmp_path / f'n{number}'
            folder.mkdir()
            node = Node(folder, number)
            started.callback(node.close)
            return node
        yield start


@pytest.fixture
def two(nodes):
    """Two nodes, eth4 joined to eth4, with the bridges of their astute.yaml, addresses and guests' ports."""
    first, second = nodes(1), nodes(2)
    subprocess.run(['nsenter', f'--target={first.pid}', '--net', *AS_USER, '--', 'ip', 'link', 'add', 'eth4', 'type',
                    'veth', 'peer', 'name', 'eth4', 'netns', str(second.pid)], check=True)
    for node in (first, second):
        node('ip', 'link', 'set', 'eth4', 'up')
        node.bridges('br-mgmt', 'br-storage', 'br-prv', 'br-aux')
        node.address('br-mgmt', f'192.168.0.{node.number}/24')
        node.address('br-storage', f'192.168.1.{node.number}/24')
        for vlan in (1000, 1001):
            node.private_port(vlan)
    return first, second


def transaction(*changes):
    return OvsTransaction(changes, ('a test',) * len(changes))


def applied(node, *pkeys, python=sys.executable):
    done = node.apply(*pkeys, python=python)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


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


@pytest.mark.parametrize('python', PYTHONS)
def test_a_database_that_does_not_answer_is_one_error_in_bounded_time(nodes, python):
    node = nodes()
    server = node.daemon('ovsdb-server')
    os.kill(server, signal.SIGSTOP)
    begun = time.monotonic()
    done = node.apply(*PKEYS, python=python)
    assert time.monotonic() - begun < 30
    assert done.returncode == 3
    assert done.stderr.startswith('error: cannot use the Open vSwitch database') and 'Traceback' not in done.stderr
    assert 'ovsdb-server has not answered within 5 s' in done.stderr

    os.kill(server, signal.SIGKILL)
    done = node.apply(*PKEYS, python=python)
    assert done.returncode == 3 and 'Connection refused' in done.stderr, done.stderr


def test_a_vswitchd_that_is_dead_is_told_apart(nodes):
    node = nodes()
    os.kill(node.daemon('ovs-vswitchd'), signal.SIGKILL)
    with pytest.raises(ApplyError) as caught:
        effect.apply(transaction(AddBridge('br-x', '')), str(node.folder), time_limit=1)
    assert 'ovs-vswitchd has not taken the configuration' in caught.value.why


def test_no_socket_is_no_open_vswitch(tmp_path):
    assert ovsdb.read(str(tmp_path)) is None


def older_schema(folder, *dropped):
    """Path of the installed schema without some columns: what an older database answers."""
    schema = json.loads(pathlib.Path(openvswitch.SCHEMA).read_text())
    for table, column in dropped:
        del schema['tables'][table]['columns'][column]
    del schema['cksum']
    path = folder / 'older.ovsschema'
    path.write_text(json.dumps(schema))
    return str(path)


@pytest.mark.parametrize('python', PYTHONS)
def test_columns_that_an_older_database_lacks_are_not_missed(nodes, tmp_path, monkeypatch, python):
    """ovsdb-server alone, with the schema cut down: its own ovs-vswitchd would know these columns."""
    monkeypatch.setattr(openvswitch, 'SCHEMA', older_schema(tmp_path, ('Interface', 'mac_in_use'), (
        'Interface', 'error'), ('Port', 'vlan_mode')))
    node = nodes()
    result = applied(node, *PKEYS, python=python)
    assert len(result['made']) == 4 + len(MADE) and result['again'] == []


def test_a_database_of_something_else_is_refused(nodes, monkeypatch):
    node = nodes()
    monkeypatch.setitem(ovsdb.COLUMNS, 'No_Table', ('name',))
    with pytest.raises(ApplyError, match='does not have the tables'):
        ovsdb.read(str(node.folder))
    monkeypatch.setattr(ovsdb, 'DATABASE', 'Other')
    with pytest.raises(ApplyError, match='unknown database'):
        ovsdb.read(str(node.folder))


def test_an_answer_in_many_pieces_is_read_whole(nodes):
    """100 ports: 40 KB, which the library reads in pieces of 4 KB."""
    node = nodes()
    node.bridges('br-aux')
    ports = [argument for number in range(100) for argument in (
        '--', 'add-port', 'br-aux', f'port{number}', f'tag={number + 1}', 'external_ids:text="}"',
        '--', 'set', 'interface', f'port{number}', 'type=patch', f'options:peer=peer{number}')]
    node.vsctl('--no-wait', *ports)
    found = ovsdb.read(str(node.folder))
    assert {port.tag for port in found.ports.values()} == {None, *range(1, 101)}
    assert found.interfaces['port7'].options == {'peer': 'peer7'}
    assert found.ports['port7'].external_ids == {'text': '}'}
    assert found.interfaces['br-aux'].mac_in_use.count(':') == 5


def test_the_fabric_ends_meet_across_implementations(two):
    """One node applied by each Python: what they make is the same."""
    if not OLD_PYTHON.exists():
        pytest.skip('.venv27 with Python 2.7 and ovs 2.5.0 is not there: ./dev test makes it')
    applied(two[0], *PKEYS)
    applied(two[1], *PKEYS, python=str(OLD_PYTHON))
    assert ovsdb.read(str(two[0].folder)).ports == ovsdb.read(str(two[1].folder)).ports
