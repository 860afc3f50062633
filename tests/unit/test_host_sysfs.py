# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Trees of attributes below a root folder, and the names that may enter a path."""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import os

import pytest

from plugin_lib.host.sysfs import is_interface_name
from plugin_lib.host.tree import Tree


@pytest.mark.parametrize('content,text', [
    (b'0x8064\n', '0x8064'), (b'0x8064', '0x8064'), (b'', ''), (b'\n', ''), (b'a\n\n', 'a\n'), (b'a\nb\n', 'a\nb'),
    (b'\xff\n', '\ufffd'), (b'x' * 5000, 'x' * 4096)])
def test_an_attribute_is_read_as_text(tmpdir, content, text):
    tmpdir.join('sys', 'class', 'attribute').write_binary(content, ensure=True)
    assert Tree(str(tmpdir)).read('/sys/class/attribute') == text


def test_names_links_and_what_is_there(tmpdir):
    tree = Tree(str(tmpdir) + '/')
    for name in ('b', 'a'):
        tmpdir.join('sys', name).write('', ensure=True)
    os.symlink('../../../0000:03:00.0', str(tmpdir.join('sys', 'device')))
    assert tree.names('/sys') == ['a', 'b', 'device']
    assert tree.link('/sys/device') == '../../../0000:03:00.0'
    assert (tree.exists('/sys/a'), tree.exists('/sys/c')) == (True, False)


@pytest.mark.parametrize('method,path,code', [
    ('read', '/none', errno.ENOENT), ('read', '/sys', errno.EISDIR), ('names', '/none', errno.ENOENT),
    ('names', '/sys/a', errno.ENOTDIR), ('link', '/sys/a', errno.EINVAL), ('link', '/none', errno.ENOENT)])
def test_errors_keep_errno_and_path(tmpdir, method, path, code):
    tmpdir.join('sys', 'a').write('', ensure=True)
    with pytest.raises(EnvironmentError) as caught:
        getattr(Tree(str(tmpdir)), method)(path)
    assert (caught.value.errno, caught.value.filename) == (code, path)


@pytest.mark.parametrize('name,fits', [
    ('eth4', True), ('ib0.8064.1', True), ('a' * 15, True), ('a' * 16, False), ('', False), ('.', False), ('..', False),
    ('../../etc', False), ('eth4\n', False), ('eth 4', False), ('eth4@if2', False), ('\u20ac', False)])
def test_interface_names(name, fits):
    assert is_interface_name(name) is fits


def test_a_table_is_read_whole_in_the_order_of_its_numbers(tmpdir):
    for name in ('10', '9', '0', 'none'):
        tmpdir.join('pkeys', name).write(name + '\n', ensure=True)
    tree = Tree(str(tmpdir))
    assert tree.table('/pkeys') == [(0, '0'), (9, '9'), (10, '10')]
    tmpdir.join('pkeys', '9').remove()
    tmpdir.join('pkeys', '9').mkdir()
    with pytest.raises(EnvironmentError) as caught:
        tree.table('/pkeys')
    assert caught.value.filename == '/pkeys/9'
