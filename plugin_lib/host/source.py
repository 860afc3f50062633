# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Where facts about a machine come from: the running kernel, or a folder that ``capture`` wrote.

A source has ``tree`` (see :class:`plugin_lib.host.tree.Tree`), ``links()`` -> ``{name: Link}`` (see
:mod:`plugin_lib.host.links`) and ``drvinfo(name)`` -> ``(driver, bus_info)`` or ``(None, None)``; these raise
EnvironmentError with the kernel's errno.  ``modules()`` -> state.Modules.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import io
import json
import os

from plugin_lib._compat import fs_path, integer_types, string_types, to_text
from plugin_lib.errors import InputError
from plugin_lib.host import modules
from plugin_lib.host.drvinfo import DrvInfo
from plugin_lib.host.links import Link, Links
from plugin_lib.host.state import EIPOIB_MODULES, Modules
from plugin_lib.host.sysfs import LiveTree
from plugin_lib.host.tree import Tree

CAPTURE_FILE = 'capture.json'
CAPTURE_FORMAT = 1


def open_root(root='/'):
    # type: (str) -> object
    """The source that answers for ``root``: the running kernel for ``/``, else a captured tree.

    :raises InputError: when the folder is not a captured tree
    """
    return Live() if is_this_machine(root) else Captured(root)


def is_this_machine(root):
    # type: (str) -> bool
    """Whether ``root`` is ``/``, however it is written."""
    return not to_text(os.path.abspath(fs_path(root))).strip('/')


class Live(object):
    """Asks the running kernel.

    sysfs shows the network namespace of whoever mounted it, netlink and the ioctl that of this process: they
    must be the same one.
    """

    def __init__(self):
        # type: () -> None
        self.tree = LiveTree()
        self.links = Links().read
        self.drvinfo = DrvInfo().read
        self.modules = modules.read


class Captured(object):
    """Answers from a folder that :func:`plugin_lib.host.capture.capture` wrote, errors included.

    :param root: the folder, with ``capture.json`` in it
    :raises InputError: when ``capture.json`` is missing or is not one of ours
    """

    def __init__(self, root):
        # type: (str) -> None
        self._facts = _load(os.path.join(to_text(root), CAPTURE_FILE))
        self.tree = _CapturedTree(to_text(root), self._facts['errors'])

    def links(self):
        # type: () -> dict
        return dict(self._facts['links'])

    def modules(self):
        # type: () -> Modules
        return self._facts['modules']

    def drvinfo(self, name):
        # type: (str) -> tuple
        if name not in self._facts['drvinfo']:
            code = self._facts['errors'].get(name, errno.ENODEV)
            raise EnvironmentError(code, os.strerror(code), name)
        return self._facts['drvinfo'][name]


class _CapturedTree(Tree):
    """A captured tree; where the kernel refused to answer, it refuses with the same errno."""

    def __init__(self, root, errors):
        super(_CapturedTree, self).__init__(root)
        self._errors = errors

    def read(self, path):
        self._refuse(path)
        return super(_CapturedTree, self).read(path)

    def names(self, path):
        self._refuse(path)
        return super(_CapturedTree, self).names(path)

    def link(self, path):
        self._refuse(path)
        return super(_CapturedTree, self).link(path)

    def _refuse(self, path):
        if path in self._errors:
            raise EnvironmentError(self._errors[path], os.strerror(self._errors[path]), path)


def _load(path):
    """The facts of a ``capture.json`` in the types of a source: {section: value}."""
    try:
        with io.open(fs_path(path), encoding='utf-8') as stream:
            document = json.load(stream)
    except EnvironmentError as error:
        raise InputError('not a captured tree', path, os.strerror(error.errno or 0),
                         'record one with: fuel-infiniband capture DIR')
    except (ValueError, RuntimeError) as error:  # RuntimeError: nested too deeply for Python
        raise InputError('not a captured tree', path, error, 'record one with: fuel-infiniband capture DIR')
    _expect(isinstance(document, dict), path, '', 'a mapping')
    _expect(document.get('format') == CAPTURE_FORMAT, path, 'format', CAPTURE_FORMAT)
    links, drvinfo, errors = (document.get(section) for section in ('links', 'drvinfo', 'errors'))
    _expect(isinstance(links, list), path, 'links', 'a list')
    _expect(isinstance(drvinfo, dict), path, 'drvinfo', 'a mapping')
    _expect(isinstance(errors, dict), path, 'errors', 'a mapping')
    for name in sorted(drvinfo):
        _expect(_is_pair_of_texts(drvinfo[name]), path, 'drvinfo -> ' + name, 'driver and bus_info')
    for attribute in sorted(errors):
        _expect(_is_number(errors[attribute], _MOST_ERRNO), path, 'errors -> ' + attribute, 'an errno')
    return {'links': dict((link.name, link) for link in (
                _link(fact, path, 'links -> {0}'.format(index)) for index, fact in enumerate(links))),
            'drvinfo': dict((name, tuple(pair)) for name, pair in drvinfo.items()),
            'errors': errors,
            'modules': _modules(document.get('modules'), path)}


def _modules(fact, path):
    _expect(isinstance(fact, dict) and sorted(fact) == sorted(Modules._fields), path, 'modules',
            'a mapping of ' + ', '.join(Modules._fields))
    _expect(isinstance(fact['release'], string_types), path, 'modules -> release', 'a text')
    for field in ('loaded', 'available'):
        _expect(isinstance(fact[field], list) and all(name in EIPOIB_MODULES for name in fact[field]), path,
                'modules -> ' + field, 'a list of some of ' + ', '.join(EIPOIB_MODULES))
    return Modules(fact['release'], frozenset(fact['loaded']), frozenset(fact['available']))


_LINK_NUMBERS = ('ifindex', 'type', 'flags', 'mtu', 'pkey', 'vlan', 'peer')
# What rtnetlink tells, and what the kernel refuses with (linux/err.h).
_MOST_U32, _MOST_ERRNO = 0xffffffff, 4095
_MAY_BE_NULL = ('parent', 'master', 'kind', 'pkey', 'vlan', 'peer')
_MAY_BE_ABSENT = frozenset(['peer'])  # from older captures


def _link(fact, path, place):
    _expect(isinstance(fact, dict) and frozenset(Link._fields) - _MAY_BE_ABSENT <= frozenset(fact) <= frozenset(
        Link._fields), path, place, 'a mapping of ' + ', '.join(Link._fields))
    for field in fact:
        fits, wanted = (_is_number(fact[field], _MOST_U32), 'a number') if field in _LINK_NUMBERS else (
            isinstance(fact[field], string_types), 'a text')
        _expect(fits or fact[field] is None and field in _MAY_BE_NULL, path, '{0} -> {1}'.format(place, field), wanted)
    return Link(**dict((str(field), fact[field]) for field in fact))


def _is_number(value, most):
    return isinstance(value, integer_types) and not isinstance(value, bool) and 0 <= value <= most


def _is_pair_of_texts(value):
    return isinstance(value, list) and len(value) == 2 and all(
        part is None or isinstance(part, string_types) for part in value)


def _expect(fits, path, place, wanted):
    if not fits:
        raise InputError('this captured tree cannot be read', path + (' -> ' + place if place else ''),
                         'expected {0}'.format(wanted), 'record it again with: fuel-infiniband capture DIR')
