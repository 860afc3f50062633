# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The memory that a machine has left, and what ib_ipoib takes of it."""
from __future__ import absolute_import, print_function, unicode_literals

import re
from collections import namedtuple

MEMINFO = '/proc/meminfo'
QUEUE_SIZE = '/sys/module/ib_ipoib/parameters/recv_queue_size'

_LINE = re.compile(r'^(MemTotal|MemFree|MemAvailable|Cached):\s+([0-9]{1,15}) kB', re.MULTILINE)
_NUMBER = re.compile(r'^[0-9]{1,6}\Z')


class Memory(namedtuple('Memory', 'total available')):
    """Bytes, as proc(5) tells them."""

    __slots__ = ()


def read(tree):
    # type: (object) -> Memory
    """The machine's Memory; None when it cannot be told.

    Linux before 3.14 (also Ubuntu 14.04's 3.13 and CentOS 6's 2.6.32) has no MemAvailable: what is free and what is
    cached comes near.

    :param tree: of a Source
    """
    try:
        facts = dict((name, int(number) * 1024) for name, number in _LINE.findall(tree.read(MEMINFO)))
        available = facts['MemAvailable'] if 'MemAvailable' in facts else facts['MemFree'] + facts['Cached']
        return Memory(facts['MemTotal'], available)
    except (EnvironmentError, KeyError):
        return None


def queue_size(tree):
    # type: (object) -> int
    """Receive buffers that ib_ipoib posts for each child; None when it does not tell."""
    try:
        text = tree.read(QUEUE_SIZE)
    except EnvironmentError:
        return None
    return int(text) if _NUMBER.match(text) else None
