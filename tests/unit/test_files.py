# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Files are replaced whole or not at all, and stay whose they are; those that cannot be are named before."""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import io
import os
import signal
import stat

import pytest

from plugin_lib import stages
from plugin_lib.effect import files
from plugin_lib.effect.executor import Executor
from plugin_lib.errors import ApplyError, InputError, InputErrors
from plugin_lib.host import files as host_files
from plugin_lib.planning import ini_edit
from plugin_lib.planning.operations import RemoveFile, Step, WriteFile


def test_files_are_replaced_whole(tmpdir):
    path = str(tmpdir.join('etc', 'a.conf'))
    executor = Executor()
    executor.do(WriteFile(path, 'one\n', 0o640, None))
    rewrite = WriteFile(path, 'zw\xf6lf\n', 0o644, 'one\n')
    executor.do(rewrite)
    with io.open(path, encoding='utf-8') as stream:
        assert stream.read() == 'zw\xf6lf\n'
    assert os.stat(path).st_mode & 0o777 == 0o644
    assert os.listdir(os.path.dirname(path)) == ['a.conf']
    executor.do(rewrite.undo())
    executor.do(rewrite.undo().undo())
    executor.do(RemoveFile(path, '', 0o644))
    executor.do(RemoveFile(path, '', 0o644))
    assert os.listdir(os.path.dirname(path)) == []


@pytest.mark.skipif(os.geteuid() != 0, reason='only root gives files away')
def test_a_file_of_a_service_stays_its_own(tmpdir):
    path = tmpdir.join('nova.conf')
    path.write('[DEFAULT]\n')
    os.chown(str(path), 0, 65534)
    os.chmod(str(path), 0o640)
    files.write_atomically(str(path), '[DEFAULT]\na = b\n', None)
    found = os.stat(str(path))
    assert (path.read(), found.st_gid, found.st_mode & 0o777) == ('[DEFAULT]\na = b\n', 65534, 0o640)


def test_a_file_that_is_to_lend_its_mode_and_has_gone_is_not_made(tmpdir):
    path = tmpdir.join('nova.conf')
    with pytest.raises(ApplyError) as caught:
        Executor().do(WriteFile(str(path), '[DEFAULT]\n', None, '[DEFAULT]\n'))
    assert (caught.value.errno, caught.value.where) == (errno.ENOENT, str(path))
    assert tmpdir.listdir() == []


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmpdir, monkeypatch):
    path = tmpdir.join('a.conf')
    path.write('old')

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr(files.os, 'fsync', full)
    with pytest.raises(ApplyError) as caught:
        Executor().do(WriteFile(str(path), 'new', 0o644, 'old'))
    assert caught.value.todo == 'free some space'
    assert [(each.basename, each.read()) for each in tmpdir.listdir()] == [('a.conf', 'old')]


def test_what_killed_writers_left_is_gone_with_the_next_write(tmpdir):
    path = str(tmpdir.join('nova.conf'))
    others = ['.nova.conf.old', '.nova.conf.{0}'.format(os.getppid()), '.nova.conf.d.1999999999', 'nova.conf.1']
    for name in others:
        tmpdir.join(name).write('')
    for _ in range(3):
        child = os.fork()
        if not child:
            with files.replacing(path, 0o644) as descriptor:
                files.write_all(descriptor, b'[DEFAULT]\nadmin_password = ')
                os.kill(os.getpid(), signal.SIGKILL)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL
        assert not os.path.exists(path)
    tmpdir.join('.nova.conf.{0}'.format(os.getpid())).write('by a process that had the number of this one')
    files.write_atomically(path, 'whole', 0o644)
    assert sorted(os.listdir(str(tmpdir))) == sorted(others + ['nova.conf'])
    assert tmpdir.join('nova.conf').read() == 'whole'


def test_what_is_no_regular_file_is_not_replaced(tmpdir):
    """As /dev/null would be, for root; here a FIFO, so that a failure takes nothing away from the machine."""
    os.mkfifo(str(tmpdir.join('fifo')))
    link = tmpdir.join('nova.conf')
    link.mksymlinkto('fifo')
    with pytest.raises(EnvironmentError):
        files.write_atomically(str(link), 'a = b\n', None)
    assert stat.S_ISFIFO(os.stat(str(link)).st_mode)


def test_files_that_cannot_be_written_are_named_together_before_anything_is_changed(tmpdir, monkeypatch):
    steps = [Step('passthrough', 'x', '', (WriteFile(str(tmpdir.join(name)), 'a', None, None),)) for name in 'abc']
    monkeypatch.setattr(host_files.os, 'access', lambda path, mode: path.endswith('c') or path == str(tmpdir))
    for name in 'abc':
        tmpdir.join(name).write('b')
    with pytest.raises(InputErrors) as caught:
        stages._refuse_unwritable(steps)
    assert [os.path.basename(error.where) for error in caught.value.errors] == ['a', 'b']


def test_a_file_of_a_folder_that_is_still_to_be_made_can_be_written(tmpdir):
    assert host_files.unwritable('/', [str(tmpdir.join('a', 'b', 'c'))]) == []


def test_a_file_whose_bytes_would_be_lost_is_not_changed(tmpdir):
    path = tmpdir.join('nova.conf')
    path.write_binary(b'[DEFAULT]\nsql_connection = mysql://nova:stra\xdfe@db\n')
    with pytest.raises(InputErrors) as caught:
        stages._refuse_unwritable([Step('passthrough', 'x', '', (WriteFile(str(path), 'a', None, None),))])
    assert caught.value.where == str(path)
    assert caught.value.why == 'line 2 is not UTF-8, and would be another one afterwards'
    assert host_files.unwritable(str(tmpdir), ['/nova.conf'])[0].why == caught.value.why


def test_a_folder_that_cannot_be_looked_into_is_named(tmpdir):
    folder = '/' + 'x' * 300  # ENAMETOOLONG, to root as well
    with pytest.raises(InputError) as caught:
        host_files.names(str(tmpdir), folder)
    assert caught.value.where == str(tmpdir) + folder
    assert host_files.names(str(tmpdir), '/nowhere') == []


def test_line_ends_stay_as_they_are(tmpdir):
    path = tmpdir.join('nova.conf')
    path.write_binary(b'[DEFAULT]\r\na = b\r\n\r\n[ml2]\r\nc = d\r\n')
    before = host_files.read('/', str(path))
    changed = ini_edit.edit(before, (ini_edit.Set('DEFAULT', 'a', 'c'), ini_edit.Set('ml2', 'e', 'f')), str(path))
    assert changed != before
    files.write_atomically(str(path), ini_edit.edit(changed, (), str(path)), None)
    assert path.read_binary() == b'[DEFAULT]\r\na = b\r\n\r\n[ml2]\r\nc = d\r\n'
