# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``fuel-infiniband partitions``: files written or left alone, ports of nodes, bad input."""
from __future__ import absolute_import, print_function, unicode_literals

import io
import json
import os
import signal
import subprocess
import sys

import pytest

from plugin_lib import cli

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FIXTURES = os.path.join(TOP, 'tests', 'fixtures')
ASTUTE = os.path.join(FIXTURES, 'astute', '9.2-two-ports.yaml')
NETWORKS = {'networking_parameters': {'segmentation_type': 'vlan', 'vlan_range': [1000, 1001]},
            'networks': [{'name': 'management', 'vlan_start': 101, 'meta': {}},
                         {'name': 'private', 'vlan_start': None, 'meta': {'neutron_vlan_range': True}}]}
LINE = 'vlan{0}=0x{0:04x}, ipoib, defmember=full : ALL_CAS ; # {1}\n'
OURS = LINE.format(101, 'management') + LINE.format(1000, 'private') + LINE.format(1001, 'private')


@pytest.fixture
def run(capsys):
    """Runs the command; (exit status, stdout, stderr)."""
    def run(*arguments):
        try:
            status = cli.main(['partitions'] + list(arguments))
        except SystemExit as stop:  # argparse
            status = stop.code
        return (status,) + tuple(capsys.readouterr())
    return run


@pytest.fixture
def folder(tmpdir):
    return str(tmpdir)


def write(folder, name, content):
    path = os.path.join(folder, name)
    with io.open(path, 'wb') as stream:
        stream.write(content if isinstance(content, bytes) else content.encode('utf-8'))
    return path


def read(path):
    with io.open(path, 'rb') as stream:
        return stream.read().decode('utf-8')


@pytest.fixture
def networks(folder):
    return write(folder, 'networks.json', json.dumps(NETWORKS))


def test_partitions_without_a_file_are_printed(run, networks):
    status, out, err = run('--networks', networks)
    assert (status, err) == (0, '')
    assert OURS in out and out.count('Default=0x7fff') == 1
    assert run('--networks', networks, '--output', 'ufm')[1].count('Default') == 0
    assert OURS.split('\n')[0] not in run('--networks', networks, '--network', 'private')[1]


def test_the_master_needs_nothing_but_pyyaml(networks):
    without = 'import sys; sys.modules.update(jsonschema=None, jinja2=None, ovs=None); from plugin_lib import cli; '
    child = subprocess.Popen([sys.executable, '-c', without + 'sys.exit(cli.main(sys.argv[1:]))', 'partitions',
                              '--networks', networks], stdout=subprocess.PIPE, cwd=TOP)
    assert OURS in child.communicate()[0].decode('utf-8')
    assert child.returncode == 0


def test_commands_for_a_switch(run, networks):
    _, out, _ = run('--networks', networks, '--output', 'mlnx-os', '--mtu', '4096')
    assert ('# VLAN 101: management\nib partition vlan101 pkey 0x0065\nib partition vlan101 ipoib\n'
            'ib partition vlan101 mtu 4K\nib partition vlan101 member all type full\n') in out
    assert out.startswith('# Compare with the manual of the switch')


def test_a_file_is_written_only_when_asked_and_only_where_it_is_ours(run, networks, folder):
    theirs = '# made by hand: \xfc\nlab=0x7001, ipoib, defmember=full : ALL_CAS ;\n'
    path = write(folder, 'partitions.conf', theirs)
    os.chmod(path, 0o640)
    status, out, _ = run('--networks', networks, '--file', path)
    assert status == 0 and '+' + OURS.split('\n')[0] in out and out.startswith('--- ' + path)
    assert read(path) == theirs
    status, out, _ = run('--networks', networks, '--file', path, '--write')
    assert status == 0 and 'pkill -HUP' in out
    written = read(path)
    assert written.startswith(theirs) and OURS in written
    assert os.stat(path).st_mode & 0o777 == 0o640
    before = os.stat(path)
    assert run('--networks', networks, '--file', path, '--write')[1] == path + ': nothing to change\n'
    assert os.stat(path) == before, 'what is right is not written again'
    assert os.listdir(folder) == sorted(os.listdir(folder)) and len(os.listdir(folder)) == 2


def test_a_file_that_is_not_there_is_made(run, networks, folder):
    path = os.path.join(folder, 'new.conf')
    assert run('--networks', networks, '--file', path)[0] == 0 and not os.path.exists(path)
    assert run('--networks', networks, '--file', path, '--write')[0] == 0
    assert OURS in read(path)


KILLED = """
import os, signal, sys
call = os.{0}
def killed(*arguments):
    {1} and call(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
os.{0} = killed
from plugin_lib import cli
cli.main(sys.argv[1:])
"""


@pytest.mark.parametrize('call', ['write', 'fchmod', 'fsync', 'rename'])
@pytest.mark.parametrize('is_done', [False, True])
def test_killed_while_it_writes_it_leaves_the_old_file_or_the_new(run, networks, folder, call, is_done):
    old = 'lab=0x7001, ipoib, defmember=full : ALL_CAS ;\n'
    path = write(folder, 'partitions.conf', old)
    arguments = ['--networks', networks, '--file', path, '--write']
    child = subprocess.Popen([sys.executable, '-c', KILLED.format(call, is_done), 'partitions'] + arguments, cwd=TOP,
                             stdout=subprocess.PIPE)
    child.communicate()
    assert child.returncode == -signal.SIGKILL
    left = read(path)
    assert run(*arguments)[0] == 0
    whole = read(path)
    assert OURS in whole and left == (whole if (call, is_done) == ('rename', True) else old)


def test_a_link_stays_one(run, networks, folder):
    path = write(folder, 'partitions.conf', '')
    link = os.path.join(folder, 'link')
    os.symlink(path, link)
    assert run('--networks', networks, '--file', link, '--write')[0] == 0
    assert os.path.islink(link) and OURS in read(path)


@pytest.mark.parametrize('more', [(), ('--write',)])
@pytest.mark.parametrize('linked', [False, True])
def test_a_file_in_a_folder_that_is_not_there_is_refused(run, networks, folder, more, linked):
    path = os.path.join(folder, 'opensmm', 'partitions.conf')
    if linked:
        os.symlink(path, os.path.join(folder, 'link'))
    status, out, err = run('--networks', networks, '--file', os.path.join(folder, 'link') if linked else path, *more)
    assert (status, out) == (2, '')
    assert 'there is no folder {0}\n'.format(os.path.dirname(path)) in err and 'correct the path' in err
    assert not os.path.exists(os.path.dirname(path))


def test_what_is_misread_is_a_warning(run, networks, folder):
    path = write(folder, 'partitions.conf', 'Default=0x7fff, ipo : ALL, SELF=full ;\n')
    status, _, err = run('--networks', networks, '--file', path)
    assert status == 0
    assert "line 1: flag 'ipo' is read as ipoib" in err
    assert 'line 1: HCAs are limited members of the default partition' in err


def test_a_file_alone_is_explained(run, folder):
    path = write(folder, 'partitions.conf', 'a=0x65 : 0x0002c90300000011=ful, ALL ;\n')
    status, out, _ = run('--file', path)
    assert status == 0
    assert '1     0x0065  101   a     no     0x0002c90300000011=full ALL=limited\n' in out
    assert "line 1: '0x0002c90300000011=ful' is read as full\n" in out
    write(folder, 'partitions.conf', 'a=0x65 ALL ;\n')
    status, out, _ = run('--file', path)
    assert status == 1 and 'OpenSM drops this file' in out


def node(folder, name, guid):
    path = os.path.join(folder, name)
    os.mkdir(path)
    interfaces = {'eth4': {'guid': guid}}
    write(path, 'status.json', json.dumps(dict(dict.fromkeys(
        ('mode', 'pid', 'updated', 'backoff', 'problems', 'warnings', 'error', 'counters')), format=1,
        interfaces=interfaces)))
    return write(path, 'astute.yaml', read(ASTUTE))


def test_members_are_the_ports_of_the_nodes_where_they_are_told(run, folder):
    one, two = (node(folder, 'node-{0}'.format(index), '0x0002c9030000001{0}'.format(index)) for index in (1, 2))
    status, out, err = run('--astute', one, two, '--guids', '--output', 'ufm')
    assert (status, err) == (0, '')
    assert ('vlan201=0x00c9, ipoib, defmember=full : # mgmt\n'
            '    0x0002c90300000011, 0x0002c90300000012 ; # vlan201\n') in out
    assert 'ALL_CAS' not in out
    assert 'vlan1003=0x03eb, ipoib, defmember=full : ALL_CAS ; # prv\n' in run('--astute', one, two)[1]
    commands = run('--astute', one, '--guids', '--output', 'mlnx-os')[1]
    assert 'ib partition vlan201 member 00:02:c9:03:00:00:00:11 type full\n' in commands


def test_a_port_that_nobody_knows_is_refused(run, folder):
    known, unknown = node(folder, 'node-1', '0x0002c90300000011'), node(folder, 'node-2', None)
    status, out, err = run('--astute', known, unknown, '--guids')
    assert (status, out) == (2, '')
    assert unknown + ': the GUID of the port below eth4 is not known' in err
    for number, guid in enumerate(('no-guid', 5, [1])):
        odd = node(folder, 'odd-{0}'.format(number), guid)
        assert 'the GUIDs in status.json make no sense' in run('--astute', odd, '--guids')[2]
    os.remove(os.path.join(folder, 'node-2', 'status.json'))
    assert 'there is no status.json beside it' in run('--astute', known, unknown, '--guids')[2]


@pytest.mark.parametrize('content, words', [
    (b'a=0x7001 : ALL ;\r\n', 'a carriage return, as lines of Windows have'), (b'#\na\0b', 'a NUL, behind which'),
    (b'x' * 10000000, 'more than 8 MB'), (b'# \xff\n', 'not UTF-8: line 1'),
    (b'a=0x65 : ALL ;', 'VLAN 101 would be joined'), (b'a=0x7001 ALL', 'no : after'),
])
def test_a_bad_partition_file_is_left_alone(run, networks, folder, content, words):
    path = write(folder, 'partitions.conf', content)
    status, out, err = run('--networks', networks, '--file', path, '--write')
    assert (status, out) == (2, '')
    assert words in err and path in err
    with io.open(path, 'rb') as stream:
        assert stream.read() == content


def test_all_that_is_wrong_is_one_message(run, networks, folder):
    """With the networks, with their number, with the master, with the file; and nothing that only follows of it."""
    bad = dict(NETWORKS, networks=[{'name': 'management', 'vlan_start': 4095}, {'name': 'storage', 'vlan_start': 101}],
               networking_parameters={'segmentation_type': 'vlan', 'vlan_range': [1000, 1200]})
    theirs = 'backup=0x65 : ALL_CAS=full ;\nlab=0x3e8 : ALL_CAS=full ;\n'
    path = write(folder, 'partitions.conf', theirs)
    status, out, err = run('--networks', write(folder, 'bad.json', json.dumps(bad)), '--networks', '/nowhere',
                           '--environment', '1', '--api', 'http://127.0.0.1:1', '--file', path, '--write')
    assert (status, out, err.count('error: ')) == (2, '', 5)
    for words in ('VLAN 4095 cannot be a P_Key', '/nowhere', 'cannot ask the Fuel master',
                  '202 VLANs need as many P_Keys', 'VLAN 101 would be joined', 'VLAN 1000 would be joined'):
        assert words in err
    assert read(path) == theirs
    write(folder, 'bad.json', json.dumps({'networks': bad['networks'][:1]}))
    err = run('--networks', os.path.join(folder, 'bad.json'), '--network', 'management')[2]
    assert err.count('error: ') == 1 and 'VLAN 4095' in err


@pytest.mark.parametrize('content, words', [
    (b'', 'not JSON'), (b'{', 'not JSON'), (b'\xff\xfe', 'not JSON'), (b'[' * 100000, 'not JSON'), (b'[]', 'a list'),
    (b'5', 'a number'), (b'{"message": "Cluster not found"}', 'no list of networks'), (b'\xef\xbb\xbf[]', 'a list'),
])
def test_bad_networks_write_nothing(run, folder, content, words):
    path = os.path.join(folder, 'partitions.conf')
    status, out, err = run('--networks', write(folder, 'n.json', content), '--file', path, '--write')
    assert (status, out) == (2, '')
    assert words in err and not os.path.exists(path)


@pytest.mark.parametrize('arguments', [
    (), ('--write',), ('--astute', ASTUTE, '--network', 'x'), ('--astute', ASTUTE, '--write'),
    ('--networks', '/nowhere'), ('--networks', '/dev/zero'), ('--file', '/dev/zero'),
    ('--networks', FIXTURES), ('--astute', '/nowhere'), ('--networks', 'x', '--guids'),
    ('--astute', ASTUTE, '--output', 'mlnx-os', '--file', 'x'), ('--astute', ASTUTE, '--mtu', '1500'),
    ('--file', FIXTURES), ('--file', '/nowhere'), ('--astute', ASTUTE, '--file', FIXTURES), ('--environment', 'one'),
    ('--environment', '1', '--api', 'http://127.0.0.1:1'), ('--environment', '1', '--api', 'nonsense'),
    ('--environment', '1', '--api', 'http://[::1'),
])
def test_bad_usage_is_one_message(run, arguments):
    status, out, err = run(*arguments)
    assert (status, out) == (2, '')
    assert 'Traceback' not in err and err
