# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""cpio archives of the format newc, as the kernel's initramfs and rpm2cpio have them.

Described in the kernel's Documentation/driver-api/early-userspace/buffer-format.rst.
"""
from __future__ import absolute_import, print_function, unicode_literals

import stat
from collections import namedtuple

MAGICS = (b'070701', b'070702')
TRAILER = 'TRAILER!!!'
_HEADER = 110
_FIELDS = ('ino', 'mode', 'nlink', 'uid', 'gid', 'mtime', 'filesize', 'devmajor', 'devminor', 'rdevmajor', 'rdevminor',
           'namesize', 'check')


class Broken(Exception):
    """The archive ends too early or is none; the message says what was found where."""


class Entry(namedtuple('Entry', 'name mode data nlink ino uid gid mtime device special')):
    """A file of an archive.

    :param name: as it is in the archive, without a leading ``./`` or ``/``, and ``.`` for the top folder
    :param mode: type and permission bits, as of stat(2)
    :param data: bytes: of a regular file what is in it, of a symbolic link where it points
    :param nlink: number of hard links; those of one file have ``ino`` and ``device`` in common, and the last its data
    :param device: (major, minor) of the file system that it was on
    :param special: (major, minor) of a device file
    """

    __slots__ = ()

    @property
    def is_folder(self):
        # type: () -> bool
        return stat.S_ISDIR(self.mode)

    @property
    def is_file(self):
        # type: () -> bool
        return stat.S_ISREG(self.mode)


def new(name, mode, data=b'', mtime=0):
    # type: (str, int, bytes, int) -> Entry
    """An Entry of root's; :func:`write` numbers it."""
    return Entry(name, mode, data, 2 if stat.S_ISDIR(mode) else 1, None, 0, 0, mtime, (0, 0), (0, 0))


def read(stream):
    # type: (object) -> object
    """Yield the Entries of an archive, and of those that follow it: the kernel unpacks all of them.

    :param stream: with ``read(size)``
    :raises Broken: where it is not what it should be
    """
    position, archives = 0, 0
    while True:
        magic, position = _next_header(stream, position, archives)
        if not magic:
            return
        values, name, data, position = _member(stream, magic, position)
        if name == TRAILER:
            archives += 1
            continue
        yield Entry(_plain(name), values['mode'], data, values['nlink'], (archives, values['ino']), values['uid'],
                    values['gid'], values['mtime'], (values['devmajor'], values['devminor']),
                    (values['rdevmajor'], values['rdevminor']))


def _next_header(stream, position, archives):
    """(The six bytes that the next header begins with, the position behind them); none at a proper end."""
    while True:
        found = stream.read(4)
        position += len(found)
        if not found and archives:
            return b'', position
        if found.strip(b'\0') or not archives:
            break
    magic = found + stream.read(2)
    if magic not in MAGICS:
        raise Broken('no cpio header of the format newc at byte {0}'.format(position - len(found)))
    return magic, position + 2


def _member(stream, magic, position):
    """(Fields, name, data, the position behind it)."""
    header = _exactly(stream, _HEADER - len(magic), position)
    try:
        values = dict(zip(_FIELDS, (int(header[at:at + 8], 16) for at in range(0, 8 * len(_FIELDS), 8))))
    except ValueError:
        raise Broken('a cpio header that is none before byte {0}'.format(position))
    position += len(header)
    size = values['namesize']
    name = _exactly(stream, size + -(_HEADER + size) % 4, position)
    position += len(name)
    data = _exactly(stream, values['filesize'] + -values['filesize'] % 4, position)
    return values, _text(name[:size - 1]), data[:values['filesize']], position + len(data)


def _exactly(stream, size, position):
    data = stream.read(size)
    if len(data) != size:
        raise Broken('it ends at byte {0}, in the middle of a file'.format(position + len(data)))
    return data


def _plain(name):
    while name.startswith(('./', '/')):
        name = name.partition('/')[2]
    return name or '.'


class Writer(object):
    """Writes an archive.

    :param stream: with ``write(bytes)``
    """

    def __init__(self, stream):
        # type: (object) -> None
        self._stream = stream
        self._numbers = {}  # {(archive's number, ino, device): inode number here}; hard links keep theirs in common

    def add(self, entry):
        # type: (Entry) -> None
        """Append an Entry; folders come before what is in them."""
        key = (entry.ino, entry.device) if entry.ino else len(self._numbers)
        number = self._numbers.setdefault(key, len(self._numbers) + 1)
        self._member(entry.name, entry.data, (number, entry.mode, entry.nlink, entry.uid, entry.gid, entry.mtime),
                     entry.special)

    def close(self):
        # type: () -> None
        """End the archive; the stream stays open."""
        self._member(TRAILER, b'', (0, 0, 1, 0, 0, 0), (0, 0))

    def _member(self, name, data, values, special):
        encoded = _bytes(name) + b'\0'
        fields = values + (len(data), 0, 0) + special + (len(encoded), 0)
        header = MAGICS[0] + b''.join('{0:08x}'.format(field).encode('ascii') for field in fields)
        self._stream.write(header + encoded + b'\0' * (-(len(header) + len(encoded)) % 4))
        self._stream.write(data)
        self._stream.write(b'\0' * (-len(data) % 4))


def _text(name):
    """Bytes as text that gives the same bytes again, whatever they are."""
    return name.decode('latin-1')


def _bytes(name):
    return name.encode('latin-1')
