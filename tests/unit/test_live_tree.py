# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""P_Key tables are read again and again without being opened again.

Covered: a change is seen; a file is opened once, and nothing but tables stays open; an HCA that goes and comes back
under its name; a table that cannot be read; the limit of open files; nobody inherits them.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import fcntl
import os

import pytest

from plugin_lib.host import sysfs
from plugin_lib.host.sysfs import LiveTree


@pytest.fixture
def table(tmpdir):
    folder = tmpdir.mkdir('pkeys')
    for index in range(4):
        folder.join(str(index)).write('0xffff\n')
    tmpdir.join('state').write('4: ACTIVE\n')
    return folder


@pytest.fixture
def opened(monkeypatch):
    """Paths that were opened."""
    paths, real = [], os.open

    def noted(path, flags):
        paths.append(str(path.decode('utf-8') if isinstance(path, bytes) else path))
        return real(path, flags)
    monkeypatch.setattr(sysfs.os, 'open', noted)
    return paths


def test_a_change_is_seen_without_opening_again(table, opened):
    tree, path = LiveTree(), str(table.join('1'))
    assert tree.read(path) == '0xffff'
    table.join('1').write('0x8064\n')
    assert tree.read(path) == '0x8064'
    table.join('1').write('')
    assert tree.read(path) == ''
    assert opened == [path]
    assert fcntl.fcntl(tree._open[path], fcntl.F_GETFD) & fcntl.FD_CLOEXEC


def test_nothing_else_stays_open(table, tmpdir, opened):
    tree, before = LiveTree(), len(os.listdir('/proc/self/fd'))
    for _ in range(3):
        assert tree.read(str(tmpdir.join('state'))) == '4: ACTIVE'
    assert len(opened) == 3
    assert len(os.listdir('/proc/self/fd')) == before


def test_an_hca_that_went_and_came_back_is_opened_again(table, monkeypatch, opened):
    tree, path, real = LiveTree(), str(table.join('0')), sysfs.read_from_start
    tree.read(path)
    gone = [tree._open[path]]

    def read(descriptor, size):
        if descriptor in gone:
            gone.remove(descriptor)
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))  # kernfs, of a file whose device has gone
        return real(descriptor, size)
    monkeypatch.setattr(sysfs, 'read_from_start', read)
    table.join('0').write('0x8001\n')
    assert tree.read(path) == '0x8001'
    assert opened == [path, path]


@pytest.mark.parametrize('number', [errno.EIO, errno.ENODEV])
def test_a_table_that_cannot_be_read_is_an_error_that_names_it_each_time(table, monkeypatch, number):
    tree, path, before = LiveTree(), str(table.join('0')), len(os.listdir('/proc/self/fd'))

    def refuse(descriptor, size):
        raise OSError(number, os.strerror(number))
    monkeypatch.setattr(sysfs.os, 'read', refuse)
    monkeypatch.setattr(sysfs, 'read_from_start', refuse)
    for _ in range(3):
        with pytest.raises(EnvironmentError) as caught:
            tree.read(path)
        assert (caught.value.errno, caught.value.filename) == (number, path)
    assert len(os.listdir('/proc/self/fd')) <= before + 1
    with pytest.raises(EnvironmentError) as caught:
        tree.read(str(table.join('9')))
    assert caught.value.errno == errno.ENOENT


def test_beyond_the_limit_files_are_opened_each_time(table, monkeypatch):
    monkeypatch.setattr(sysfs, 'MOST_OPEN', 2)
    tree, before = LiveTree(), len(os.listdir('/proc/self/fd'))
    for _ in range(3):
        assert [tree.read(str(table.join(str(index)))) for index in range(4)] == ['0xffff'] * 4
    assert len(os.listdir('/proc/self/fd')) == before + 2


def test_a_tree_that_is_done_with_keeps_nothing_open(table):
    tree = LiveTree()
    tree.read(str(table.join('0')))
    held = len(os.listdir('/proc/self/fd'))
    del tree
    assert len(os.listdir('/proc/self/fd')) < held


def test_a_whole_table_is_read_as_entry_by_entry(table, opened):
    tree, paths = LiveTree(), [str(table.join(str(index))) for index in range(4)]
    first = tree.read_each(paths)
    assert first == ['0xffff'] * 4
    assert tree.read_each(paths) == first and len(opened) == 4
    table.join('2').write('0x8064\n')
    assert tree.read_each(paths) == ['0xffff', '0xffff', '0x8064', '0xffff']
    assert tree.read_each(paths[:2]) == first[:2]
    assert tree.read_each([]) == []
    table.join('3').remove()
    with pytest.raises(EnvironmentError) as caught:
        LiveTree().read_each(paths)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOENT, paths[3])
