# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Captured machines, and recording one: what is read back equals what was recorded."""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import json
import os
import shutil
import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin_lib import stages
from plugin_lib._compat import fs_path
from plugin_lib.daemon import main as eipoibd
from plugin_lib.errors import ApplyError, InputError
from plugin_lib.host import machine
from plugin_lib.host.capture import WRITTEN_BY_US, capture, written_by_us
from plugin_lib.host.source import Captured, Live, open_root
from plugin_lib.paths import OWN_HIERA_FILE, RDMA_MODULES_FILE, STATUS_FILE
from plugin_lib.planning import drivers, modprobe, service, sriov
from plugin_lib.planning.operations import StartService
from plugin_lib.published import settings as plugin_settings
from tests.model.kernel import Kernel
from tests.model.node import Node

ASTUTE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'fixtures', 'astute',
                      '9.2-two-ports.yaml')

LINK = {'name': 'eth0', 'ifindex': 2, 'type': 1, 'flags': 1, 'mtu': 1500, 'address': '52:54:00:00:00:30',
        'state': 'up', 'parent': None, 'master': None, 'kind': None, 'pkey': None, 'vlan': None}
MODULES = {'release': '4.4.0', 'loaded': ['ib_ipoib'], 'available': ['ib_ipoib', 'eth_ipoib']}
FACTS = {'format': 1, 'modules': MODULES,
         'links': [LINK], 'drvinfo': {'eth0': ['virtio_net', '0000:00:03.0']}, 'errors': {}}


@pytest.fixture
def folder(tmpdir):
    return str(tmpdir)


def write(path, content):
    if not os.path.isdir(os.path.dirname(path)):
        os.makedirs(os.path.dirname(path))
    with open(path, 'wb') as stream:
        stream.write(content)


def kernel_with_eipoib():
    kernel = Kernel()
    hca = kernel.add_hca('mlx4_0', ports=2)
    for number in (1, 2):
        ib, eth = 'ib{0}'.format(number - 1), 'eth{0}'.format(number + 3)
        kernel.add_ipoib(ib, hca.ports[number])
        kernel.add_eipoib(eth, ib)
        kernel.link_up(eth)
    return kernel, hca


class TestOpenRoot(object):
    def test_the_running_machine(self):
        assert isinstance(open_root('/'), Live)
        assert isinstance(open_root('//.'), Live)

    def test_a_captured_one(self, folder):
        write(folder + '/capture.json', json.dumps(FACTS).encode('ascii'))
        source = open_root(folder)
        assert isinstance(source, Captured)
        assert source.drvinfo('eth0') == ('virtio_net', '0000:00:03.0')
        with pytest.raises(EnvironmentError) as caught:
            source.drvinfo('eth1')
        assert caught.value.errno == errno.ENODEV
        assert machine.read(source).interfaces['eth0'].mac == LINK['address']

    @pytest.mark.parametrize('change,place', [
        ({'format': 2}, 'format'), ({'links': {}}, 'links'), ({'links': ['eth0']}, 'links -> 0'),
        ({'links': [dict(LINK, name=1)]}, 'links -> 0 -> name'),
        ({'links': [dict(LINK, mtu='x')]}, 'links -> 0 -> mtu'),
        ({'links': [dict(LINK, flags=None)]}, 'links -> 0 -> flags'), ({'links': [dict(LINK, more=1)]}, 'links -> 0'),
        ({'drvinfo': []}, 'drvinfo'), ({'drvinfo': {'eth0': ['x']}}, 'drvinfo -> eth0'),
        ({'drvinfo': {'eth0': [1, 2]}}, 'drvinfo -> eth0'), ({'errors': None}, 'errors'),
        ({'errors': {'/sys/a': 'EIO'}}, 'errors -> /sys/a'), ({'errors': {'/sys/a': 10 ** 30}}, 'errors -> /sys/a'),
        ({'links': [dict(LINK, mtu=-1)]}, 'links -> 0 -> mtu'), ({'modules': []}, 'modules'),
        ({'modules': dict(MODULES, release=4)}, 'modules -> release'),
        ({'modules': dict(MODULES, loaded=['nouveau'])}, 'modules -> loaded')])
    def test_wrong_facts_are_named(self, folder, change, place):
        write(folder + '/capture.json', json.dumps(dict(FACTS, **change)).encode('ascii'))
        with pytest.raises(InputError) as caught:
            open_root(folder)
        assert caught.value.where == '{0}/capture.json -> {1}'.format(folder, place)

    @pytest.mark.parametrize('content', [None, b'', b'{', b'[]', b'\xff', b'null', b'[' * 100000])
    def test_no_capture(self, folder, content):
        if content is not None:
            write(folder + '/capture.json', content)
        with pytest.raises(InputError) as caught:
            open_root(folder)
        assert caught.value.where == folder + '/capture.json'

    def test_a_recorded_error_is_replayed(self, folder):
        write(folder + '/sys/a', b'text')
        write(folder + '/capture.json', json.dumps(dict(FACTS, errors={'/sys/a': errno.EIO})).encode('ascii'))
        with pytest.raises(EnvironmentError) as caught:
            open_root(folder).tree.read('/sys/a')
        assert (caught.value.errno, caught.value.filename) == (errno.EIO, '/sys/a')


class TestCapture(object):
    def test_refuses_what_is_there(self, folder):
        write(folder + '/capture/precious', b'text')
        write(folder + '/file', b'text')
        for name in ('/capture', '/file'):
            with pytest.raises(InputError) as caught:
                capture(Kernel(), folder + name)
            assert caught.value.where == folder + name
        assert os.listdir(folder + '/capture') == ['precious']

    def test_takes_an_empty_folder(self, folder):
        os.mkdir(folder + '/capture')
        capture(Kernel(), folder + '/capture')
        assert os.listdir(folder) == ['capture']
        assert 'capture.json' in os.listdir(folder + '/capture')

    def test_a_folder_that_cannot_be_looked_into(self):
        if os.geteuid() != 0:
            pytest.skip('only root can make a folder that it may not look into itself')
        base = tempfile.mkdtemp()  # pytest's own folders cannot even be entered by others
        try:
            os.chmod(base, 0o755)
            os.mkdir(base + '/private', 0o700)
            os.seteuid(65534)
            try:
                with pytest.raises(InputError) as caught:
                    capture(Kernel(), base + '/private')
            finally:
                os.seteuid(0)
        finally:
            shutil.rmtree(base)
        assert (caught.value.where, caught.value.why) == (base + '/private', os.strerror(errno.EACCES))

    def test_leaves_nothing_half_written(self, folder, monkeypatch):
        kernel, _ = kernel_with_eipoib()

        def full(*_):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        monkeypatch.setattr(os, 'symlink', full)
        with pytest.raises(ApplyError) as caught:
            capture(kernel, folder + '/capture')
        assert caught.value.errno == errno.ENOSPC
        assert os.listdir(folder) == []

    def test_no_folder_to_write_in(self, folder):
        with pytest.raises(ApplyError) as caught:
            capture(Kernel(), folder + '/none/capture')
        assert caught.value.errno == errno.ENOENT

    def test_holds_only_what_is_read_and_relative_links(self, folder):
        kernel, _ = kernel_with_eipoib()
        kernel.write('/sys/class/net/ib0/create_child', '0x8064')
        kernel.write('/sys/class/net/eth4/eth/slaves', '+ib0.8064')
        capture(kernel, folder + '/capture')
        files, links = set(), set()
        for where, _, names in os.walk(folder + '/capture'):
            for name in names:
                path = os.path.join(where, name)
                if os.path.islink(path):
                    links.add(os.readlink(path))
                elif not os.path.dirname(path).endswith('pkeys'):
                    files.add(name)
        assert not [target for target in links if target.startswith('/')]
        assert files <= set(['capture.json', 'eth_ipoib_interfaces', 'vifs', 'parent', 'pkey', 'dev_port', 'dev_id',
                             'state', 'link_layer', 'lid', 'sm_lid', 'rate', 'mode', 'address'])

    @settings(max_examples=10)
    @given(st.lists(st.integers(0, 0xffff), max_size=8), st.lists(st.integers(1, 200), max_size=8, unique=True),
           st.sampled_from([None, errno.EIO, errno.EACCES]), st.booleans())
    def test_reading_it_back_gives_the_same_host(self, table, vlans, table_errno, garbage):
        kernel, hca = kernel_with_eipoib()
        hca.ports[1].set_pkeys(table)
        hca.ports[2].table_errno = table_errno
        if garbage:
            hca.ports[1].state = 'INIT'
            hca.ports[1].rate = 'none \u20ac'
        for vlan in vlans:
            name = 'ib0.{0:04x}'.format(0x8000 | vlan)
            if vlan % 2:
                kernel.add_link('ib0', name, 0x8000 | vlan)
            else:
                kernel.write('/sys/class/net/ib0/create_child', '0x{0:04x}'.format(0x8000 | vlan))
            if vlan % 3:
                kernel.write('/sys/class/net/eth4/eth/slaves', '+' + name)
            if vlan % 3 == 1:
                kernel.write('/sys/class/net/eth4/eth/vifs', '+{0} 02:00:00:00:00:01 {1}'.format(name, vlan))
        self.assert_equal_when_read_back(kernel)

    def test_a_folder_with_any_name(self, folder):
        """On Python 2 a name comes as bytes from the command line and as text from elsewhere."""
        for name in (folder + '/caf\u00e9', fs_path(folder + '/th\u00e9')):
            kernel, _ = kernel_with_eipoib()
            host = capture(kernel, name)
            assert machine.read(open_root(name)) == host
        with pytest.raises(InputError) as caught:
            open_root(fs_path(folder + '/\u00fc'))
        assert caught.value.where == folder + '/\u00fc/capture.json'

    def test_a_cut_page_is_still_cut(self):
        kernel, _ = kernel_with_eipoib()
        for vlan in range(1, 128):
            name = 'ib0.{0:04x}'.format(0x8000 | vlan)
            kernel.add_link('ib0', name, 0x8000 | vlan)
            kernel.write('/sys/class/net/eth4/eth/slaves', '+' + name)
            kernel.write('/sys/class/net/eth4/eth/vifs', '+{0} 02:00:00:00:00:01 {1}'.format(name, vlan))
        host = self.assert_equal_when_read_back(kernel)
        assert (host.eipoibs['eth4'].vifs_complete, len(host.eipoibs['eth4'].slaves)) == (False, 127)

    def test_a_driver_that_fails_to_answer(self):
        kernel, _ = kernel_with_eipoib()

        def drvinfo(name):
            raise EnvironmentError(errno.EIO, os.strerror(errno.EIO), name)
        kernel.drvinfo = drvinfo
        assert 'eth4: ' + os.strerror(errno.EIO) in self.assert_equal_when_read_back(kernel).problems

    def assert_equal_when_read_back(self, kernel):
        base = tempfile.mkdtemp()
        try:
            host = capture(kernel, os.path.join(base, 'first'))
            assert machine.read(open_root(os.path.join(base, 'first'))) == host
            assert open_root(os.path.join(base, 'first')).modules() == kernel.modules()
            again = capture(open_root(os.path.join(base, 'first')), os.path.join(base, 'second'))
            assert again == host
            assert machine.read(open_root(os.path.join(base, 'second'))) == host
        finally:
            shutil.rmtree(base)
        return host


def configured_node(folder):
    """A node whose eipoibd serves VLAN 100; its files are below ``folder``, its kernel is a model."""
    node = Node(folder + eipoibd.RUN_FOLDER, [0xffff, 0x8064])
    chosen = plugin_settings.read(None)
    write(folder + drivers.MODPROBE_FILE, modprobe.text(chosen.queue_size).encode('ascii'))
    write(folder + service.CONFIG_FILE, service.config_text(chosen).encode('ascii'))
    os.makedirs(folder + eipoibd.RUN_FOLDER)
    node.once()
    return node


class TestWhatThePluginWrote(object):
    def test_is_where_it_writes_it(self):
        in_run = ['{0}/{1}'.format(eipoibd.RUN_FOLDER, name) for name in (eipoibd.LEDGER_FILE, STATUS_FILE)]
        assert sorted(WRITTEN_BY_US) == sorted([
            drivers.MODPROBE_FILE, service.CONFIG_FILE, sriov.MODPROBE_FILE, sriov.SRIOV_MEMORY, OWN_HIERA_FILE,
            RDMA_MODULES_FILE] + in_run)

    def test_a_replay_of_a_configured_node_does_it_not_again(self, folder):
        node = configured_node(folder + '/machine')
        host = capture(node.kernel, folder + '/capture', written_by_us(folder + '/machine'))
        assert 'ib0.8064' in host.children
        replayed = stages.Node(folder + '/capture', ASTUTE)
        assert [stages.plan(replayed, stage) for stage in ('packages', 'drivers', 'vlans')] == [stages.NOTHING] * 3
        (start,) = stages.plan(replayed, 'service').steps
        assert start.operations == (StartService(service.NAME, False),)

    def test_a_replay_knows_which_children_are_ours(self, folder):
        node = configured_node(folder + '/machine')
        node.port.set_pkeys([0xffff])
        capture(node.kernel, folder + '/capture', written_by_us(folder + '/machine'))
        (finding,) = stages.plan(stages.Node(folder + '/capture', ASTUTE), 'vlans').findings
        assert 'ib0.8064 vlan 100 eth4 held' in finding

    def test_a_replay_can_be_recorded_again(self, folder):
        configured_node(folder + '/machine')
        recorded = written_by_us(folder + '/machine')
        assert len(recorded) == 3  # eipoibd --once wrote no status here
        capture(Kernel(), folder + '/capture', recorded)
        assert written_by_us(folder + '/capture') == recorded

    def test_what_is_not_there_or_cannot_be_read_is_left_out(self, folder):
        os.makedirs(folder + service.CONFIG_FILE)  # EISDIR
        assert written_by_us(folder) == {}
