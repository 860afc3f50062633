# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""A whole environment, as its nodes told it: what Fuel publishes for each, and what eipoibd on it last found.

A folder has a folder for each node, named as the node is to be called, with ``astute.yaml`` (or ``roles.json``: what
``fuel-infiniband roles --format json`` prints, which holds no passwords) and ``status.json`` of /run/eipoibd.  A JSON
file has the same in one: ``{"format": 1, "nodes": {NAME: {"roles": {...}, "status": {...} or null}}}``.
"""
from __future__ import absolute_import, print_function, unicode_literals

import io
import json
import os
from collections import namedtuple

from plugin_lib import modes
from plugin_lib._compat import fs_path, integer_types, printable, quoted, string_types, to_text
from plugin_lib.daemon import status
from plugin_lib.errors import InputError
from plugin_lib.host.sysfs import is_interface_name
from plugin_lib.pkey import LAST_VLAN, PKey

FORMAT = 1
_LONGEST_NAME = 255
_LONGEST_NUMBER = 20
ASTUTE, ROLES = 'astute.yaml', 'roles.json'
_WHAT = 'cannot read an environment'
_TODO = 'collect it again: see fuel-infiniband check --help'


class Member(namedtuple('Member', 'name needs endpoints ports told')):
    """A node of an environment.

    :param needs: {EIPOIB interface: {VLAN, or None for untagged: tuple of the names of the roles that need it}}
    :param endpoints: {network role: endpoint, a bridge or an interface}
    :param ports: {EIPOIB interface: Port} as eipoibd told
    :param told: whether there is a status of eipoibd
    """

    __slots__ = ()


class Port(namedtuple('Port', 'hca number state keys served trouble')):
    """An HCA port and its EIPOIB interface, as eipoibd told.

    :param keys: {15-bit key: whether the membership is full}, None where the table could not be read
    :param served: frozenset of the VLANs that have a vif, or that storage over RDMA has
    :param trouble: the last error of the interface, None without one
    """

    __slots__ = ()


def read(path, progress=None):
    # type: (str, object) -> list
    """The Members of an environment, by name.

    :param path: a folder or a JSON file
    :param progress: called with (nodes read, nodes) after each node of a folder
    :raises InputError: with the file and the place in it
    """
    if os.path.isdir(fs_path(path)):
        return _folder(path, progress)
    _require_file(path)
    document = _load(path)
    nodes = _mapping(document, 'nodes', path, '')
    _check_names(nodes, path, 'nodes')
    if document.get('format') != FORMAT:
        raise _refusal(path, 'format', 'expected {0}'.format(FORMAT))
    members = []
    for name in sorted(nodes):
        node = _mapping(nodes, name, path, 'nodes')
        where = 'nodes -> ' + name
        told = node.get('status')
        members.append(_member(name, _published(_mapping(node, 'roles', path, where), path, where + ' -> roles'),
                               None if told is None else _mapping(node, 'status', path, where), path,
                               where + ' -> status'))
    return _some(members, path)


def _folder(path, progress):
    try:
        names = sorted(to_text(name) for name in os.listdir(fs_path(path)))
    except EnvironmentError as error:
        raise InputError(_WHAT, path, error.strerror, _TODO)
    _check_names(names, path, '')
    members, names = [], [name for name in names if os.path.isdir(fs_path(os.path.join(path, name)))]
    for count, name in enumerate(names):
        members.append(_of_folder(os.path.join(path, name), name))
        if progress:
            progress(count + 1, len(names))
    return _some(members, path)


def _of_folder(folder, name):
    for part in (ROLES, ASTUTE, status.STATUS_FILE):
        _require_file(os.path.join(folder, part))
    roles = os.path.join(folder, ROLES)
    if os.path.exists(fs_path(roles)):
        found = _published(_load(roles), roles, '')
    else:
        from plugin_lib import published
        from plugin_lib.views import roles as view
        astute = os.path.join(folder, ASTUTE)
        found = _published(view.document(published.read(astute)), astute, '')
    return _member(name, found, status.load(folder), os.path.join(folder, status.STATUS_FILE), '')


def _some(members, path):
    if not members:
        raise InputError(_WHAT, path, 'there is no node in it', _TODO)
    return members


def _require_file(path):
    if os.path.exists(fs_path(path)) and not os.path.isfile(fs_path(path)):
        raise _refusal(path, '', 'it is not a regular file')  # a named pipe would hold us for ever


def _load(path):
    try:
        with io.open(fs_path(path), encoding='utf-8') as stream:
            document = json.load(stream, parse_int=_number)
    except EnvironmentError as error:
        raise InputError(_WHAT, path, error.strerror, _TODO)
    except (ValueError, RuntimeError) as error:  # RuntimeError: nested too deeply for Python
        raise InputError(_WHAT, path, 'not JSON: {0}'.format(error), _TODO)
    if not isinstance(document, dict):
        raise _refusal(path, '', 'expected a mapping')
    return document


def _number(digits):
    if len(digits) > _LONGEST_NUMBER:  # Python takes minutes for millions of digits
        raise ValueError('a number of {0} digits'.format(len(digits)))
    return int(digits)


def _published(document, path, where):
    """(needs, endpoints) of a Member, of what ``roles --format json`` prints."""
    interfaces = _mapping(document, 'interfaces', path, where)
    roles = _mapping(document, 'roles', path, where)
    _check_names(roles, path, _below(where, 'roles'))
    needs = dict((name, {}) for name in interfaces if is_interface_name(name) and _mapping(
        interfaces, name, path, _below(where, 'interfaces')).get('mode') == modes.INFINIBAND)
    endpoints = {}
    for role in sorted(roles):
        place = _below(where, 'roles')
        facts = _mapping(roles, role, path, place)
        vlans = _vlans(facts.get('vlans'), path, _below(place, role)) or [None]
        carriers, endpoints[role] = facts.get('interfaces'), _text(facts, 'endpoint', path, _below(place, role))
        if not isinstance(carriers, list):
            raise _refusal(path, _below(place, role + ' -> interfaces'), 'expected a list')
        for name in carriers:
            if isinstance(name, string_types) and name in needs:
                for vlan in vlans:
                    needs[name][vlan] = needs[name].get(vlan, ()) + (role,)
    return needs, endpoints


def _vlans(ranges, path, where):
    if not isinstance(ranges, list) or not all(
            isinstance(pair, list) and len(pair) == 2 and all(_is_number(end) for end in pair) and
            1 <= pair[0] <= pair[1] <= LAST_VLAN for pair in ranges):
        raise _refusal(path, where + ' -> vlans', 'expected a list of [first, last] within 1..{0}'.format(LAST_VLAN))
    return [vlan for first, last in ranges for vlan in range(first, last + 1)]


def _member(name, found, told, path, where):
    ports = {}
    if told is not None:
        interfaces = _mapping(told, 'interfaces', path, where)
        _check_names(interfaces, path, _below(where, 'interfaces'))
        for nic in interfaces:
            ports[nic] = _port(_mapping(interfaces, nic, path, _below(where, 'interfaces')), path,
                               _below(where, 'interfaces -> ' + nic))
    needs, endpoints = found
    return Member(name, needs, endpoints, ports, told is not None)


def _port(facts, path, where):
    keys, served, number = facts.get('keys'), [], facts.get('port')
    for key, vlans in (('vlans', facts.get('vlans')), ('storage', facts.get('storage', []))):
        if not isinstance(vlans, list) or not all(_is_number(vlan) for vlan in vlans):
            raise _refusal(path, '{0} -> {1}'.format(where, key), 'expected a list of numbers')
        served += vlans
    if keys is not None and not isinstance(keys, list):
        raise _refusal(path, where + ' -> keys', 'expected a list or null')
    if number is not None and not _is_number(number):
        raise _refusal(path, where + ' -> port', 'expected a number or null')
    hca, state, trouble = (_text(facts, key, path, where) for key in ('hca', 'state', 'last_error'))
    return Port(hca, number, state, None if keys is None else _memberships(keys, path, where + ' -> keys'),
                frozenset(served), trouble)


def _memberships(keys, path, where):
    full = {}
    for text in keys:
        try:
            pkey = _KNOWN.get(text) or PKey.parse(text)
        except (InputError, TypeError):
            raise _refusal(path, where, 'expected P_Keys such as 0x8064')
        _KNOWN[text] = pkey
        full[pkey.key] = full.get(pkey.key, False) or pkey.full
    return full


_KNOWN = {}  # nodes of one fabric hold the same keys


def _mapping(document, key, path, where):
    value = document.get(key)
    if not isinstance(value, dict):
        raise _refusal(path, _below(where, key), 'expected a mapping')
    return value


def _check_names(names, path, where):
    for name in sorted(names):
        if name != printable(name) or not 0 < len(name) <= _LONGEST_NAME:
            raise _refusal(path, _below(where, quoted(name)), 'expected a name of 1 to {0} characters, none of them a '
                           'control character'.format(_LONGEST_NAME))


def _text(facts, key, path, where):
    """A text of one line that may be absent."""
    value = facts.get(key)
    if value is not None and not (isinstance(value, string_types) and value == printable(value)):
        raise _refusal(path, _below(where, key), 'expected one line of text, or null')
    return value


def _is_number(value):
    return isinstance(value, integer_types) and not isinstance(value, bool)


def _below(where, key):
    return where + ' -> ' + key if where else key


def _refusal(path, where, why):
    return InputError(_WHAT, '{0} -> {1}'.format(path, where) if where else path, why, _TODO)


def of_node(data, host):
    # type: (object, object) -> Member
    """The Member that a node itself is, as its kernel has it.

    :param data: published.Published
    :param host: state.Host
    """
    from plugin_lib.views import roles as view
    needs, endpoints = _published(view.document(data), data.path, '')
    ports = {}
    for name, eipoib in host.eipoibs.items():
        port = host.port_of(eipoib)
        if port is None:
            ports[name] = Port(None, None, None, None, frozenset(), None)
            continue
        memberships = None if port.pkeys is None else {}
        for pkey in port.pkeys or ():
            memberships[pkey.key] = memberships.get(pkey.key, False) or pkey.full
        ports[name] = Port(port.hca, port.number, port.state, memberships, _served(eipoib, host), None)
    return Member(data.fqdn or 'this node', needs, endpoints, ports, True)


def _served(eipoib, host):
    """VLANs of the vifs with the interface's own MAC; behind the cut of the page, those of the slaves' P_Keys."""
    rows = dict((vif.slave, vif) for vif in eipoib.vifs)
    found = set(vif.vlan for vif in eipoib.vifs if vif.mac == eipoib.mac)
    for slave in eipoib.slaves if not eipoib.vifs_complete else ():
        child = host.children.get(slave)
        if slave not in rows and child and child.pkey:
            found.add(child.pkey.vlan)
    found.update(link.pkey.vlan for link in host.storage if link.parent == eipoib.parent and link.pkey)
    return frozenset(found - set([None]))
