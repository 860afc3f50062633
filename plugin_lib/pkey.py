# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""P_Key: a 15-bit key and a membership, and the VLAN that the key stands for.

Every spelling of a P_Key is parsed here and nowhere else.  Key 0x8064 is the
full membership of key 0x0064 = 100, and that is VLAN 100: see :attr:`PKey.vlan`.
"""
from __future__ import absolute_import, print_function, unicode_literals

import re
from collections import namedtuple

from plugin_lib._compat import quoted
from plugin_lib.errors import InputError

FULL_MEMBER_BIT = 0x8000
KEY_MASK = 0x7fff
DEFAULT_KEY = 0x7fff
LAST_VLAN = 4094
# What a port of an mlx4 HCA holds, and how many of these are not the default one.
TABLE_SIZE = 128
MOST_VLANS = TABLE_SIZE - 1

_SPELLING = re.compile(r'^0[xX]([0-9a-fA-F]{1,4})$')
_TABLE_ENTRY = re.compile(r'^0x([0-9a-fA-F]{4})\Z')


class PKey(namedtuple('PKey', 'key full')):
    """One entry of a port's P_Key table.

    :param key: the low 15 bits, 1..0x7fff
    :param full: True for a full member, False for a limited one (bit 15,
        InfiniBand Architecture Specification volume 1, 10.9)
    """

    __slots__ = ()

    @classmethod
    def from_value(cls, value):
        # type: (int) -> PKey
        """The P_Key of a 16-bit table entry.

        :raises InputError: for a value outside 16 bits and for the invalid key 0
            (0x0000 is an empty slot, 0x8000 is never valid)
        """
        if not 0 <= value <= 0xffff or not value & KEY_MASK:
            raise InputError('not a P_Key: {0:#06x}'.format(value),
                             why='a P_Key is 16 bits wide and its low 15 bits are not 0')
        return cls(value & KEY_MASK, bool(value & FULL_MEMBER_BIT))

    @classmethod
    def parse(cls, text):
        # type: (str) -> PKey
        """The P_Key written as the kernel and subnet managers do: ``0x8064``.

        :raises InputError: for anything else, bare digits included: ``8064`` is
            hexadecimal in a child's name and decimal in Fuel's data
        """
        match = _SPELLING.match(text)
        if not match:
            raise InputError('not a P_Key: {0}'.format(quoted(text)),
                             why='expected 0x and up to four hexadecimal digits')
        return cls.from_value(int(match.group(1), 16))

    @classmethod
    def of_table_entry(cls, text):
        # type: (str) -> PKey
        """The P_Key of a ``pkeys/<index>`` attribute, None for an empty slot.

        The kernel prints ``0x%04x`` (drivers/infiniband/core/sysfs.c).  0x0000 and 0x8000 both hold no key: the
        specification calls every value whose low 15 bits are 0 invalid.

        :raises InputError: for any other text, shorter ones included: a read that was cut looks like another key
        """
        match = _TABLE_ENTRY.match(text)
        if not match:
            raise InputError('not a P_Key table entry: {0}'.format(quoted(text)),
                             why='expected 0x and four hexadecimal digits')
        value = int(match.group(1), 16)
        return cls(value & KEY_MASK, bool(value & FULL_MEMBER_BIT)) if value & KEY_MASK else None

    @property
    def vlan(self):
        # type: () -> int
        """The VLAN that the key stands for, or None: only keys 1..4094 are VLANs."""
        return self.key if self.key <= LAST_VLAN else None

    @property
    def is_default(self):
        # type: () -> bool
        """Whether this is the default partition, which carries untagged traffic."""
        return self.key == DEFAULT_KEY

    @property
    def value(self):
        # type: () -> int
        """The 16-bit table entry."""
        return self.key | (FULL_MEMBER_BIT if self.full else 0)

    @property
    def full_value(self):
        # type: () -> int
        """The entry with bit 15 set: the only form that every ib_ipoib takes in create_child."""
        return self.key | FULL_MEMBER_BIT

    @property
    def membership(self):
        # type: () -> str
        """``full`` or ``limited``."""
        return 'full' if self.full else 'limited'

    def __str__(self):
        return str('0x{0:04x}'.format(self.value))
