# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""network_scheme, of every release, as one form: interfaces, bridges, ports, patches, bonds, endpoints.

Source of the shapes: l23network of Fuel 6.1-9.2 (schemes of version 1.1) and of
Fuel 4.x-6.0 (version 1.0: provider ovs, patches with tags and trunks).
"""
from __future__ import absolute_import, print_function, unicode_literals

import re
from collections import namedtuple

from plugin_lib.published import vlans

# An IPoIB child of a P_Key: ib2.8001 is no VLAN (l23network of 9.0.1 has the same rule).
PKEY_CHILD = re.compile(r'^(ib\d+)\.[0-9a-fA-F]{4}$')
# What stands in an endpoint's IP instead of an address.
NO_ADDRESS = ('none', 'dhcp', '')
SUBINTERFACE = re.compile(r'^(.+)\.(\d{1,4})$')


class Bridge(namedtuple('Bridge', 'name provider')):
    """A bridge: provider ``lnx`` or ``ovs``, the scheme's own when it names none."""

    __slots__ = ()


class PortSpec(namedtuple('PortSpec', 'name bridge interface vlan provider')):
    """A port of a bridge (None: of none): ``eth2.201`` is interface eth2 and vlan 201; untagged is None."""

    __slots__ = ()


class Patch(namedtuple('Patch', 'bridges tags trunks provider')):
    """A patch between two bridges; ``tags``: the VLAN of the end in each of them, 0 for none."""

    __slots__ = ()


class Bond(namedtuple('Bond', 'name bridge interfaces mode provider')):
    """A bond: its bridge or None, the physical interfaces (sorted), the bonding mode or None."""

    __slots__ = ()


class Endpoint(namedtuple('Endpoint', 'name ip phy_interfaces vlans')):
    """What gets addresses.

    :param ip: addresses with prefix lengths
    :param phy_interfaces: names as Fuel 6.1 publishes them, else None
    :param vlans: ranges as Fuel 6.1 publishes them, else None
    """

    __slots__ = ()


class Scheme(namedtuple('Scheme', 'provider interfaces bridges ports patches bonds endpoints')):
    """A network scheme.

    :param provider: of bridges and ports that name none
    :param interfaces: {name: Section of what is published about it}
    :param bridges: {name: Bridge}
    :param ports: list of PortSpecs
    :param patches: list of Patches
    :param bonds: {name: Bond}
    :param endpoints: {name: Endpoint}
    """

    __slots__ = ()


def read(section):
    # type: (Section) -> Scheme
    """The scheme of the mapping ``network_scheme``.

    :raises InputError: for values of the wrong type, with their path
    """
    provider = section.text('provider') or 'lnx'
    published = section.section('interfaces')
    interfaces = dict((name, published.section(name)) for name in published.keys())
    scheme = Scheme(provider, interfaces, {}, [], [], {}, _endpoints(section.section('endpoints')))
    steps = section.sections('transformations')
    for step in steps:
        if step.text('action') == 'add-bond':
            _add_bond(scheme, step)
    for step in steps:
        action = step.text('action')
        if action == 'add-br':
            name = step.name('name')
            scheme.bridges[name] = Bridge(name, step.text('provider') or provider)
        elif action == 'add-port':
            scheme.ports.append(_port(scheme, step))
        elif action == 'add-patch':
            scheme.patches.append(_patch(scheme, step))
    return scheme


def split_port(scheme, name):
    # type: (Scheme, str) -> tuple
    """(interface, VLAN or None) of a port's name: ``eth2.201`` -> ('eth2', 201)."""
    if name in scheme.interfaces or name in scheme.bonds:
        return name, None
    child = PKEY_CHILD.match(name)
    if child:
        return child.group(1) if child.group(1) in scheme.interfaces else name, None
    tagged = SUBINTERFACE.match(name)
    if tagged and 1 <= int(tagged.group(2)) <= vlans.LAST_VLAN:
        return tagged.group(1), int(tagged.group(2))
    return name, None


def _endpoints(section):
    endpoints = {}
    for name in section.keys():
        endpoint = section.section(name)
        addresses = [address for address in endpoint.texts('IP') if address not in NO_ADDRESS]
        extra = endpoint.section('vendor_specific')
        published = 'phy_interfaces' in extra.value
        endpoints[name] = Endpoint(name, addresses, extra.texts('phy_interfaces') if published else None,
                                   vlans_at(extra, 'vlans') if published else None)
    return endpoints


def vlans_at(section, key):
    # type: (Section, str) -> list
    """The VLANs below a key, as ranges.

    :raises InputError: when the value spells none
    """
    value = section.get(key)
    try:
        return vlans.parse(value)
    except ValueError as error:
        raise section.refuse(key, '{0}'.format(error), 'write a VLAN, or a range as \'first:last\' in quotes')


def _add_bond(scheme, step):
    name = step.name('name')
    properties = step.section('bond_properties')
    scheme.bonds[name] = Bond(name, step.text('bridge'), sorted(step.texts('interfaces')), properties.text('mode'),
                              step.text('provider') or scheme.provider)


def _port(scheme, step):
    name = step.name('name')
    interface, vlan = split_port(scheme, name)
    device = step.get('vlan_dev')
    if device is False:
        interface, vlan = name, None
    elif device:
        interface = step.name('vlan_dev')
    for key in ('vlan_id', 'tag'):
        ranges = vlans_at(step, key) if step.value.get(key) else []
        if ranges:
            vlan = ranges[0][0]
    return PortSpec(name, step.text('bridge'), interface, vlan, step.text('provider') or scheme.provider)


def _patch(scheme, step):
    bridges = step.texts('bridges')
    if len(bridges) != 2:
        raise step.refuse('bridges', 'a patch joins two bridges, found {0}'.format(len(bridges)))
    tags = step.integers('vlan_ids') or step.integers('tags') or [0, 0]
    if len(tags) != 2:
        raise step.refuse('tags', 'a patch has one tag for each of its two ends, found {0}'.format(len(tags)))
    for key in ('vlan_ids', 'tags', 'trunks'):
        for vlan in step.integers(key):
            if not 0 <= vlan <= vlans.LAST_VLAN:
                raise step.refuse(key, '{0} is not a VLAN'.format(vlan))
    return Patch(tuple(bridges), tuple(tags), tuple(step.integers('trunks')), step.text('provider') or scheme.provider)
