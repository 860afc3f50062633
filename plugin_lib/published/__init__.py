# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What Fuel publishes: astute.yaml of every release 6.1-9.2 -> interfaces, roles, settings."""
from __future__ import absolute_import, print_function, unicode_literals

from collections import namedtuple

from plugin_lib import modes
from plugin_lib._compat import integer_types, string_types, text_type
from plugin_lib.errors import InputError
from plugin_lib.published import roles, scheme
from plugin_lib.published.document import load
from plugin_lib.published.section import Section

PLUGIN = 'infiniband'


class Published(namedtuple(
        'Published', 'path fqdn uid release node_roles interfaces roles mode network_scheme scheme settings '
        'physical_networks left_out warnings')):
    """What one astute.yaml says.

    :param path: the file
    :param release: of Fuel: ``6.1``, ``7.0``, ``8.0``, and ``9.0`` for all of 9.x; None when it is not told
    :param node_roles: the node's Fuel roles: the list of 9.x, or the one of 6.1-8.0
    :param interfaces: {name: roles.Interface}
    :param roles: {name: roles.Role}
    :param mode: of the node's Mellanox ports: ``infiniband``, ``ethernet``, ``mixed`` or ``none``
    :param network_scheme: Section of the scheme as it was published
    :param scheme: the same as scheme.Scheme
    :param settings: Section of the plugin's settings, or None: absent while the plugin is disabled
    :param physical_networks: {bridge: roles.PhysicalNetwork}: those with VLANs; none with tunnelling or nova-network
    :param left_out: lines about roles that lead nowhere; a compute node has such roles in every environment
    :param warnings: lines about what contradicts itself
    """

    __slots__ = ()


def read(path):
    # type: (str) -> Published
    """What the astute.yaml at ``path`` says.

    A file that is itself a network scheme, as l23network takes it, is read as one.

    :raises InputError: with the file and the place in it
    """
    document, warnings = load(path)
    if document.get('network_scheme') is not None:
        section, node = document.section('network_scheme'), document
    elif 'interfaces' in document.value and 'provider' in document.value:
        section, node = document, Section({}, path)
        warnings.append('{0} has no network_scheme: the whole file is read as one'.format(path))
    else:
        raise InputError('cannot use what Fuel published', '{0} -> network_scheme'.format(path),
                         'the section is missing', 'give the astute.yaml that Fuel wrote to the node')
    found = scheme.read(section)
    interfaces = roles.interfaces(found)
    networks = roles.physical_networks(node.section('quantum_settings'))
    by_role, left_out, more = roles.read(found, section.section('roles'), interfaces, networks)
    mode = modes.together([nic.mode for nic in interfaces.values() if nic.mode != modes.OTHER])
    settings = node.section(PLUGIN) if node.get(PLUGIN) is not None else None
    return Published(path, node.text('fqdn'), _uid(node), _release(node), _node_roles(node), interfaces, by_role, mode,
                     section, found, settings, networks, left_out, warnings + more)


def with_scheme(published, value, path):
    # type: (Published, dict, str) -> Published
    """What is published, with another network scheme, in which all that is known about interfaces stays true.

    :param value: the scheme
    :param path: of the file that has it
    :raises InputError: as :func:`read`
    """
    section = Section(value, '{0} -> network_scheme'.format(path))
    found = scheme.read(section)
    by_role, left_out, warnings = roles.read(
        found, section.section('roles'), published.interfaces, published.physical_networks)
    return published._replace(path=path, network_scheme=section, scheme=found, roles=by_role, left_out=left_out,
                              warnings=warnings)


def _release(node):
    """The release, of ``2015.1.0-7.0`` and ``mitaka-9.0``: fuel_version says 6.1 in 7.0 too."""
    return (node.text('openstack_version') or '').rpartition('-')[2] or None


def _uid(node):
    uid = node.typed('uid', string_types + integer_types, 'text')
    return None if uid is None else text_type(uid)


def _node_roles(node):
    if node.get('roles') is not None:
        return node.texts('roles')
    role = node.text('role')
    return [role] if role else []
