# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What netconfig takes of a network scheme: hiera's merge, and l23network's way with transformations and interfaces.

Sources: deep_merge 1.0-1.2 (``deep_merge!`` without options); of l23network (6.1 to 9.2) the functions
generate_network_config, sanitize_bool_in_hash and get_phys_dev_by_transformation, and manifests/l2/port.pp.
"""
from __future__ import absolute_import, print_function, unicode_literals

import re

import yaml

REPLACES = ('6.1', '7.0')


class Refused(AssertionError):
    """netconfig stops at the scheme."""


def told(release, published, text):
    # type: (str, dict, str) -> dict
    """The network_scheme that hiera answers netconfig.

    :param release: ``6.1``, ``7.0``, ``8.0`` or ``9.0``
    :param published: that of astute.yaml
    :param text: of the release's file of overrides, None without it
    """
    over = (yaml.safe_load(text or '') or {}).get('network_scheme')
    if release in REPLACES:
        return published if over is None else over
    return merged(over, published)


def merged(higher, lower):
    """What a value of a higher level and one of a lower level become, with merge_behavior ``deeper``."""
    if isinstance(higher, dict) and isinstance(lower, dict):
        result = dict(lower)
        for key, value in higher.items():
            result[key] = merged(value, lower[key]) if lower.get(key) else value
        return result
    if isinstance(higher, list) and isinstance(lower, list):
        result = []
        for item in lower + higher:
            result += [] if item in result else [item]
        return result
    return lower if higher is None else higher


def transformations(scheme):
    # type: (dict) -> list
    """The transformations that l23network carries out: what ``interfaces`` says of a port comes over its own.

    A VLAN interface has the MTU of the interface below, unless it is given one; who has none below, that of a patch.

    :raises Refused: for what netconfig stops at
    """
    steps, interfaces = [], scheme.get('interfaces') or {}
    for step in scheme.get('transformations') or []:
        # ``override`` came with 9.0.1: netconfig of 8.0 and 9.0.0 stops at it.
        _need(step['action'] in ('noop', 'add-br', 'add-port', 'add-bond', 'add-patch'), step)
        same = [other for other in steps if _is_port(other) and other['name'] == step.get('name')]
        if _is_port(step) and re.search(r'\.\d+$', step['name']):
            parent = step['name'].split('.')[0]
            if not any(_is_port(other) and other['name'] == parent for other in steps):
                steps.append({'action': 'add-port', 'name': parent})
        elif same:
            _need(all(same[0].get(key, value) == value for key, value in step.items() if key != 'mtu'),
                  '{0} becomes {1}'.format(same[0], step))
            same[0].update(step)
            continue
        steps.append(dict(step))
    for step in steps:
        step.update((key.replace('-', '_'), value) for key, value in (interfaces.get(step.get('name')) or {}).items()
                    if value not in (None, ''))
    patches = [step['mtu'] for step in steps if step['action'] == 'add-patch' and step.get('mtu')]
    known = set(interfaces) | set(step['name'] for step in steps if step['action'] == 'add-bond')
    for step in steps:
        if _is_port(step) and not step.get('mtu') and not step.get('vlan_dev') and not (
                {step['name'], step['name'].split('.')[0]} & known):
            step['mtu'] = min(patches) if patches else None  # neither has a name: it is taken for the NIC's
        below = _below(step)
        if below and not step.get('mtu'):
            mtu = [other.get('mtu') for other in steps + [dict(interfaces.get(below) or {}, name=below)]
                   if other.get('name') == below]
            step['mtu'] = next((value for value in mtu if value), None)
    return [dict((key, value) for key, value in step.items() if value is not None and (
        key, value) != ('bridge', 'absent')) for step in steps if step['action'] != 'noop']


def check(scheme):
    # type: (dict) -> None
    """What netconfig needs of a whole scheme.

    :raises Refused: for what it stops at
    """
    steps = [step for step in transformations(scheme) if step['action'] in ('add-br', 'add-port', 'add-bond')]
    names = [step['name'] for step in steps]
    _need(len(set(names)) == len(names), 'Duplicate declaration among {0}'.format(sorted(names)))
    for step in steps:
        _need(not re.match(r'vlan\d+', step['name']) or step.get('vlan_dev'), step)
    for name, body in (scheme.get('endpoints') or {}).items():
        _need(not isinstance(body, dict) or name in names or name in (scheme.get('interfaces') or {}),
              'Endpoint {0} not found in interfaces or transformations result'.format(name))


def one_address(scheme):
    # type: (dict) -> dict
    """{address: the endpoint that has it}; AssertionError for one that two have."""
    found = {}
    for name, endpoint in (scheme.get('endpoints') or {}).items():
        for address in endpoint['IP'] if isinstance((endpoint or {}).get('IP'), list) else ():
            assert address not in found, '{0} is on {1} and on {2}'.format(address, found[address], name)
            found[address] = name
    return found


def vlan_of(step):
    # type: (dict) -> tuple
    """(interface, VLAN or None) that l23network makes of an add-port."""
    named, tagged = re.match(r'vlan(\d+)', step['name']), re.match(r'([\w\-]+\d+)\.(\d+)', step['name'])
    if named:
        return step['vlan_dev'], int(step.get('vlan_id') or named.group(1))
    if tagged and step.get('vlan_dev') is not False:
        return tagged.group(1), int(tagged.group(2))
    return step['name'], None


def _below(step):
    return vlan_of(step)[0] if step['action'] == 'add-port' and vlan_of(step)[1] else None


def _is_port(step):
    return step['action'] in ('add-port', 'add-bond')


def _need(condition, what):
    if not condition:
        raise Refused('{0}'.format(what))
