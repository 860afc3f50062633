# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The ledger: which IPoIB children are ours, on disk, so that a restart does not forget.

What a pass is about to make is written before it makes it, and what it made
after it: killed in between, the next pass finds the names that it meant to make.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import io
import json
import os

from plugin_lib._compat import fs_path, integer_types, string_types
from plugin_lib.effect.files import write_atomically
from plugin_lib.errors import ApplyError
from plugin_lib.host.sysfs import is_interface_name
from plugin_lib.memo import remembering
from plugin_lib.planning.operations import AddVif, CreateChild, DeleteChild, Enslave, Release
from plugin_lib.planning.vlans import Made, is_ours

UNKNOWN = Made(None, None, None)

_FORMAT = 1


class Ledger(object):
    """The file.

    :param path: in a folder that does not outlive a reboot: interfaces do not either
    """

    def __init__(self, path):
        # type: (str) -> None
        self.path = path

    def read(self):
        # type: () -> dict
        """{name: Made}; empty when there is no ledger.

        :raises ApplyError: when it is there and makes no sense: then nothing is known to be ours, and an operator
            decides whether to remove it
        """
        try:
            with io.open(fs_path(self.path), encoding='utf-8') as stream:
                return _parse(stream.read())
        except EnvironmentError as error:
            if error.errno == errno.ENOENT:
                return {}
            raise ApplyError('cannot read which children are ours', self.path, error.strerror, 'run it as root',
                             error.errno)
        except (ValueError, KeyError, TypeError, AttributeError, RuntimeError):  # the last: too deeply nested
            raise ApplyError('cannot read which children are ours', self.path, 'it is not a ledger',
                             'remove it: children that serve as they should are then kept but never removed')

    def write(self, ours):
        # type: (dict) -> None
        """Replace the ledger.

        :raises ApplyError: before anything was changed
        """
        children = dict((name, made._asdict()) for name, made in ours.items())
        # Without an indent: with one, json does it all in Python, while a new VLAN waits for it.
        text = json.dumps({'format': _FORMAT, 'children': children}, sort_keys=True) + '\n'
        try:
            write_atomically(self.path, text, 0o600)
        except EnvironmentError as error:
            raise ApplyError('cannot note which children are ours', self.path, error.strerror,
                             'nothing was changed; check the file system of {0}'.format(os.path.dirname(self.path)),
                             error.errno)


@remembering
def remembered(host, ours):
    # type: (object, dict) -> dict
    """``ours`` without what is gone by now, and with the ifindex of what is there."""
    kept = {}
    for name in ours:
        held = [eipoib for eipoib in host.eipoibs.values() if name in eipoib.slaves]
        if is_ours(host, ours, name) and (name in host.children or held):
            there = host.children.get(name) or host.interfaces[name]
            kept[name] = ours[name]._replace(ifindex=there.ifindex)
    return kept


def intended(ours, steps):
    # type: (dict, tuple) -> dict
    """The ledger for as long as the steps are under way: what they touch is ours, whatever its ifindex then is."""
    operations = [operation for step in steps for operation in step.operations]
    touched = concluded({}, [operation for operation in operations if not isinstance(operation, DeleteChild)])
    result = dict(ours)
    result.update((name, UNKNOWN) for name in touched)
    return result


def concluded(ours, performed):
    # type: (dict, tuple) -> dict
    """The ledger after the operations that were really done."""
    result = dict(ours)
    for operation in performed:
        if isinstance(operation, CreateChild):
            result[operation.name] = UNKNOWN
        elif isinstance(operation, DeleteChild):
            result.pop(operation.name, None)
        elif isinstance(operation, (Enslave, Release)):
            result[operation.child] = result.get(operation.child, UNKNOWN)._replace(mac=None, vlan=None)
        elif isinstance(operation, AddVif):
            result[operation.child] = result.get(operation.child, UNKNOWN)._replace(
                mac=operation.mac, vlan=operation.vlan)
    return result


@remembering
def _parse(text):
    document = json.loads(text)
    if document['format'] != _FORMAT:
        raise ValueError(document['format'])
    ours = {}
    for name, facts in document['children'].items():
        made = Made(facts['ifindex'], facts['mac'], facts['vlan'])
        if not is_interface_name(name) or not all(
                value is None or isinstance(value, types) for value, types in
                ((made.ifindex, integer_types), (made.mac, string_types), (made.vlan, integer_types))):
            raise ValueError(name)
        ours[name] = made
    return ours
