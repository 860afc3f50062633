# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""eipoibd around its passes: locks, log and options.

Covered: one service and one pass at a time; the log tells what is new and nothing twice, and may be taken by nobody;
bad usage; a captured machine is never changed; what is printed, in the locale C too.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import io
import os
import subprocess
import sys

import pytest

from plugin_lib.daemon import locks, main, status
from plugin_lib.daemon.log import Log
from plugin_lib.daemon.report import Report
from plugin_lib.errors import EXIT_BAD_INPUT, EXIT_OK, ApplyError
from plugin_lib.host.capture import capture
from plugin_lib.host.state import Modules
from tests.model.node import Node, NoMemory

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


@pytest.mark.parametrize('number, advice', [
    (errno.EACCES, 'run it as root'), (errno.ENOSPC, 'see that its file system can be written')])
def test_a_lock_that_cannot_be_made_says_what_helps(tmpdir, monkeypatch, number, advice):
    def refuse(*_):
        raise OSError(number, os.strerror(number))
    monkeypatch.setattr(locks.os, 'open', refuse)
    with pytest.raises(ApplyError) as caught:
        with locks.held(str(tmpdir), locks.PASS):
            pass
    assert (caught.value.errno, caught.value.todo) == (number, advice)


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


def test_a_log_that_nobody_takes_stops_nothing():
    class Gone(io.StringIO):
        def flush(self):
            raise EnvironmentError(errno.EPIPE, os.strerror(errno.EPIPE))
    Log(Gone()).write('info', 'start')


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
    node.kernel.listener = NoMemory()
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


def test_what_is_no_ascii_is_printed_in_any_locale():
    code = ('import sys\n'
            'from plugin_lib.daemon import main\n'
            'main.foresee = lambda *_: ((), (), [b"p\\xc3\\xb6rt\\n has no MAC".decode("utf-8")])\n'
            'sys.exit(main.main(["--dry-run"]))\n')
    said = subprocess.check_output([sys.executable, '-c', code],
                                   env=dict(os.environ, LC_ALL=str('C'), PYTHONPATH=str(os.pathsep).join(sys.path)))
    assert said.decode('utf-8') == 'warning: p\xf6rt\\x0a has no MAC\nnothing to do\n'


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
