# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The networks of an environment, as the REST API of the Fuel master has them: network_configuration.

Neutron's form (all releases) and nova-network's (6.1): ``networks`` with a VLAN each, and the range of tenants' VLANs
in ``networking_parameters``.
"""
from __future__ import absolute_import, print_function, unicode_literals

import io
import json
from collections import namedtuple

from plugin_lib._compat import fs_path, integer_types
from plugin_lib.errors import InputError, PartlyBad
from plugin_lib.pkey import LAST_VLAN
from plugin_lib.published.section import Section, describe

# Of an answer of the API, which for a large environment has 1 MB.
MOST_BYTES = 64 << 20

WHAT = 'cannot use the networks of the environment'
TODO = "give the answer of /api/clusters/ID/network_configuration/neutron, or correct the environment's networks"


class Network(namedtuple('Network', 'name first last')):
    """A network and its VLANs, ``first`` to ``last``."""

    __slots__ = ()


def load(path):
    # type: (str) -> list
    """The Networks of a file that holds the answer of the API.

    :raises InputError: for what :func:`read` refuses, and for a file that cannot be read or is no JSON
    """
    try:
        with io.open(fs_path(path), 'rb') as stream:
            raw = stream.read(MOST_BYTES + 1)
    except EnvironmentError as error:
        raise InputError(WHAT, path, error.strerror, TODO)
    if len(raw) > MOST_BYTES:
        raise InputError(WHAT, path, 'it has more than {0} MB'.format(MOST_BYTES >> 20), TODO)
    try:
        document = json.loads(raw.decode('utf-8-sig'))
    except (ValueError, RuntimeError) as error:  # also what is no UTF-8, or nested too deeply
        raise InputError(WHAT, path, 'not JSON: {0}'.format(error), TODO)
    return read(document, path)


def read(document, where):
    # type: (object, str) -> list
    """The Networks that have VLANs, in the order of the document; untagged ones take the default P_Key.

    :param document: the answer, loaded
    :param where: its file or address, for messages
    :raises PartlyBad: with everything that is wrong
    :raises InputError: when it is something else altogether
    """
    if not isinstance(document, dict) or not isinstance(document.get('networks'), list):
        found = describe(document) if not isinstance(document, dict) else 'no list of networks in it'
        raise InputError(WHAT, where, 'expected the network_configuration of an environment, found {0}'.format(found),
                         TODO)
    found, problems = [], []
    whole = Section(document, where)
    try:
        parameters = whole.section('networking_parameters')
        _collect(whole.sections('networks'), parameters, found, problems)
        if parameters.get('configuration_template'):
            problems.append('a network template is loaded: it alone knows the VLANs; give the astute.yaml of the nodes')
    except InputError as error:
        problems.append('{0}: {1}'.format(error.where, error.why))
    problems += _overlaps(found)
    if problems:
        raise PartlyBad(WHAT, where, '\n'.join(problems), TODO, found)
    return found


def _collect(networks, parameters, found, problems):
    has_range = False
    for section in networks:
        name = section.name('name')
        vlan = section.get('vlan_start')
        if section.section('meta').get('neutron_vlan_range'):
            has_range = True
            _add(name, parameters, 'vlan_range', parameters.get('vlan_range'), found, problems)
        elif vlan is not None:
            _add(name, section, 'vlan_start', [vlan, vlan], found, problems)
    if parameters.get('segmentation_type') == 'vlan' and not has_range:
        _add('private', parameters, 'vlan_range', parameters.get('vlan_range'), found, problems)
    first = parameters.get('fixed_networks_vlan_start')
    if first is not None:
        amount = parameters.get('fixed_networks_amount') if parameters.get('net_manager') == 'VlanManager' else 1
        last = first + amount - 1 if _is_number(first) and _is_number(amount) else None
        _add('fixed', parameters, 'fixed_networks_vlan_start', [first, last], found, problems)


def _add(name, section, key, value, found, problems):
    where = '{0}: {1} -> {2}'.format(name, section.where, key)
    if not isinstance(value, list) or len(value) != 2 or not all(_is_number(vlan) for vlan in value):
        problems.append('{0}: expected {1}, found {2}'.format(
            where, 'two VLANs' if key == 'vlan_range' else 'a VLAN', json.dumps(value)[:60]))
    elif not 1 <= value[0] <= value[1] <= LAST_VLAN:
        problems.append('{0}: VLAN {1} cannot be a P_Key: only 1 to {2} can, the first one before the last'.format(
            where, value[0] if value[0] == value[1] else '{0}-{1}'.format(*value), LAST_VLAN))
    else:
        found.append(Network(name, value[0], value[1]))


def _is_number(value):
    return isinstance(value, integer_types) and not isinstance(value, bool)


def _overlaps(networks):
    """A line for each pair of networks that share VLANs; racks have networks of one name, and may share them."""
    ordered = sorted(set(networks), key=lambda network: (network.first, network.last, network.name))
    lines = []
    for index, one in enumerate(ordered):
        for other in ordered[index + 1:]:
            if other.first > one.last:
                break
            if other.name != one.name:
                lines.append('{0} and {1} share VLAN {2}: one partition would join them'.format(
                    one.name, other.name, other.first))
    return lines
