# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""network_scheme, of every release, as one form: interfaces, bridges, ports, patches, bonds, endpoints.

Source of the shapes: l23network of Fuel 6.1-9.2 (schemes of version 1.1) and of
Fuel 4.x-6.0 (version 1.0: provider ovs, patches with tags and trunks).
"""
from __future__ import absolute_import, print_function, unicode_literals

import re
from collections import namedtuple

from plugin_lib._compat import integer_types, quoted, string_types, text_type
from plugin_lib.host.sysfs import is_interface_name
from plugin_lib.published import vlans

# An IPoIB child is named for its P_Key, four hexadecimal digits: ib2.8001.  l23network of 9.0.1 knows those of
# /^ib\d+\.80\d+$/ only and takes ib0.8123 for a VLAN.  But IPoIB interfaces carry no 802.1Q tags: whatever follows
# the dot is a P_Key, so that ib2.1000 is the child of P_Key 0x1000, never VLAN 1000.
PKEY_CHILD = re.compile(r'^(ib[0-9]+)\.[0-9a-fA-F]{4}\Z')
DIGITS = re.compile(r'^[0-9]{1,4}\Z')
MTU = re.compile(r'^[1-9][0-9]{1,4}\Z')
# What stands in an endpoint's IP instead of an address.
NO_ADDRESS = ('none', 'dhcp', '')
SUBINTERFACE = re.compile(r'^(.+)\.([0-9]{1,13})\Z')
# A VLAN interface with a name of this form tells its VLAN by it, and by vlan_dev what it is a VLAN of (l23network).
VLAN_NAMED = re.compile(r'^vlan([0-9]+)\Z')


class Bridge(namedtuple('Bridge', 'name provider')):
    """A bridge: provider ``lnx`` or ``ovs``, the scheme's own when it names none."""

    __slots__ = ()


class PortSpec(namedtuple('PortSpec', 'name bridge interface vlan provider trunks')):
    """A port of a bridge (None: of none): ``eth2.201`` is interface eth2 and vlan 201; untagged is None.

    :param interface: None for an internal port, which is an interface of the node's own on the bridge
    :param trunks: tuple of the VLANs that a port without one of its own carries, 0 for untagged; empty: any
    """

    __slots__ = ()

    def __new__(cls, name, bridge, interface, vlan, provider, trunks=()):
        return super(PortSpec, cls).__new__(cls, name, bridge, interface, vlan, provider, trunks)


class Patch(namedtuple('Patch', 'bridges tags trunks provider')):
    """A patch between two bridges; ``tags``: the VLAN of the end in each of them, 0 for none."""

    __slots__ = ()


class Bond(namedtuple('Bond', 'name bridge interfaces mode provider vlan trunks')):
    """A bond: its bridge or None, the interfaces in it (sorted), the bonding mode or None; vlan and trunks of a port.

    A scheme of version 1.1 has neither vlan nor trunks here.
    """

    __slots__ = ()


class Endpoint(namedtuple('Endpoint', 'name ip phy_interfaces vlans ranged')):
    """What gets addresses.

    :param ip: addresses with prefix lengths
    :param phy_interfaces: names as Fuel 6.1 publishes them, else None
    :param vlans: tuple of ranges as Fuel 6.1 publishes them, empty: untagged; None when it says nothing here
    :param ranged: whether they are spelled as those of a physical network, ``1000:1030``, and not as one tag
    """

    __slots__ = ()


class Scheme(namedtuple('Scheme', 'provider interfaces bridges ports patches bonds endpoints mtus')):
    """A network scheme.

    :param provider: of bridges and ports that name none
    :param interfaces: {name: Section of what is published about it}
    :param bridges: {name: Bridge}
    :param ports: list of PortSpecs
    :param patches: list of Patches
    :param bonds: {name: Bond}
    :param endpoints: {name: Endpoint}
    :param mtus: {name: bytes} of interfaces, bridges, ports and bonds for which one is asked
    """

    __slots__ = ()


def read(section):
    # type: (Section) -> Scheme
    """The scheme of the mapping ``network_scheme``.

    :raises InputError: for values of the wrong type, with their path
    """
    provider = section.text('provider') or 'lnx'
    published = section.section('interfaces')
    interfaces = dict((_checked(published, name, name), published.section(name)) for name in published.keys())
    endpoints = section.section('endpoints')
    scheme = Scheme(provider, interfaces, {}, [], [], {}, _endpoints(endpoints), {})
    steps = section.sections('transformations')
    for step in steps:
        if step.text('action') == 'add-bond':
            _add_bond(scheme, step)
    for step in steps:
        action = step.text('action')
        if action == 'add-br':
            name = _named(step, 'name')
            scheme.bridges[name] = Bridge(name, step.text('provider') or provider)
        elif action == 'add-port':
            scheme.ports.append(_port(scheme, step))
        elif action == 'add-patch':
            scheme.patches.append(_patch(scheme, step))
    _check_endpoints(scheme, endpoints)
    _add_mtus(scheme, steps)
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
    if tagged and _is_vlan(tagged.group(2)):
        return tagged.group(1), int(tagged.group(2))
    return name, None


def _endpoints(section):
    endpoints = {}
    for name in section.keys():
        endpoint = section.section(name)
        addresses = [address for address in endpoint.texts('IP') if address not in NO_ADDRESS]
        extra = endpoint.section('vendor_specific')
        ranges = tuple(vlans_at(extra, 'vlans'))
        nics = extra.texts('phy_interfaces') if extra.get('phy_interfaces') is not None else None
        ranged = bool(ranges) and not text_type(extra.get('vlans')).strip().isdigit()
        endpoints[name] = Endpoint(name, addresses, nics, ranges if ranges or nics is not None else None, ranged)
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


def _named(step, key):
    """The name below a key, which may enter a path or a table of Open vSwitch.

    :raises InputError: when it is missing, or no name for an interface
    """
    return _checked(step, key, step.name(key))


def _checked(step, key, name):
    if name is not None and not is_interface_name(name):
        raise step.refuse(key, 'no name for an interface: {0}'.format(quoted(name)),
                          'use 1-15 letters, digits, dots, dashes and underscores')
    return name


def _no_false_vlan(scheme, step, key, name):
    """Refuse ``eth2.5000``: it can only mean a VLAN, and there is none of that number."""
    tagged = SUBINTERFACE.match(name)
    if tagged and not (name in scheme.interfaces or name in scheme.bonds or PKEY_CHILD.match(name)):
        _vlan(step, key, tagged.group(2))


def _vlan(step, key, digits):
    if not _is_vlan(digits):
        raise step.refuse(key, '{0} is not a VLAN (1-{1})'.format(digits, vlans.LAST_VLAN))
    return int(digits)


def _check_endpoints(scheme, section):
    for name in scheme.endpoints:
        if name not in scheme.bridges and not any(name == port.name for port in scheme.ports):
            _no_false_vlan(scheme, section, name, name)


def _add_mtus(scheme, steps):
    """Note the MTUs that are asked for; a patch's is left out, Fuel gives each 65000."""
    for name, section in scheme.interfaces.items():
        _add_mtu(scheme, name, section)
    for step in steps:
        if step.text('action') == 'add-bond':
            for member in step.texts('interfaces'):
                _add_mtu(scheme, member, step.section('interface_properties'))
        if step.text('action') in ('add-br', 'add-port', 'add-bond'):
            _add_mtu(scheme, step.text('name'), step)


def _add_mtu(scheme, name, section):
    value = section.typed('mtu', string_types + integer_types, 'a number of bytes')
    if value is None:
        return
    if not MTU.match(text_type(value)):
        raise section.refuse('mtu', 'not a number of bytes', 'write a number such as 1500')
    scheme.mtus[name] = int(value)


def _is_vlan(digits):
    return 1 <= int(digits) <= vlans.LAST_VLAN


def _add_bond(scheme, step):
    name = _named(step, 'name')
    members = sorted(_checked(step, 'interfaces', member) for member in step.texts('interfaces'))
    for member in members:
        _no_false_vlan(scheme, step, 'interfaces', member)
    scheme.bonds[name] = Bond(name, _checked(step, 'bridge', step.text('bridge')), members,
                              step.section('bond_properties').text('mode'), step.text('provider') or scheme.provider,
                              _tag(step), _trunks(step))


def _port(scheme, step):
    name = _named(step, 'name')
    bridge = _checked(step, 'bridge', step.text('bridge'))
    provider = step.text('provider') or scheme.provider
    tag = _tag(step)
    if bridge and step.get('type') == 'internal':
        return PortSpec(name, bridge, None, tag, provider, _trunks(step))
    interface, vlan = split_port(scheme, name)
    device = step.get('vlan_dev')
    if device is False:
        interface, vlan = name, None
    elif device:
        interface = _named(step, 'vlan_dev')
        numbered = VLAN_NAMED.match(name)
        if numbered and not tag:
            vlan = _vlan(step, 'name', numbered.group(1))
    elif not tag:
        _no_false_vlan(scheme, step, 'name', name)
    return PortSpec(name, bridge, interface, tag or vlan, provider, _trunks(step))


def _tag(step):
    """The VLAN of a port or bond, None when it tells none."""
    for key in ('tag', 'vlan_id'):
        ranges = vlans_at(step, key) if step.value.get(key) else []
        if ranges:
            return ranges[0][0]
    return None


def _trunks(step):
    return tuple(_numbers(step, 'vlan_ids') or _numbers(step, 'trunks'))


def _patch(scheme, step):
    bridges = [_checked(step, 'bridges', name) for name in step.texts('bridges')]
    if len(bridges) != 2:
        raise step.refuse('bridges', 'a patch joins two bridges, found {0}'.format(len(bridges)))
    tags = _numbers(step, 'vlan_ids') or _numbers(step, 'tags') or [0, 0]
    if len(tags) != 2:
        raise step.refuse('tags', 'a patch has one tag for each of its two ends, found {0}'.format(len(tags)))
    return Patch(tuple(bridges), tuple(tags), tuple(_numbers(step, 'trunks')), step.text('provider') or scheme.provider)


def _numbers(step, key):
    """The list of VLANs below a key, 0 for untagged, as numbers or their text."""
    numbers = step.typed(key, list, 'a list of VLANs') or []
    for index, item in enumerate(numbers):
        spelled = text_type(item)
        if isinstance(item, bool) or not isinstance(item, string_types + integer_types) or not (
                DIGITS.match(spelled) and int(spelled) <= vlans.LAST_VLAN):
            raise step.refuse('{0}[{1}]'.format(key, index), 'not a VLAN (0-{0})'.format(vlans.LAST_VLAN))
    return [int(item) for item in numbers]
