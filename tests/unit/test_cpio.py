# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""cpio archives: what is written is read again and unpacked by the real cpio; what is cut off or damaged is told.

Also covered: archives behind one another, as the kernel takes them; hard links; what is left of a package's name.
"""
from __future__ import absolute_import, print_function, unicode_literals

import io
import os
import stat
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_lib.bootstrap_image import cpio

NAMES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0xff, blacklist_characters='/'), min_size=1).filter(
    lambda name: not name.startswith('.') and name != cpio.TRAILER)
FILES = st.dictionaries(NAMES, st.binary(max_size=40), max_size=5)


def packed(entries):
    stream = io.BytesIO()
    writer = cpio.Writer(stream)
    for entry in entries:
        writer.add(entry)
    writer.close()
    return stream.getvalue()


def unpacked(data):
    return list(cpio.read(io.BytesIO(data)))


def files(found):
    return [cpio.new(name, stat.S_IFREG | 0o644, data) for name, data in sorted(found.items())]


@given(FILES)
def test_what_is_written_is_read_again(found):
    entries = unpacked(packed(files(found)))
    assert dict((entry.name, entry.data) for entry in entries) == found
    assert packed(entries) == packed(files(found)), 'and can be copied'


@given(FILES, FILES, st.integers(0, 9))
def test_archives_behind_one_another(first, second, gap):
    data = packed(files(first)) + b'\0' * 4 * gap + packed(files(second))
    assert [entry.data for entry in unpacked(data)] == [entry.data for entry in files(first) + files(second)]


@given(FILES, st.data())
def test_what_is_cut_off_is_told(found, data):
    whole = packed(files(found))
    with pytest.raises(cpio.Broken):
        unpacked(whole[:data.draw(st.integers(0, len(whole) - 5))])


@pytest.mark.parametrize('data', [b'', b'\x1f\x8b\x08\x00' * 9, b'070701' + b'x' * 104, b'070707' + b'0' * 104])
def test_what_is_no_archive_is_told(data):
    with pytest.raises(cpio.Broken):
        unpacked(data)


def test_names_lose_what_stands_before_them():
    data = packed([cpio.new('./etc/a', stat.S_IFREG), cpio.new('/etc/b', stat.S_IFREG), cpio.new('./', stat.S_IFDIR)])
    assert [entry.name for entry in unpacked(data)] == ['etc/a', 'etc/b', '.']


def test_hard_links_keep_together_and_others_apart():
    one = cpio.new('a', stat.S_IFREG | 0o644)._replace(nlink=2, ino=7)
    other = cpio.new('c', stat.S_IFREG | 0o644, b'c')._replace(ino=7, device=(8, 1))
    entries = unpacked(packed([one, one._replace(name='b', data=b'x'), other]))
    assert entries[0].ino == entries[1].ino != entries[2].ino


def test_the_real_cpio_unpacks_it(tmpdir):
    data = packed([cpio.new('etc', stat.S_IFDIR | 0o755), cpio.new('etc/x', stat.S_IFREG | 0o700, b'text', 86400),
                   cpio.new('link', stat.S_IFLNK | 0o777, b'etc/x')])
    try:
        child = subprocess.Popen(['cpio', '-idm', '--quiet'], cwd=str(tmpdir), stdin=subprocess.PIPE)
    except EnvironmentError:
        pytest.skip('not installed: cpio')
    child.communicate(data)
    assert child.returncode == 0
    assert tmpdir.join('link').read() == 'text'
    facts = os.stat(str(tmpdir.join('etc/x')))
    assert (stat.S_IMODE(facts.st_mode), facts.st_mtime) == (0o700, 86400)
