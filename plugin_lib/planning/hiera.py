# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What Hiera is told, so that netconfig puts the address of storage where RDMA can use it.

Fuel 6.1 and 7.0: ``/etc/hiera/override/plugins.yaml``, which all plugins share.  netconfig takes network_scheme from
the first file that has it, so it has to be there whole.  Fuel 8.0 and later: a file of each plugin's own, merged over
astute.yaml with merge_behavior ``deeper``: arrays are united, nothing can be deleted, a scalar takes the place of
anything.  So only what differs is told: the endpoint's address becomes ``none``, the endpoint of another name has it.
A transformation is in an array, but what ``interfaces`` says of a port takes the place of what its transformation says
(l23network, generate_network_config): there a port leaves its bridge, for the value ``absent``.  The transformation
``override`` would do likewise, and netconfig of Fuel 8.0 and 9.0 stops at it (it came with 9.0.1).

The endpoint that is new carries its mark in ``vendor_specific``, where netconfig takes anything, and with it the name
of the one that it was: the way back needs no other memory, whatever has become of the file meanwhile.
"""
from __future__ import absolute_import, print_function, unicode_literals

import copy

from plugin_lib import modes
from plugin_lib.errors import InputError, InputErrors
from plugin_lib.paths import HIERA_GLOBALS_FILE, OWN_HIERA_FILE, SHARED_HIERA_FILE
from plugin_lib.planning import yaml_key
from plugin_lib.published import with_scheme

KEY = 'network_scheme'
MARK = 'infiniband_moved_from'
# Stands beside it where the rest of the scheme is what was published then, and no other plugin's.
PUBLISHED_MARK = 'infiniband_published'
# At a transformation or interface that is ours: another plugin's may be the same but for it.
ADDED_MARK = 'infiniband_added'
_HEADER = '# Written by the Fuel plugin infiniband: storage over RDMA.\n'
_WHOLE = ('6.1', '7.0')
_RELEASES = _WHOLE + ('8.0', '9.0')


def file_of(release):
    # type: (str) -> str
    """The file in which a release takes overrides."""
    return SHARED_HIERA_FILE if release in _WHOLE else OWN_HIERA_FILE


def problems(published, moves):
    # type: (object, tuple) -> list
    """InputErrors about what a release's Hiera cannot be told.

    :param moves: tuple of storage.Moves
    """
    where, release = '{0} -> openstack_version'.format(published.path), published.release
    if moves and release not in _RELEASES:
        return [InputError('cannot tell Hiera about storage', where, '{0} is not a release that is known'.format(
            release or 'it is missing, or'), 'give the astute.yaml that Fuel wrote to the node')]
    return []


def file_problems(text, published, moves):
    # type: (str, object, tuple) -> list
    """InputErrors about what :func:`file_of` the release holds, whatever is to be told of the machine.

    :param text: of the file, None without it
    :param moves: tuple of storage.Moves
    """
    path = file_of(published.release)
    try:
        theirs = _theirs(yaml_key.get(text, KEY, path))
        if moves and theirs is not None and published.release in _WHOLE:
            _check_theirs(theirs, published, moves, path)
    except InputErrors as found:
        return list(found.errors)
    except InputError as error:
        return [error]
    return []


def override(text, published, moves):
    # type: (str, object, tuple) -> str
    """The text of :func:`file_of` the release; None: there is to be no such file.

    :param text: what it holds now, None without it
    :raises InputError: when that cannot be changed
    """
    path = file_of(published.release)
    given = yaml_key.get(text, KEY, path)
    ours = published.network_scheme.value
    if published.release in _WHOLE:
        theirs = wanted = _theirs(given)
        if moves:
            if theirs is not None:
                _check_theirs(theirs, published, [move for move, _ in moves], path)
            _check_free(theirs or ours, moves, path if theirs else published.path)
            wanted = _moved(theirs or ours, moves, {str(PUBLISHED_MARK): True} if theirs is None else {})
    else:
        _check_free(ours, moves, published.path)
        wanted = _difference(ours, moves) if moves else None
    if wanted == given:
        return text
    result = yaml_key.put(text, KEY, wanted, path)
    if text is None and wanted is not None:
        return _HEADER + result
    return None if not result.replace(_HEADER, '').strip() else result


def globals_text(text):
    # type: (str) -> str
    """The text of HIERA_GLOBALS_FILE without what it holds of us: Hiera then reads the lower file.

    It is computed anew with each deployment; as long as it holds an endpoint of ours, Hiera would merge it with what is
    wanted now.  Its network_scheme may have been written by Ruby, with tags that are not safe to load: it is not read.
    """
    if text is None or MARK not in text:
        return text
    return yaml_key.put(text, KEY, None, HIERA_GLOBALS_FILE)


def _theirs(given):
    """What a file says without us."""
    return _moved_back(given) if isinstance(given, dict) else given


def _check_theirs(scheme, published, moves, path):
    """Raise InputError when another plugin's whole scheme is not one that storage can move in as in the published."""
    where, todo = '{0} -> {1}'.format(path, KEY), 'ask that plugin, or switch off "Storage over RDMA"'
    given = scheme if isinstance(scheme, dict) else {}
    sections = [(key, dict) for key in ('endpoints', 'interfaces', 'roles')] + [('transformations', list)]
    lacking = [key for key, kind in sections if not isinstance(given.get(key), kind)]
    lacking = [move.endpoint for move in moves if 'endpoints' in lacking or not isinstance(
        given['endpoints'].get(move.endpoint), dict)] + lacking
    if lacking:
        raise InputError('cannot tell Hiera about storage', where, 'another plugin wrote it, without {0}'.format(
            ', '.join(lacking)), todo)
    found = with_scheme(published, scheme, path)
    ports = [move for move in moves if move.mode == modes.ETHERNET]
    if not ports:
        return  # an IPoIB interface is the same whatever the scheme has beside it
    from plugin_lib.planning import storage  # late: every node of 6.1 and 7.0 looks here, and few have such a file
    decision = storage.decide(found)
    if decision.problems:
        raise InputErrors(decision.problems)
    if not set(ports) <= set(decision.moves):
        raise InputError('cannot tell Hiera about storage', where,
                         'another plugin wrote it, and leads storage elsewhere than Fuel does', todo)


def _check_free(scheme, moves, path):
    """Raise InputError when a scheme has something else at the IPoIB interface that storage is to move to."""
    taken = sorted(link.name for _, link in moves if link.mode and (link.name in scheme['endpoints'] or any(
        step.get('bridge') or link.parent and step.get('vlan_dev') is not False
        for step in _ports(scheme, link.name))))
    if taken:
        raise InputError('cannot tell Hiera about storage', '{0} -> {1}'.format(path, KEY),
                         'storage is to move to {0}, and that is something else here'.format(', '.join(taken)),
                         'correct the networks of the environment, or switch off "Storage over RDMA"')


def _moved(scheme, moves, more):
    """The whole ``scheme`` with its storage moved.

    :param more: marks beside MARK
    """
    result = copy.deepcopy(scheme)
    for move, link in moves:
        endpoints = result['endpoints']
        body = endpoints[move.endpoint]
        endpoints[move.endpoint] = {'IP': 'none'}
        endpoints[link.name] = _marked(body, dict(more, **{str(MARK): move.endpoint}))
        _move_roles(result['roles'], move.endpoint, link.name)
        result['interfaces'] = dict(result.get('interfaces') or {})
        for name in _named(link):
            result['interfaces'].setdefault(name, _marked({}, {ADDED_MARK: True}))
        own = _ports(result, link.name)
        if not own:
            added = _marked(_port(link), {ADDED_MARK: True})
            result['transformations'] = (result.get('transformations') or []) + [added]
        for step in own:
            if step.get('bridge'):
                step.update(_marked(step, {MARK: step.pop('bridge')}))
    return result


def _moved_back(scheme):
    """The inverse of :func:`_moved`, for a scheme with or without our marks; None where nobody else wrote it."""
    result = copy.deepcopy(scheme)
    endpoints = result.get('endpoints') if isinstance(result.get('endpoints'), dict) else {}
    if any(PUBLISHED_MARK in _vendor_specific(body) for body in endpoints.values()):
        return None
    for name in [name for name, body in endpoints.items() if MARK in _vendor_specific(body)]:
        body = endpoints.pop(name)
        origin = _unmarked(body, MARK)
        endpoints[origin] = body
        _move_roles(result.get('roles') or {}, name, origin)
    interfaces, steps = result.get('interfaces'), result.get('transformations')
    if isinstance(interfaces, dict):
        result['interfaces'] = dict((name, body) for name, body in interfaces.items()
                                    if ADDED_MARK not in _vendor_specific(body))
    if isinstance(steps, list):
        result['transformations'] = [step for step in steps if ADDED_MARK not in _vendor_specific(step)]
        for step in result['transformations']:
            if MARK in _vendor_specific(step):
                step['bridge'] = _unmarked(step, MARK)
    return result


def _difference(scheme, moves):
    """What is merged over ``scheme``."""
    endpoints, roles, interfaces, steps = {}, {}, {}, []
    for move, link in moves:
        body = scheme['endpoints'][move.endpoint]
        endpoints[link.name] = _marked(body, {MARK: move.endpoint})
        # An array of routes cannot be taken away either, and netconfig passes over what is none.
        endpoints[move.endpoint] = dict((key, 'none') for key in ('IP', 'routes') if key in body)
        roles.update((name, link.name) for name, endpoint in scheme['roles'].items() if endpoint == move.endpoint)
        own = _ports(scheme, link.name)
        if not own:
            steps.append(_port(link))
        interfaces.update((name, {}) for name in _named(link))
        if any(step.get('bridge') for step in own):
            interfaces[link.name] = _without_bridge(scheme, move)
    told = {'endpoints': endpoints, 'roles': roles, 'interfaces': interfaces, 'transformations': steps}
    return dict((key, value) for key, value in told.items() if value)


def _without_bridge(scheme, move):
    """What ``interfaces`` says of a port that leaves its bridge.

    l23network gives a VLAN interface that has no MTU of its own the one of the interface below, as ``interfaces`` or
    else a transformation says it, unless ``interfaces`` names the VLAN interface as well.
    """
    below = (scheme.get('interfaces') or {}).get(move.nic) or {}
    mtus = [step.get('mtu') for step in [below] + _ports(scheme, move.nic)]
    own = [step.get('mtu') for step in _ports(scheme, move.port)]
    mtu = next((mtu for mtu in mtus if mtu), None) if move.port != move.nic and not any(own) else None
    return {'bridge': 'absent', 'mtu': mtu} if mtu else {'bridge': 'absent'}


def _named(link):
    """What ``interfaces`` has to name.

    To a port below which it finds none of them l23network gives the MTU of whatever patch there is, 65000: more than
    datagram mode can do.  An IPoIB interface that has a number for a P_Key gets its parent as a port of its own.
    """
    return [name for name in (link.name, link.parent) if name and link.mode]


def _ports(scheme, name):
    """The transformations that make the port ``name``."""
    return [step for step in scheme.get('transformations') or []
            if step and step.get('action') == 'add-port' and step.get('name') == name]


def _marked(body, marks):
    return dict(body, vendor_specific=dict(_vendor_specific(body), **dict((str(key), marks[key]) for key in marks)))


def _unmarked(body, mark):
    """Take a mark away; what it said."""
    value = body['vendor_specific'].pop(mark)
    if not body['vendor_specific']:
        del body['vendor_specific']
    return value


def _vendor_specific(body):
    found = body.get('vendor_specific') if isinstance(body, dict) else None
    return found if isinstance(found, dict) else {}


def _move_roles(roles, origin, target):
    for name, endpoint in roles.items():
        if endpoint == origin:
            roles[name] = target


def _port(link):
    """l23network takes whatever has a digit behind a dot for a VLAN, ib0.80ca for VLAN 80, unless it is told."""
    step = {'action': 'add-port', 'name': link.name}
    return dict(step, vlan_dev=False) if link.parent else step
