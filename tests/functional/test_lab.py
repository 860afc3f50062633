# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The lab itself: what its nodes' emulated hardware answers, through the mounted file system and real interfaces.

Covered: the errors, links and page cut-off of the sysfs ABI as system calls give them, the taps behind children,
GDRVINFO from Python 3 and 2.7, that a node's root is its own.
"""
import errno
import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.lab import lab, snapshot
from tests.lab.fabric import ip
from tests.lab.node import compile_shim
from tests.lab.vifs import NET, release, serve, write

pytestmark = pytest.mark.usefixtures('level_1')

GDRVINFO = '''
import fcntl, socket, struct, sys, array
text = array.array('B', struct.pack('I192x', 3))
ask = struct.pack('16sP', sys.argv[1].encode(), text.buffer_info()[0])
fcntl.ioctl(socket.socket(), 0x8946, ask)
print(' '.join(bytes(bytearray(text[at:at + 32])).split(b'\\0')[0].decode() for at in (4, 100)))
'''


def in_lab(body):
    assert lab.run(body) == 0, 'what failed in the lab is on stderr'


def test_attributes_answer_as_the_drivers_do():
    def body(made):
        node = made.add_node([0xffff, 0x8064, 0])
        assert node.read(f'{NET}/eth_ipoib_interfaces') == 'eth4 over IB port: ib0\n'
        port = '/sys/class/infiniband/mlx4_0/ports/1'
        assert [node.read(f'{port}/pkeys/{index}') for index in (0, 1, 2, 127)] == [
            '0xffff\n', '0x8064\n', '0x0000\n', '0x0000\n']
        assert len(os.listdir(node.path(f'{port}/pkeys'))) == 128
        assert node.read(f'{port}/state') == '4: ACTIVE\n'
        with pytest.raises(PermissionError):
            node.read(f'{NET}/ib0/create_child')
        with pytest.raises(PermissionError):
            os.open(node.path(f'{port}/state'), os.O_WRONLY)
        with pytest.raises(FileNotFoundError):
            node.read(f'{NET}/ib0.8064/pkey')

        assert write(node, 'ib0/create_child', '0x8064') == 0
        assert write(node, 'ib0/create_child', '0x8064') == errno.ENOTUNIQ
        assert write(node, 'ib0/create_child', '0x8000') == errno.EINVAL
        assert write(node, 'eth4/eth/slaves', '+ib0.8064') == errno.EPERM  # eth4 is down
        node.run('ip', 'link', 'set', 'eth4', 'up')
        assert write(node, 'eth4/eth/slaves', '+ib0.8065') == errno.EINVAL
        assert write(node, 'eth4/eth/slaves', '+eth4') == errno.EOPNOTSUPP
        assert write(node, 'eth4/eth/slaves', '-ib0.8064') == errno.ENODEV
        assert write(node, 'eth4/eth/slaves', '+ib0.8064') == 0
        assert write(node, 'eth4/eth/vifs', '+ib0.8064 02:00:00:00:00:01 100') == 0
        assert write(node, 'eth4/eth/vifs', '+ib0.8064 02:00:00:00:00:01 100') == errno.EINVAL
        assert write(node, 'eth4/eth/vifs', '-ib0.8064 02:00:00:00:00:01 100') == 0
        assert node.read(f'{NET}/eth4/eth/vifs') == 'SLAVE=ib0.8064   MAC=02:00:00:00:00:01 VLAN=100\n'

        assert os.readlink(node.path(f'{NET}/eth4/slave_ib0.8064')) == '../ib0.8064'
        assert os.readlink(node.path(f'{NET}/ib0.8064/eth_parent')) == '../eth4'
        assert node.read(f'{NET}/ib0.8064/pkey') == '0x8064\n'
        assert node.read(f'{NET}/ib0.8064/parent') == 'ib0\n'

    in_lab(body)


def test_a_child_is_a_real_interface_of_the_node():
    def body(made):
        node = made.add_node([0xffff, 0x8064])
        node.run('ip', 'link', 'set', 'eth4', 'up')
        serve(node, 100)
        link, = json.loads(node.run('ip', '-j', 'link', 'show', 'ib0.8064').stdout)
        assert link['link_type'] == 'infiniband' and 'UP' in link['flags']
        assert node.read(f'{NET}/ib0.8064/ifindex').strip() == str(link['ifindex'])
        assert not os.path.exists(f'{NET}/ib0.8064'), 'it is not an interface of this machine'
        refused = node.run('ip', 'link', 'add', 'link', 'ib0', 'name', 'ib0.x', 'type', 'ipoib', 'pkey', '0x8064',
                           check=False)
        assert refused.returncode, 'this kernel has no ib_ipoib, so it offers no rtnetlink'
        assert write(node, 'eth4/eth/slaves', '-ib0.8064') == 0
        assert write(node, 'ib0/delete_child', '0x8064') == 0
        assert node.run('ip', 'link', 'show', 'ib0.8064', check=False).returncode

    in_lab(body)


def test_a_page_is_cut_and_stays_as_it_was_read():
    def body(made):
        node = made.add_node([0xffff] + [0x8000 | key for key in range(978, 1104)])
        node.run('ip', 'link', 'set', 'eth4', 'up')
        for vlan in range(978, 1104):
            serve(node, vlan)
        page = node.read(f'{NET}/eth4/eth/vifs')
        assert len(page) == 4095 and page.endswith('\n')
        assert 80 < len(page.splitlines()) < 100
        assert len(os.listdir(node.path(f'{NET}/eth4'))) > 126, 'the links to the slaves are complete'
        file = os.open(node.path(f'{NET}/eth4/eth/vifs'), os.O_RDONLY)
        start = os.read(file, 100)
        assert write(node, 'eth4/eth/slaves', '-ib0.83d2') == 0
        assert (start + os.read(file, 4096)).decode() == page
        assert os.pread(file, 4096, 0).decode() != page
        os.close(file)

    in_lab(body)


def test_drvinfo_of_emulated_and_of_real_interfaces():
    def body(made):
        node = made.add_node([0xffff])
        answers = {name: node.run('python3', '-c', GDRVINFO, name).stdout.strip() for name in ('eth4', 'ib0', 'eth0')}
        assert answers == {'eth4': 'eth_ipoib ib0', 'ib0': 'ib_ipoib 0000:03:00.0', 'eth0': 'igb 0000:01:00.0'}
        assert 'Operation not supported' in node.run('python3', '-c', GDRVINFO, 'lo', check=False).stderr
        assert 'No such device' in node.run('python3', '-c', GDRVINFO, 'eth9', check=False).stderr

    in_lab(body)


@pytest.mark.parametrize('name', ['python3', 'python2.7'])
def test_drvinfo_by_preloading_alone(name):
    python = {'python3': sys.executable, 'python2.7': shutil.which('python2.7')}[name]
    environment = dict(os.environ, PYENV_VERSION='2.7.18') if name == 'python2.7' else dict(os.environ)
    if python is None or subprocess.run([python, '-c', 'pass'], env=environment, check=False).returncode:
        pytest.skip(f'{name} is not installed')

    def body(made):
        ip('link', 'add', 'eth4', 'type', 'veth', 'peer', 'name', 'other')
        with open(f'{made.folder}/drvinfo', 'w', encoding='ascii') as file:
            file.write('eth4 eth_ipoib ib0\n')
        preloaded = dict(environment, LD_PRELOAD=compile_shim(made.folder), LAB_DRVINFO=f'{made.folder}/drvinfo')
        for interface, answer in (('eth4', 'eth_ipoib ib0'), ('other', 'veth')):
            shown = subprocess.run([python, '-c', GDRVINFO, interface], env=preloaded, capture_output=True, text=True,
                                   check=True).stdout
            assert shown.strip() == answer

    in_lab(body)


def test_a_snapshot_tells_what_changed():
    def body(made):
        node = made.add_node([0xffff, 0x8064])
        node.run('ip', 'link', 'set', 'eth4', 'up')
        node.run('ovs-vsctl', 'add-br', 'br', '--', 'set', 'bridge', 'br', 'datapath_type=netdev')
        node.write('/etc/modprobe.d/x.conf', 'options x y=1\n')
        serve(node, 100)
        first = snapshot.take(node)
        assert snapshot.take(node) == first
        node.run('ovs-vsctl', 'set', 'port', 'br', 'trunks=100')
        node.run('mv', '/etc/modprobe.d/x.conf', '/etc/modprobe.d/z')
        node.run('cp', '/etc/modprobe.d/z', '/etc/modprobe.d/x.conf')
        release(node, 'ib0.8064')
        assert write(node, 'ib0/delete_child', '0x8064') == 0
        serve(node, 100)  # the same again, but not the same interface
        told = '\n'.join(snapshot.difference(first, snapshot.take(node)))
        for what in ('Port ', 'file /etc/modprobe.d/x.conf', 'file /etc/modprobe.d/z', 'link ib0.8064'):
            assert what in told

    in_lab(body)


def test_a_node_changes_nothing_of_this_machine():
    paths = [f'/{folder}/infiniband-lab-was-here' for folder in ('etc', 'usr/lib', 'var/lib', 'opt', 'run', 'root')]

    def body(made):
        node = made.add_node([0xffff])
        for path in paths:
            node.write(path, 'x')
        assert node.run('hostname').stdout == 'node-1\n'
        assert not [path for path in paths if os.path.exists(path)]

    in_lab(body)
    assert not [path for path in paths if os.path.exists(path)]


def test_an_error_in_the_lab_is_told_and_leaves_nothing(capfd):
    def body(made):
        made.add_node([0xffff])
        raise AssertionError('on purpose')

    assert lab.run(body) == 1
    assert 'on purpose' in capfd.readouterr().err
    with open('/proc/mounts', encoding='utf-8') as mounts:
        assert 'infiniband-lab-' not in mounts.read()
