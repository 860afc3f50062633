# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""eipoibd around its passes: configuration, locks, status, log and options.

Covered: absurd configuration values by file, section and key; one service and one pass at a time; the status file is
whole, and not written when nothing changed; metrics; the log tells what is new and nothing twice; bad usage; a captured
machine is never changed.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import io
import os
import re

import pytest

from plugin_lib.daemon import config, locks, main, status
from plugin_lib.daemon.convergence import converge
from plugin_lib.daemon.history import Failures
from plugin_lib.daemon.log import Log
from plugin_lib.daemon.report import Report
from plugin_lib.errors import EXIT_BAD_INPUT, EXIT_OK, ApplyError, InputError
from plugin_lib.host.capture import capture
from plugin_lib.host.state import Modules
from plugin_lib.views import status as view
from tests.model.kernel import Listener
from tests.model.node import Node

# configuration


def configured(tmpdir, text):
    path = tmpdir.join('eipoibd.conf')
    path.write_binary(text.encode('utf-8'))
    return config.read(str(path))


def test_without_a_file_the_defaults_hold(monkeypatch, tmpdir):
    monkeypatch.setattr(config, 'CONFIG_FILE', str(tmpdir.join('none')))
    assert config.read() == config.DEFAULTS


def test_settings_are_read(tmpdir):
    assert configured(tmpdir, '# a comment\n[eipoibd]\nresync_interval = 10\nremoval_grace=0\nlog_level = debug\n') == \
        config.DEFAULTS._replace(resync_interval=10, removal_grace=0, log_level='debug')
    assert configured(tmpdir, '') == config.DEFAULTS
    gate = '/etc/nailgun-agent/nodiscover'
    assert configured(tmpdir, '[eipoibd]\ndiscovery_gate = ' + gate).discovery_gate == gate


@pytest.mark.parametrize('line', [
    'resync_interval = 0', 'resync_interval = -1', 'resync_interval = 1e3', 'resync_interval =',
    'resync_interval = 3601', 'queue_size = 100', 'queue_size = 16384', 'removal_grace = 99999999999999999999',
    'mass_removal_hold = soon', 'log_level = loud', 'removal_grase = 90', 'discovery_gate = nodiscover',
    'discovery_gate = /etc/../etc/shadow', 'discovery_gate = /etc/', 'discovery_gate =', 'queue_size = \u0662'])
def test_absurd_values_are_named_by_file_section_and_key(tmpdir, line):
    with pytest.raises(InputError) as caught:
        configured(tmpdir, '[eipoibd]\n' + line + '\n')
    assert caught.value.where == '{0} -> eipoibd -> {1}'.format(tmpdir.join('eipoibd.conf'), line.split(' ')[0])


@pytest.mark.parametrize('text', ['resync_interval = 1\n', '[eipoibd\n', '[eipoibd]\nresync_interval\n', '\x00'])
def test_what_is_no_ini_file_is_bad_input(tmpdir, text):
    with pytest.raises(InputError) as caught:
        configured(tmpdir, text)
    assert str(tmpdir.join('eipoibd.conf')) in caught.value.where


def test_a_file_that_was_asked_for_must_be_there(tmpdir):
    with pytest.raises(InputError):
        config.read(str(tmpdir.join('none')))


# locks

def test_one_at_a_time(tmpdir):
    folder = str(tmpdir.join('run'))
    with locks.held(folder, locks.SERVICE):
        assert locks.is_held(folder, locks.SERVICE)
        assert not locks.is_held(folder, locks.PASS)
        with pytest.raises(ApplyError) as caught:
            with locks.held(folder, locks.SERVICE):
                raise AssertionError('two hold one lock')
        assert caught.value.errno in (errno.EAGAIN, errno.EWOULDBLOCK)
    assert not locks.is_held(folder, locks.SERVICE)
    assert not locks.is_held(str(tmpdir.join('none')), locks.SERVICE)
    assert [each.basename for each in tmpdir.listdir()] == ['run']
    assert os.stat(os.path.join(folder, locks.SERVICE)).st_mode & 0o777 == 0o600


def test_a_folder_that_cannot_be_made_is_an_error(tmpdir):
    tmpdir.join('file').write('')
    with pytest.raises(ApplyError):
        with locks.held(str(tmpdir.join('file', 'run')), locks.PASS):
            raise AssertionError('it holds a lock that cannot be')


# status

class Full(Listener):
    """No memory for a child."""

    def before(self, verb, target, text):
        if target == 'ib0.8064':
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM), target)


def test_status_tells_keys_vlans_changes_and_errors(tmpdir):
    node = Node(tmpdir, [0xffff, 0x8064, 0x0065])
    told = status.Status(str(tmpdir), 'once', now=lambda: 0)
    told.update(node.once())
    document = status.read(str(tmpdir))
    assert document['interfaces']['eth4'] == {
        'hca': 'mlx4_0', 'port': 1, 'guid': '0x0002c90300000001', 'parent': 'ib0', 'mac': '00:02:c9:00:00:01',
        'state': 'ACTIVE',
        'keys': ['0xffff', '0x8064', '0x0065'], 'vlans': [100], 'states': {'limited': 1, 'ok': 2},
        'steps_done': 3, 'steps_failed': 0, 'last_change': '1970-01-01T00:00:00Z', 'last_error': None,
        'lines': ['mlx4_0 port 1 0xffff full ==> ib0.1 untagged eth4 ok',
                  'mlx4_0 port 1 0x8064 full ==> ib0.8064 vlan 100 eth4 ok',
                  'mlx4_0 port 1 0x0065 limited ==> eth4 limited: two limited members cannot talk:'
                  ' make the port a full member'],
        'vifs': []}
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


def test_status_keeps_the_last_error_and_the_reason_of_a_failed_pass(tmpdir):
    node = Node(tmpdir, [0xffff, 0x8064])
    told = status.Status(str(tmpdir), 'service')
    node.kernel.listener = Full()
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
    node.kernel.listener = Full()
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


# log

def test_log_lines_are_words_of_key_and_value():
    stream = io.StringIO()
    log = Log(stream)
    log.write('debug', 'nothing')
    log.write('info', 'step', ('subject', 'eth4 vlan 100'), ('count', 3), ('reason', ''), ('why', None))
    log.error('pass', ApplyError('cannot "do"', '/a/b', 'Z\xfcrich\n', 'run again'))
    assert stream.getvalue().splitlines() == [
        'level=info event=step subject="eth4 vlan 100" count=3',
        'level=error event=pass what="cannot \\"do\\"" where=/a/b why="Z\\u00fcrich\\n" next="run again"']


def test_only_what_is_new_is_logged(tmpdir):
    stream = io.StringIO()
    report = Report(Log(stream))
    node = Node(tmpdir, [0xffff, 0x0064])
    report.result(node.once())
    first = stream.getvalue().splitlines()
    assert [line.split(' ')[1] for line in first].count('event=step') == 2
    assert first[-1].startswith('level=warning event=found what="mlx4_0 port 1 0x0064 limited')
    for _ in range(3):
        report.result(node.once())
    assert stream.getvalue().splitlines() == first
    error = ApplyError('cannot')
    for _ in range(2):
        report.failure(error)
    assert stream.getvalue().splitlines()[len(first):] == ['level=error event=pass what=cannot']
    report.recovered()
    report.failure(error)
    assert len(stream.getvalue().splitlines()) == len(first) + 2


def test_a_step_that_fails_again_and_again_is_logged_once(tmpdir):
    stream = io.StringIO()
    report = Report(Log(stream))
    node = Node(tmpdir, [0xffff, 0x8064])
    node.kernel.listener = Full()
    for _ in range(3):
        report.result(node.once())
    failed = [line for line in stream.getvalue().splitlines() if 'failed' in line]
    assert len(failed) == 1
    assert failed[0].startswith('level=warning event=found what="eth4 vlan 100 failed: cannot create ib0.8064')
    assert 'lower queue_size' in failed[0]


# options

@pytest.mark.parametrize('argv, words', [
    (['--once', '--flush'], 'exclude each other'), (['now'], 'takes no arguments'),
    (['--root', '/tmp'], 'a captured machine cannot be changed'),
    (['--root', '/nowhere', '--dry-run'], 'not a captured tree')])
def test_bad_usage(capsys, argv, words):
    assert main.main(argv) == EXIT_BAD_INPUT
    assert words in capsys.readouterr()[1]


def test_without_privilege_it_says_so(capsys, monkeypatch):
    monkeypatch.setattr(os, 'geteuid', lambda: 1000)
    assert main.main(['--once']) == EXIT_BAD_INPUT
    assert 'run it as root' in capsys.readouterr()[1]


def test_a_dry_run_of_a_captured_machine(tmpdir, tmpdir_factory, capsys):
    kernel = Node(tmpdir_factory.mktemp('ledger'), [0xffff, 0x8064]).kernel
    kernel.modules = lambda: Modules('4.4.0', (), ())
    root = str(tmpdir)
    capture(kernel, root)
    before = sorted(str(each) for each in tmpdir.visit())
    assert main.main(['--dry-run', '--root', root]) == EXIT_OK
    assert 'eth4 vlan 100: create ib0.8064 on ib0 for P_Key 0x8064\n' in capsys.readouterr()[0]
    assert sorted(str(each) for each in tmpdir.visit()) == before


@pytest.fixture
def here(tmpdir, monkeypatch):
    """main() works on a modelled machine with one key."""
    node = Node(tmpdir, [0xffff, 0x8064])
    monkeypatch.setattr(main, 'RUN_FOLDER', str(tmpdir))
    monkeypatch.setattr(main, 'open_root', lambda root='/': node.kernel)
    monkeypatch.setattr(main, 'Executor', lambda: node.executor)
    monkeypatch.setattr(os, 'geteuid', lambda: 0)
    return node


def test_once_and_again_and_flush(here, capsys, tmpdir):
    assert main.main(['--once']) == EXIT_OK
    assert 'mlx4_0 port 1 0x8064 full ==> ib0.8064 vlan 100 eth4 ok\n' in capsys.readouterr()[0]
    assert main.main(['--once']) == EXIT_OK
    assert 'nothing to do' in capsys.readouterr()[0]
    assert status.read(str(tmpdir))['mode'] == 'once'
    assert main.main(['--flush']) == EXIT_OK
    assert main.main(['--flush']) == EXIT_OK
    assert 'nothing to remove' in capsys.readouterr()[0]
    assert here.children() == []


def test_once_beside_the_service_leaves_the_status_to_it(here, tmpdir, capsys):
    with locks.held(str(tmpdir), locks.SERVICE):
        assert main.main(['--once']) == EXIT_OK
        assert status.read(str(tmpdir)) is None
        assert main.main(['--flush']) == 3
    assert 'another eipoibd is at work' in capsys.readouterr()[1]


def test_once_fails_when_a_step_fails(here, capsys):
    here.kernel.ipoib.rtnetlink = False
    here.kernel.eth_ipoib.entries = lambda netdev: {}  # eth4 has lost its eth folder
    assert main.main(['--once']) == 3
    assert 'eth4 failed: cannot enslave' in capsys.readouterr()[0]


def test_without_an_eipoib_interface_there_is_nothing_to_do(here, capsys):
    here.kernel.unregister('ib0')
    assert main.main(['--once']) == EXIT_OK
    assert 'no EIPOIB interface here: nothing to do' in capsys.readouterr()[0]
