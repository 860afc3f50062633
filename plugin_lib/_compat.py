# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What differs between Python 2.6/2.7 and 3.5+, in one place instead of six."""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import math
import os
import select
import sys
import time

PY2 = sys.version_info[0] == 2

if PY2:
    string_types = (str, unicode)  # noqa: F821
    integer_types = (int, long)  # noqa: F821 # novm
    text_type = unicode  # noqa: F821
else:
    string_types = (str,)
    integer_types = (int,)
    text_type = str


def to_text(value):
    # type: (object) -> str
    """``value`` (bytes or text, from the kernel or a file name) as text.

    Bytes that are not UTF-8 are replaced: names and messages must always be
    printable, and no interface name that we accept contains such bytes.
    """
    if isinstance(value, bytes):
        return value.decode('utf-8', 'replace')
    return text_type(value)


def fs_path(path):
    # type: (str) -> str
    """``path`` as the functions of ``os`` take it: with LC_ALL=C Python 2 cannot encode text that is not ASCII."""
    return path.encode('utf-8') if PY2 and isinstance(path, text_type) else path


def write(stream, text):
    # type: (object, str) -> None
    """Write text to a standard stream as UTF-8, whatever the locale is: in Fuel's tasks it is C.

    What came from the command line may hold bytes that are no text (PEP 383); they are shown escaped.

    :raises OutputError: when it cannot be written
    """
    if stream is None:  # Python 3 has none where the descriptor was closed
        return
    try:
        getattr(stream, 'buffer', stream).write(text.encode('utf-8', 'backslashreplace'))
        stream.flush()
    except EnvironmentError as error:
        raise OutputError(error.errno, error.strerror)


class OutputError(EnvironmentError):
    """A standard stream cannot be written."""


def quoted(text):
    # type: (str) -> str
    """The start of ``text`` in quotes, printable and on one line, for a message about what makes no sense."""
    return "'{0}'".format(text[:40].encode('unicode_escape').decode('ascii'))


def printable(text):
    # type: (str) -> str
    """``text`` with its control characters escaped: a name from elsewhere must not move a terminal's cursor."""
    if not any(_is_control(letter) for letter in text):
        return text
    return ''.join('\\x{0:02x}'.format(ord(letter)) if _is_control(letter) else letter for letter in text)


def _is_control(letter):
    return letter < ' ' or '\x7f' <= letter < '\xa0'


def read_from_start(descriptor, size):
    # type: (int, int) -> bytes
    """What an open file holds now, up to ``size`` bytes."""
    if PY2:
        os.lseek(descriptor, 0, os.SEEK_SET)
        return os.read(descriptor, size)
    return os.pread(descriptor, size, 0)  # novm


def read_each_from_start(descriptors, size):
    # type: (list, int) -> list
    """What each of these open files holds now, up to ``size`` bytes of it."""
    if PY2:
        return [read_from_start(descriptor, size) for descriptor in descriptors]
    pread = os.pread  # novm
    return [pread(descriptor, size, 0) for descriptor in descriptors]


def monotonic():
    # type: () -> float
    """Seconds of a clock that never steps; its zero means nothing."""
    if PY2:
        return os.times()[4]  # Linux counts it from boot, times(2)
    return time.monotonic()  # novm


def readable(sources, timeout):
    # type: (list, float) -> list
    """Those of ``sources``, descriptors or what has one, that can be read within ``timeout`` seconds.

    Those are none when a signal came first.  Not select(2), which takes no descriptor from 1024 on: a node with many
    network namespaces has more.
    """
    poll = select.poll()
    for source in sources:
        poll.register(source, select.POLLIN)
    try:
        ready = dict(poll.poll(math.ceil(timeout * 1000)))
    except select.error as error:  # Python 2: not an EnvironmentError; since 3.5 poll itself goes on
        if error.args[0] != errno.EINTR:
            raise
        return []
    return [source for source in sources if (source if isinstance(source, int) else source.fileno()) in ready]


def drain(descriptor):
    # type: (int) -> None
    """Forget what can be read from a descriptor that does not block."""
    try:
        while os.read(descriptor, 4096):
            pass
    except EnvironmentError as error:
        if error.errno not in (errno.EAGAIN, errno.EINTR):
            raise
