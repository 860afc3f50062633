# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The writes to sysfs: these attributes, and nothing else can be written through here.

ib_ipoib and eth_ipoib copy what they are given into small buffers without a
limit (eth_ipoib_sysfs.c: ``sscanf("%s %s %hd")`` into 17 and 18 bytes), so every
part is checked against its exact form before the kernel sees it.
"""
from __future__ import absolute_import, print_function, unicode_literals

import os
import re

from plugin_lib._compat import quoted
from plugin_lib.errors import InputError
from plugin_lib.host.sysfs import is_interface_name
from plugin_lib.pkey import LAST_VLAN

_LEAVES = {
    'create_child': '/sys/class/net/{0}/create_child',
    'delete_child': '/sys/class/net/{0}/delete_child',
    'mode': '/sys/class/net/{0}/mode',
    'slaves': '/sys/class/net/{0}/eth/slaves',
    'vifs': '/sys/class/net/{0}/eth/vifs',
}
_MODE = re.compile(r'^(connected|datagram)\Z')
_CHILD = re.compile(r'^(?:0x[0-9a-f]{4}(?:\.[1-9][0-9]{0,2})?|\.[1-9][0-9]{0,2})\Z')
_SLAVE = re.compile(r'^[+-]([A-Za-z0-9_.-]{1,15})\Z')
_MAC = re.compile(r'^([0-9a-f]{2}:){5}[0-9a-f]{2}\Z')


class SysfsWriter(object):
    """Writes the attributes of IPoIB and EIPOIB interfaces.

    All methods raise EnvironmentError with the kernel's errno and the path, and
    InputError for a value that must not reach the kernel.

    :param write: ``write(path, text)`` does one write() to an attribute
    """

    def __init__(self, write=None):
        # type: (object) -> None
        self._write_text = write or write_attribute

    def create_child(self, parent, child):
        # type: (str, str) -> None
        """:param child: ``0x8064``, or with OFED's index of one more, ``0x8064.1``; on the default partition ``.1``"""
        self._write('create_child', parent, _checked(_CHILD, child))

    def delete_child(self, parent, child):
        # type: (str, str) -> None
        """:param child: as it was given to create_child"""
        self._write('delete_child', parent, _checked(_CHILD, child))

    def set_mode(self, interface, mode):
        # type: (str, str) -> None
        """:param mode: ``connected`` or ``datagram``; ib_ipoib compares it with the newline (ipoib_set_mode)"""
        self._write('mode', interface, _checked(_MODE, mode) + '\n')

    def enslave(self, eipoib, child):
        # type: (str, str) -> None
        self._write('slaves', eipoib, _checked(_SLAVE, '+' + child))

    def release(self, eipoib, child):
        # type: (str, str) -> None
        self._write('slaves', eipoib, _checked(_SLAVE, '-' + child))

    def add_vif(self, eipoib, child, mac, vlan):
        # type: (str, str, str, int) -> None
        """:param vlan: 1..4094, or None: untagged, which VLAN 0 is not"""
        if vlan is not None and not 1 <= vlan <= LAST_VLAN:
            raise InputError('not a VLAN: {0}'.format(vlan))
        words = [_checked(_SLAVE, '+' + child), _checked(_MAC, mac)] + ([] if vlan is None else [str(vlan)])
        self._write('vifs', eipoib, ' '.join(words))

    def _write(self, leaf, interface, text):
        if not is_interface_name(interface):
            raise InputError('not an interface name: {0}'.format(quoted(interface)))
        self._write_text(_LEAVES[leaf].format(interface), text)


def write_attribute(path, text):
    # type: (str, str) -> None
    """One write() without a buffer, so that the driver's answer is this call's answer."""
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode('ascii'))
    except EnvironmentError as error:
        raise EnvironmentError(error.errno, os.strerror(error.errno), path)
    finally:
        os.close(descriptor)


def _checked(form, text):
    if not form.match(text):
        raise InputError('not a value for sysfs: {0}'.format(quoted(text)))
    return text
