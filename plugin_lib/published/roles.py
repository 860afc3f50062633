# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Network roles: the endpoint, interfaces, VLANs and mode of each, and Fuel 6.1's own word as a cross-check."""
from __future__ import absolute_import, print_function, unicode_literals

from collections import namedtuple

from plugin_lib import modes
from plugin_lib.published import reach, vlans
from plugin_lib.published.scheme import vlans_at


class Interface(namedtuple('Interface', 'name driver bus_info mode')):
    """An interface as published; driver and bus_info are None when Fuel did not know them."""

    __slots__ = ()


class Role(namedtuple('Role', 'name endpoint interfaces bond vlans mode ip')):
    """A network role.

    :param interfaces: physical names, sorted
    :param bond: the bond that joins them, or None
    :param vlans: tuple of inclusive ranges (first, last), empty when untagged
    :param mode: ``infiniband``, ``ethernet``, ``other``, ``mixed`` or ``none``
    :param ip: addresses with prefix lengths
    """

    __slots__ = ()


class PhysicalNetwork(namedtuple('PhysicalNetwork', 'name vlans')):
    """A physical network of Neutron that has VLANs: its name (the first, when several share a bridge) and ranges."""

    __slots__ = ()


# Fuel 6.1 leaves the key out when a network is untagged, and by a mistake of its own for VLAN 1.
VLAN_LEFT_OUT_BY_61 = ((1, 1),)


def interfaces(scheme):
    """{name: Interface} of what Fuel knows about the node's NICs.

    :raises InputError: for values of the wrong type
    """
    found = {}
    for name, section in scheme.interfaces.items():
        extra = section.section('vendor_specific')
        driver = extra.text('driver')
        found[name] = Interface(name, driver, extra.text('bus_info'), modes.of_driver(driver))
    return found


def read(scheme, names, known, networks):
    """The roles as ({name: Role}, lines about roles that are left out, warnings).

    :param names: Section ``network_scheme -> roles``: role -> endpoint
    :param known: {name: Interface}
    :param networks: {bridge: PhysicalNetwork}
    """
    reaches, found, left_out, warnings = {}, {}, [], []
    for name in names.keys():
        endpoint = names.text(name)
        if endpoint not in scheme.endpoints:
            left_out.append('role {0} is left out: {1}'.format(
                name, 'it has no endpoint' if not endpoint else 'its endpoint {0} does not exist'.format(endpoint)))
            continue
        if endpoint not in reaches:
            reaches[endpoint], more = _endpoint_reach(scheme, scheme.endpoints[endpoint], known, networks)
            warnings += more
        at = reaches[endpoint]
        mode = modes.together([known[nic].mode if nic in known else modes.OTHER for nic in at.interfaces])
        found[name] = Role(name, endpoint, at.interfaces, at.bond, at.vlans, mode, scheme.endpoints[endpoint].ip)
    return found, left_out, warnings


def physical_networks(quantum_settings):
    """{bridge: PhysicalNetwork} of the physical networks that have a VLAN range.

    :param quantum_settings: that Section; with tunnelling or nova-network it names none
    """
    networks = quantum_settings.section('L2').section('phys_nets')
    found = {}
    for name in networks.keys():
        network = networks.section(name)
        ranges = vlans_at(network, 'vlan_range') if network.get('vlan_range') != '' else []
        if ranges:
            bridge = network.name('bridge')
            first, others = found.get(bridge, (name, ()))
            found[bridge] = PhysicalNetwork(first, tuple(vlans.merge(ranges + list(others))))
    return found


def _endpoint_reach(scheme, endpoint, known, networks):
    """The Reach of an endpoint, completed by its physical network, and warnings about it."""
    found = reach.of_endpoint(scheme, endpoint.name)
    warnings = ['{0} carries {1} but is not among the published interfaces: its driver is unknown'.format(
        nic, endpoint.name) for nic in found.interfaces if nic not in known]
    if endpoint.name in networks:
        found = found._replace(vlans=networks[endpoint.name].vlans)
    elif not found.vlans and endpoint.ranged:
        # Without quantum_settings only 6.1's range tells that this is the bridge of a physical network.
        found = found._replace(vlans=endpoint.vlans)
    if not found.interfaces and endpoint.phy_interfaces is None:
        warnings.append('{0}: the transformations lead from it to no interface'.format(endpoint.name))
    return found, warnings + _disagreements(scheme, endpoint, found)


def _disagreements(scheme, endpoint, found):
    """Lines about what Fuel 6.1 publishes for an endpoint that the transformations contradict."""
    lines = []
    told = set()
    for name in endpoint.phy_interfaces or []:
        told.update(scheme.bonds[name].interfaces if name in scheme.bonds else [name])
    if endpoint.phy_interfaces is not None and told != set(found.interfaces):
        lines.append('{0}: phy_interfaces says {1}, the transformations lead to {2}; the transformations count'.format(
            endpoint.name, ', '.join(sorted(told)) or 'none', ', '.join(found.interfaces) or 'none'))
    if endpoint.vlans is not None and endpoint.vlans != found.vlans and (
            endpoint.vlans or found.vlans != VLAN_LEFT_OUT_BY_61):
        lines.append('{0}: vlans says {1}, the transformations lead to {2}; the transformations count'.format(
            endpoint.name, vlans.show(endpoint.vlans) or 'untagged', vlans.show(found.vlans) or 'untagged'))
    return lines
