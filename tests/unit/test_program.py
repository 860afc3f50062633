# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""How fuel-infiniband and eipoibd end where words are not ASCII and the locale has nothing else, as Fuel's tasks have
it, and where their output cannot be written.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import io
import os
import shutil
import subprocess
import sys

import pytest

from plugin_lib._compat import fs_path
from plugin_lib.program import status_of
from tests.unit.test_cli import ASTUTE, CONNECTX3, TOP

PROGRAMS = {'fuel-infiniband': 'plugin_lib.cli', 'eipoibd': 'plugin_lib.daemon.main'}
# Python 3.7 and later would take UTF-8 for the locale C.
ASCII = {'LC_ALL': 'C', 'PYTHONIOENCODING': 'ascii', 'PYTHONCOERCECLOCALE': '0', 'PYTHONUTF8': '0'}


def start(program, *arguments, **more):
    """Start a program in this checkout, unless ``cwd`` names another folder."""
    run = 'import sys; from {0} import main; sys.exit(main())'.format(PROGRAMS[program])
    environment = dict(os.environ, **dict((str(name), str(value)) for name, value in ASCII.items()))
    environment[str('PYTHONPATH')] = fs_path(TOP)
    more.setdefault('cwd', TOP)
    return subprocess.Popen([fs_path(word) for word in (sys.executable, '-c', run) + arguments],
                            env=environment, stderr=subprocess.PIPE, **more)


def result(program, *arguments, **more):
    """(exit status, stdout, stderr)"""
    child = start(program, *arguments, stdout=subprocess.PIPE, **more)
    out, err = (stream.decode('utf-8') for stream in child.communicate())
    assert 'Traceback' not in err
    return child.returncode, out, err


@pytest.fixture
def record(tmpdir):
    """A captured machine, with Fuel's data, in a folder whose name is not ASCII; an endpoint has such a name too."""
    folder = '{0}/mach\xefne'.format(tmpdir)
    shutil.copytree(fs_path(CONNECTX3), fs_path(folder), symlinks=True)
    with io.open(ASTUTE, encoding='utf-8') as stream:
        text = stream.read().replace('\n  endpoints:\n', '\n  endpoints:\n    br-\xe9x: {IP: none}\n').replace(
            'public/vip: br-ex', 'public/vip: br-\xe9x')
    os.makedirs(fs_path(folder + '/etc'))
    with io.open(fs_path(folder + '/etc/astute.yaml'), 'w', encoding='utf-8') as stream:
        stream.write(text)
    return folder


@pytest.mark.parametrize('command', ['discover', 'roles', 'plan', 'status', 'check'])
def test_a_machine_in_a_folder_whose_name_is_not_ascii(record, command):
    status, out, err = result('fuel-infiniband', command, '--root', record)
    assert (status, err) == (1 if command == 'check' else 0, '')
    assert command != 'check' or 'br-\xe9x' in out


@pytest.mark.parametrize('program, command, expected', [
    ('fuel-infiniband', 'check', 1), ('fuel-infiniband', 'discover', 0), ('eipoibd', '--dry-run', 0)])
def test_a_record_named_from_such_a_folder(record, program, command, expected):
    os.makedirs(fs_path(record + '/var/run/openvswitch/db.sock'))
    status, _, err = result(program, command, '--root', '.', cwd=fs_path(record))
    assert (status, err) == (expected, '')


def test_eipoibd_looks_at_a_machine_in_such_a_folder(record):
    status, out, err = result('eipoibd', '--dry-run', '--root', record)
    assert (status, err) == (0, '')
    assert 'eth4' in out


def test_hooks_tell_of_names_that_are_not_ascii(record, tmpdir, monkeypatch):
    shutil.copy(fs_path(record + '/etc/astute.yaml'), str(tmpdir))
    elsewhere = 'plugin_lib import cli; cli.ASTUTE = sys.argv.pop(); from plugin_lib.cli'
    monkeypatch.setitem(PROGRAMS, 'fuel-infiniband', elsewhere)
    status, out, err = result('fuel-infiniband', 'hook', 'preflight', str(tmpdir.join('astute.yaml')))
    assert (status, err) == (1, '')
    assert 'br-\xe9x' in out


@pytest.mark.parametrize('arguments, where', [
    (('\xe9',), '\xe9'), (('--dry-run', '--config', '/nowhere/\xe9.conf'), '/nowhere/\xe9.conf'),
    (('--once', '--root', '/nowhere/\xe9'), '/nowhere/\xe9')])
def test_eipoibd_names_what_it_refuses(arguments, where):
    status, out, err = result('eipoibd', *arguments)
    assert (status, out) == (2, '')
    # Python 3.5 and 3.6 take such an argument for bytes that are no text, and show it escaped.
    assert '  where: ' + where in err or '\\udc' in err


def test_a_bad_setting_of_eipoibd_is_named_with_its_file(tmpdir):
    path = '{0}/\xe9.conf'.format(tmpdir)
    with io.open(fs_path(path), 'w') as stream:
        stream.write('[eipoibd]\nresync = 1\n')
    status, _, err = result('eipoibd', '--dry-run', '--config', path)
    assert status == 2
    assert ' -> eipoibd -> resync\n' in err


@pytest.mark.parametrize('program, arguments', [
    ('fuel-infiniband', ('roles', '--astute', ASTUTE)), ('eipoibd', ('--dry-run', '--root', CONNECTX3))])
def test_output_that_nobody_reads_to_its_end_is_no_error(program, arguments):
    reader, writer = os.pipe()
    os.close(reader)
    child = start(program, *arguments, stdout=writer)
    os.close(writer)
    assert child.communicate()[1] == b''
    assert child.returncode == 0


@pytest.mark.skipif(not os.path.exists('/dev/full'), reason='no /dev/full here')
@pytest.mark.parametrize('program, arguments', [
    ('fuel-infiniband', ('roles', '--astute', ASTUTE)), ('eipoibd', ('--dry-run', '--root', CONNECTX3))])
def test_output_that_cannot_be_written_is_one_message(program, arguments):
    with open('/dev/full', 'w') as full:
        child = start(program, *arguments, stdout=full)
        err = child.communicate()[1].decode('utf-8')
    assert child.returncode == 3
    assert err.startswith('error: cannot write the output\n') and 'No space left on device' in err
    assert 'Traceback' not in err


def test_what_else_the_system_refuses_is_not_taken_for_the_output(capsys):
    def refused():
        raise EnvironmentError(errno.EACCES, os.strerror(errno.EACCES), '/etc/nova')
    assert status_of(refused) == 3
    assert capsys.readouterr()[1].startswith(
        'error: the system refuses what has to be done\n  where: /etc/nova\n  why:   Permission denied\n')
