# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""eipoibd's status and metrics: whole, of what was found and done, and not written when nothing changed."""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import os
import re

import pytest

from plugin_lib.daemon import status
from plugin_lib.daemon.convergence import converge
from plugin_lib.daemon.history import Failures
from plugin_lib.errors import ApplyError, InputError
from plugin_lib.views import status as view
from tests.model.listener import Listener
from tests.model.node import Node, NoMemory


def test_status_tells_keys_vlans_changes_and_errors(tmpdir):
    node = Node(tmpdir, [0xffff, 0x8064, 0x0065])
    told = status.Status(str(tmpdir), 'once', now=lambda: 0)
    told.update(node.once())
    document = status.read(str(tmpdir))
    assert document['interfaces']['eth4'] == {
        'hca': 'mlx4_0', 'port': 1, 'guid': '0x0002c90300000001', 'parent': 'ib0', 'mac': '00:02:c9:00:00:01',
        'state': 'ACTIVE',
        'keys': ['0xffff', '0x8064', '0x0065'], 'places': [0, 1, 2], 'vlans': [100], 'states': {'limited': 1, 'ok': 2},
        'steps_done': 3, 'steps_failed': 0, 'last_change': '1970-01-01T00:00:00Z', 'last_error': None,
        'lines': ['mlx4_0 port 1 0xffff full ==> ib0.1 untagged eth4 ok',
                  'mlx4_0 port 1 0x8064 full ==> ib0.8064 vlan 100 eth4 ok',
                  'mlx4_0 port 1 0x0065 limited ==> eth4 limited: two limited members cannot talk:'
                  ' make the port a full member'],
        'vifs': [], 'storage': []}
    assert document['counters'] == {'steps_done': 3, 'steps_failed': 0}
    assert (document['mode'], document['error'], document['updated']) == ('once', None, '1970-01-01T00:00:00Z')


def test_status_is_not_written_when_nothing_changed(tmpdir):
    node = Node(tmpdir, [0xffff, 0x8064])
    told = status.Status(str(tmpdir), 'service')
    told.update(node.once())
    told.update(node.once())
    before = os.stat(str(tmpdir.join('status.json'))).st_ino
    told.update(node.once())
    assert os.stat(str(tmpdir.join('status.json'))).st_ino == before


def test_status_is_written_when_keys_come_to_other_places_in_their_order(tmpdir):
    node = Node(tmpdir, [0xffff, 0x8064])
    told = status.Status(str(tmpdir), 'service')
    told.update(node.once())
    node.port.set_pkeys([0xffff, 0, 0x8064])
    told.update(node.once())
    nic = status.read(str(tmpdir))['interfaces']['eth4']
    assert (nic['keys'], nic['places']) == (['0xffff', '0x8064'], [0, 2])


def test_status_keeps_the_last_error_and_the_reason_of_a_failed_pass(tmpdir):
    node = Node(tmpdir, [0xffff, 0x8064])
    told = status.Status(str(tmpdir), 'service')
    node.kernel.listener = NoMemory()
    told.update(node.once())
    node.kernel.listener = Listener()
    told.update(node.once())
    told.fail(ApplyError('cannot list the network interfaces', 'rtnetlink', 'Too many open files'))
    document = status.read(str(tmpdir))
    assert document['error'] == 'cannot list the network interfaces; rtnetlink; Too many open files'
    assert document['interfaces']['eth4']['vlans'] == [100]
    assert os.strerror(errno.ENOMEM) in document['interfaces']['eth4']['last_error']
    assert document['counters'] == {'steps_done': 3, 'steps_failed': 1}


def test_status_of_a_first_pass_that_failed_is_whole(tmpdir):
    told = status.Status(str(tmpdir), 'service')
    told.fail(ApplyError('cannot list the network interfaces', 'rtnetlink', 'Too many open files'))
    assert told.summary() == 'cannot list the network interfaces; rtnetlink; Too many open files'
    assert 'error: cannot list the network interfaces' in view.table(status.read(str(tmpdir)))


def test_status_tells_what_is_tried_again(tmpdir):
    node, failures, times = Node(tmpdir, [0xffff, 0x8064]), Failures(lambda: 0), [60, 0]
    node.kernel.listener = NoMemory()
    told = status.Status(str(tmpdir), 'service', now=lambda: times[-1])
    result = converge(node.kernel, node.executor, node.ledger, held=failures.held)
    failures.note(result)
    told.update(result, failures.by_subject)
    times.pop()
    told.update(result, failures.by_subject)
    assert status.read(str(tmpdir))['backoff'] == {'eth4 vlan 100': {
        'failures': 1, 'pause': 1, 'tried': '1970-01-01T00:00:00Z',
        'error': result.errors[0].one_line()}}
    assert '1 to be tried again' in told.summary()
    shown = view.table(status.read(str(tmpdir)))
    assert 'eth4 vlan 100' in shown.lower().split('tried again')[1]


def test_status_tells_of_those_who_talk_through_an_interface(tmpdir):
    node = Node(tmpdir, [0xffff, 0x8064])
    node.network.add_port('br0', 'qr-1', tag=100, mac='fa:16:3e:00:00:01')
    node.network.add_port('br0', 'qr-2', tag=101, mac='fa:16:3e:00:00:01')
    told = status.Status(str(tmpdir), 'service')
    told.update(node.serve())
    document = status.read(str(tmpdir))
    nic = document['interfaces']['eth4']
    assert nic['vifs'] == [
        {'bridge': 'br0', 'port': 'qr-1', 'mac': 'fa:16:3e:00:00:01', 'vlan': 100, 'pkey': '0x8064',
         'child': 'ib0.8064.1', 'state': 'ok', 'detail': ''},
        {'bridge': 'br0', 'port': 'qr-2', 'mac': 'fa:16:3e:00:00:01', 'vlan': 101, 'pkey': None, 'child': None,
         'state': 'no-pkey', 'detail': 'the port holds no P_Key of this VLAN'}]
    assert (nic['vlans'], len(nic['lines'])) == ([100], 2), 'the rest is what the interface itself is served'
    shown = view.table(document).splitlines()
    assert 'br0     qr-1  fa:16:3e:00:00:01  100   0x8064  ib0.8064.1  eth4       ok' in shown
    for line in ('eipoibd_vifs{interface="eth4",served="yes"} 1', 'eipoibd_vifs{interface="eth4",served="no"} 1'):
        assert line in measured(tmpdir).splitlines()


# metrics

def measured(tmpdir):
    return tmpdir.join('eipoibd.prom').read()


def test_metrics_are_what_a_textfile_collector_takes(tmpdir):
    node = Node(tmpdir, [0xffff, 0x8064, 0x0065])
    told = status.Status(str(tmpdir), 'service')
    told.update(node.once())
    lines = measured(tmpdir).splitlines()
    for line in ('eipoibd_port_active{hca="mlx4_0",interface="eth4",port="1"} 1',
                 'eipoibd_pkeys{hca="mlx4_0",interface="eth4",port="1"} 3',
                 'eipoibd_vlans{hca="mlx4_0",interface="eth4",port="1"} 1',
                 'eipoibd_findings{interface="eth4",state="limited"} 1', 'eipoibd_backoff 0', 'eipoibd_passes_total 1',
                 'eipoibd_passes_failed_total 0', 'eipoibd_steps_total{result="done"} 3',
                 'eipoibd_steps_total{result="failed"} 0'):
        assert line in lines
    families = [line.split(' ')[2] for line in lines if line.startswith('# TYPE')]
    assert len(families) == len(set(families))
    sample = re.compile(r'^([a-z_]+)({[a-z]+="[^"]*"(,[a-z]+="[^"]*")*})? [0-9]+\Z')
    assert [line for line in lines if line[0] != '#' and sample.match(line).group(1) not in families] == []
    told.fail(ApplyError('cannot'))
    assert 'eipoibd_passes_failed_total 1' in measured(tmpdir).splitlines()


def test_metrics_of_an_interface_without_its_hca_and_of_a_table_that_cannot_be_read(tmpdir):
    node = Node(tmpdir, [0xffff])
    told = status.Status(str(tmpdir), 'service')
    node.port.table_errno = errno.EIO
    told.update(node.once())
    assert 'eipoibd_pkeys' not in measured(tmpdir)
    node.kernel.hcas.clear()
    told.update(node.once())
    assert 'eipoibd_port_active{hca="",interface="eth4",port=""} 0' in measured(tmpdir)


def test_metrics_are_written_for_news_and_with_the_resync(tmpdir):
    node = Node(tmpdir, [0xffff, 0x8064])
    told = status.Status(str(tmpdir), 'service')
    told.update(node.once())
    told.update(node.once())
    before = measured(tmpdir)
    told.update(node.once(), refresh=False)
    assert measured(tmpdir) == before
    told.update(node.once(), refresh=True)
    assert 'eipoibd_passes_total 4' in measured(tmpdir)
    node.port.set_pkeys([0xffff, 0x8064, 0x8065])
    told.update(node.once(), refresh=False)
    assert 'eipoibd_passes_total 5' in measured(tmpdir)


def test_no_status_and_a_broken_one(tmpdir):
    assert status.read(str(tmpdir)) is None
    for text in ('', '[]', '{"format": 99}'):
        tmpdir.join('status.json').write(text)
        with pytest.raises(InputError):
            status.read(str(tmpdir))
