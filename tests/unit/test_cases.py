# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The cases at which the historical shell daemon failed, and bad input, on the modelled kernel.

Covered: 126 keys replaced by 126 others; VLANs behind the cut of the vifs page; a cut last row that reads as another
VLAN; the interface's MAC changes; a vif write that is lost; a child made and not enslaved; an orphan of ours; demotion
and back; a table that cannot be read, or not wholly; the words of the log; read-only sysfs, no privilege.
functional/test_eipoibd_cases.py has them with eipoibd as a process.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import io
import os

import pytest

from plugin_lib.daemon.log import Log
from plugin_lib.daemon.report import Report
from plugin_lib.host.eipoib import parse_vifs
from tests.model.listener import Listener
from tests.model.node import GRACE, MASS_HOLD, Node

NET = '/sys/class/net/'
CUT = [range(978, 1104), range(58, 184), range(100, 226)]


def table(vlans):
    return [0xffff] + [0x8000 | vlan for vlan in vlans]


class Errors(Listener):
    """Every change is refused with ``number``, or the first ``times`` to a path that ends with ``path``."""

    def __init__(self, number, path='', times=10 ** 6):
        self._number, self._path, self._left = number, path, times

    def before(self, verb, target, text):
        if target.endswith(self._path) and self._left:
            self._left -= 1
            raise OSError(self._number, os.strerror(self._number), target)


def test_126_keys_are_replaced_by_126_others(tmpdir):
    node = Node(tmpdir, table(range(100, 226)))
    node.serve()
    node.port.set_pkeys(table(range(978, 1104)))
    node.serve()
    assert set(node.vlans()) == set([-1]) | set(range(100, 226)) | set(range(978, 1104))
    result = node.serve(after=GRACE)
    assert not result.errors
    assert node.vlans() == [-1] + list(range(978, 1104))
    assert len(node.children()) == 127


@pytest.mark.parametrize('vlans', CUT)
def test_vlans_behind_the_cut_of_the_page_are_seen_and_removed(tmpdir, vlans):
    node = Node(tmpdir, table(vlans))
    node.serve()
    assert len(parse_vifs(node.kernel.tree.read(NET + 'eth4/eth/vifs'))[0]) < 90
    assert node.serve().outcomes == ()
    last = list(vlans)[-41:]
    node.port.set_pkeys(table(vlan for vlan in vlans if vlan not in last))
    node.serve()
    node.serve(after=GRACE)
    assert node.vlans() == [-1] + [vlan for vlan in vlans if vlan not in last]
    assert len(node.children()) == 126 - 41 + 1


@pytest.mark.parametrize('vlans', CUT)
@pytest.mark.parametrize('count', range(80, 95))
def test_wherever_the_page_is_cut_no_row_of_another_vlan_is_read(tmpdir, vlans, count):
    node = Node(tmpdir, table(list(vlans)[:count]))
    node.serve()
    rows, _, nonsense = parse_vifs(node.kernel.tree.read(NET + 'eth4/eth/vifs'))
    assert nonsense == []
    assert [row for row in rows if row.vlan and row.slave != 'ib0.{0:04x}'.format(0x8000 | row.vlan)] == []


def test_a_new_mac_leaves_nothing_of_the_old_one(tmpdir):
    node = Node(tmpdir, table(range(100, 226)))
    node.serve()
    old = node.eipoib.address
    node.port.guid = '0002c90300abcdef'
    assert not node.serve().errors
    assert node.vlans() == [-1] + list(range(100, 226))
    assert [mac for _, mac, _, _ in node.kernel.vifs('eth4') if mac == old] == []


class Losing(Listener):
    """The first vif of VLAN 100 is accepted and gone at once."""

    lost = False

    def __init__(self, node):
        self._node = node

    def after(self, verb, target, text):
        if text.startswith('+ib0.8064 ') and not self.lost:
            self.lost = True
            self._node.kernel.netdevs['ib0.8064'].vif = None


def test_a_vif_whose_write_was_lost_is_written_again(tmpdir):
    node = Node(tmpdir, table([100, 101]))
    node.kernel.listener = Losing(node)
    node.serve()
    assert node.vlans() == [-1, 101]
    node.serve()
    assert node.vlans() == [-1, 100, 101]


@pytest.mark.parametrize('path', ['/slaves', '/vifs'])
def test_a_child_that_was_made_and_no_more_is_finished(tmpdir, path):
    node = Node(tmpdir, table([100, 101]))
    node.kernel.listener = Errors(errno.EBUSY, path, 2)
    node.serve()
    node.serve()
    node.serve()
    assert node.vlans() == [-1, 100, 101]


def test_an_orphan_of_ours_goes_and_one_of_others_stays(tmpdir):
    node = Node(tmpdir, table([100, 101, 102]))
    node.serve()
    for name in ('ib0.8064', 'ib0.8065'):
        node.kernel.eth_ipoib.release(node.eipoib, name)
    node.kernel.write(NET + 'ib0/create_child', '0x8077')
    node.port.set_pkeys(table([101, 102]))
    node.start()
    node.serve()
    node.serve(after=GRACE)
    assert node.children() == ['ib0.1', 'ib0.8065', 'ib0.8066', 'ib0.8077']
    assert node.vlans() == [-1, 101, 102]


@pytest.mark.parametrize('both', [False, True])
def test_full_becomes_limited_and_full_again(tmpdir, both):
    node = Node(tmpdir, table([100, 101, 102]))
    node.serve()
    node.port.set_pkeys(table([101, 102]) + [0x0064] + ([0x8064] if both else []))
    node.serve()
    result = node.serve(after=GRACE)
    assert node.vlans() == ([-1, 100, 101, 102] if both else [-1, 101, 102])
    assert [finding.state for finding in result.findings if finding.state != 'ok'] == ([] if both else ['limited'])
    node.port.set_pkeys(table([101, 102, 100]))
    node.serve()
    assert node.vlans() == [-1, 100, 101, 102]


def test_a_table_that_cannot_be_read_takes_nothing_down(tmpdir):
    node = Node(tmpdir, table([100, 101]))
    node.serve()
    node.port.table_errno = errno.EIO
    for _ in range(3):
        result = node.serve(after=MASS_HOLD)
        assert result.outcomes == ()
    assert [line for line in result.host.problems if 'pkeys' in line and 'Input/output error' in line]
    assert node.vlans() == [-1, 100, 101]


@pytest.mark.parametrize('text', ['', 'garbage', '0x806', '0x80640', '8064', '\x00\x01', '0xZZZZ'])
def test_of_a_garbled_table_what_can_be_read_is_served_and_nothing_is_withdrawn(tmpdir, text):
    node = Node(tmpdir, table([100, 101]))
    node.serve()
    node.port.set_pkeys(table([100, 101, 102]))
    node.port.garbled = {1: text}
    for _ in range(3):
        result = node.serve(after=MASS_HOLD)
    assert not result.errors
    assert node.vlans() == [-1, 100, 101, 102]
    assert [finding.line() for finding in result.findings if finding.state == 'held'] == [
        'mlx4_0 port 1 0x8064 full ==> ib0.8064 vlan 100 eth4 held: its P_Key is not in what can be read of the table']
    assert [line for line in result.host.problems if 'pkeys/1' in line]
    node.port.garbled = {}
    node.port.set_pkeys(table([101, 102]))
    node.serve()
    node.serve(after=GRACE)
    assert node.vlans() == [-1, 101, 102]


def test_the_log_says_what_was_done(tmpdir):
    stream = io.StringIO()
    report, node = Report(Log(stream)), Node(tmpdir, table([100]))
    report.result(node.serve())
    node.port.set_pkeys([0xffff, 0x8065])
    report.result(node.serve())
    report.result(node.serve(after=GRACE))
    steps = [line.split(' reason=')[0] for line in stream.getvalue().splitlines() if 'event=step' in line]
    mac = node.eipoib.address
    assert steps[2:] == [
        'level=info event=step subject="eth4 vlan 100" did="create ib0.8064 on ib0 for P_Key 0x8064, enslave ib0.8064'
        ' to eth4, serve {0} vlan 100 of eth4 through ib0.8064"'.format(mac),
        'level=info event=step subject="eth4 vlan 101" did="create ib0.8065 on ib0 for P_Key 0x8065, enslave ib0.8065'
        ' to eth4, serve {0} vlan 101 of eth4 through ib0.8065"'.format(mac),
        'level=info event=step subject="eth4 vlan 100" did="release ib0.8064 from eth4, delete ib0.8064 of ib0"']


@pytest.mark.parametrize('number, advice', [
    (errno.EROFS, 'mount the file system for writing'), (errno.EPERM, 'run it as root'),
    (errno.EACCES, 'run it as root')])
def test_a_machine_that_cannot_be_changed_is_told_file_by_file(tmpdir, number, advice):
    node = Node(tmpdir, table([100]), rtnetlink=False, child_index=True)
    node.kernel.listener = Errors(number, 'create_child')
    result = node.serve()
    assert [(error.where, error.todo) for error in result.errors] == [
        (NET + 'ib0/create_child', advice), (NET + 'ib0/create_child', advice)]
    assert node.children() == []
    node.kernel.listener = Listener()
    node.serve()
    assert node.vlans() == [-1, 100]
