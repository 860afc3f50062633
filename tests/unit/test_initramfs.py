# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Changing an image of Fuel 6.1: what is replaced, what stays, and what is refused.

Also covered: images behind one another; a system whose /lib is a link; names that lead out of the image; an image that
is damaged at any byte.
"""
from __future__ import absolute_import, print_function, unicode_literals

import gzip
import io
import stat
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_lib.bootstrap_image import cpio, initramfs
from plugin_lib.errors import InfinibandError

KERNEL = '2.6.32-504.el6.x86_64'


def file(name, text=b'x', **facts):
    return cpio.new(name, stat.S_IFREG | 0o644, text)._replace(**facts)


def folder(name):
    return cpio.new(name, stat.S_IFDIR | 0o755)


def link(name, target):
    return cpio.new(name, stat.S_IFLNK | 0o777, target)


def write(path, *archives):
    """Write an image of lists of Entries; returns its path."""
    with closing(gzip.GzipFile(str(path), 'wb')) as stream:
        for entries in archives:
            writer = cpio.Writer(stream)
            for entry in entries:
                writer.add(entry)
            writer.close()
    return str(path)


def repacked(tmpdir, base, added, removed=()):
    """{name: (mode, data)} of the image that is made, and its names in order."""
    path = str(tmpdir.join('new'))
    initramfs.repack(base, added, removed, path, lambda done: None)
    found = list(initramfs.entries(path))
    names = [entry.name for entry in found]
    assert len(names) == len(set(names)), 'nothing stands twice'
    return dict((entry.name, entry) for entry in found), names


def test_what_is_added_takes_the_place_of_what_is_there(tmpdir):
    base = write(tmpdir.join('base'), [folder('etc'), file('etc/a', b'old'), file('etc/b'), file('etc/c')])
    found, names = repacked(tmpdir, base, [file('etc/a', b'new'), file('usr/lib/x/y')], ('etc/b',))
    assert sorted(names) == ['etc', 'etc/a', 'etc/c', 'usr', 'usr/lib', 'usr/lib/x', 'usr/lib/x/y']
    assert found['etc/a'].data == b'new'
    assert names.index('usr/lib/x') < names.index('usr/lib/x/y'), 'the kernel makes no folders by itself'


def test_a_link_to_a_folder_is_not_replaced_by_one(tmpdir):
    base = write(tmpdir.join('base'), [folder('usr'), folder('usr/lib'), link('lib', b'usr/lib')])
    found, _ = repacked(tmpdir, base, [folder('lib'), file('lib/new')])
    assert stat.S_ISLNK(found['lib'].mode)


def test_images_behind_one_another_become_one(tmpdir):
    base = write(tmpdir.join('base'), [file('a')], [file('b')])
    assert repacked(tmpdir, base, [file('c')])[1] == ['a', 'b', 'c']


def test_a_file_with_other_names_is_not_taken_from_them(tmpdir):
    base = write(tmpdir.join('base'), [file('a', b'', nlink=2, ino=3), file('b', b'data', nlink=2, ino=3)])
    with pytest.raises(InfinibandError) as caught:
        repacked(tmpdir, base, [], ('b',))
    assert caught.value.where == base + ' -> b'


def test_modules_go_where_the_image_has_its_own():
    package = file('lib/modules/{0}/updates/eth_ipoib.ko'.format(KERNEL))
    assert initramfs.moved(package, 'usr/lib/modules/').name == 'usr/' + package.name
    assert initramfs.moved(file('etc/x'), 'usr/lib/modules/').name == 'etc/x'


def test_a_module_cannot_lead_out_of_the_image(tmpdir):
    entry = file('lib/modules/{0}/../../../../evil.ko'.format(KERNEL))
    with pytest.raises(InfinibandError):
        initramfs.unpack_modules([entry], str(tmpdir.join('modules')))
    assert tmpdir.listdir() == []


@given(st.data())
def test_a_damaged_image_is_told_or_whole(tmpdir_factory, data):
    place = tmpdir_factory.mktemp('image')
    path = write(place.join('base'), [file('a', b'some text'), file('b', b'more')])
    with io.open(path, 'rb') as stream:
        whole = stream.read()
    at = data.draw(st.integers(0, len(whole) - 1))
    broken = whole[:at] + data.draw(st.sampled_from([b'', b'\xff\xff', b'\0']))
    broken += whole[at + 1:] if data.draw(st.booleans()) else b''
    with io.open(path, 'wb') as stream:
        stream.write(broken)
    try:
        names = sorted(initramfs.survey(path).names)
    except InfinibandError as error:
        assert error.where == path
    else:
        assert names == ['a', 'b'], 'a byte of the header that means nothing'
