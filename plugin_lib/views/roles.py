# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``fuel-infiniband roles``: the interfaces and network roles that Fuel publishes for a node."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib import tables
from plugin_lib.published import vlans


def document(published):
    # type: (object) -> dict
    """The Published as the JSON contract has it."""
    return {
        'node': {'fqdn': published.fqdn, 'uid': published.uid, 'roles': published.node_roles},
        'interfaces': dict((nic.name, {'driver': nic.driver, 'bus_info': nic.bus_info, 'mode': nic.mode})
                           for nic in published.interfaces.values()),
        'roles': dict((role.name, {
            'endpoint': role.endpoint, 'interfaces': list(role.interfaces), 'bond': role.bond,
            'vlans': [list(pair) for pair in role.vlans], 'mode': role.mode, 'ip': role.ip,
        }) for role in published.roles.values()),
        'mode': published.mode,
        'warnings': published.left_out + published.warnings,
    }


def table(published):
    # type: (object) -> str
    """The same for a person; roles that share an endpoint stand together on one line."""
    node = 'node {0} (uid {1}): {2}; Mellanox ports: {3}\n'.format(
        published.fqdn or '-', published.uid or '-', ', '.join(published.node_roles) or 'no role', published.mode)
    nics = tables.render(['interface', 'driver', 'bus info', 'mode'], [
        [name, nic.driver, nic.bus_info, nic.mode] for name, nic in sorted(published.interfaces.items())])
    sharing = {}
    for role in published.roles.values():
        sharing.setdefault(role.endpoint, []).append(role.name)
    rows = []
    for endpoint, names in sorted(sharing.items()):
        role = published.roles[names[0]]
        rows.append([endpoint, '+'.join(role.interfaces), role.bond, vlans.show(role.vlans) or 'untagged', role.mode,
                     ', '.join(role.ip), ' '.join(sorted(names))])
    roles = tables.render(['endpoint', 'interfaces', 'bond', 'vlans', 'mode', 'ip', 'roles'], rows)
    warnings = ''.join('warning: {0}\n'.format(line) for line in published.left_out + published.warnings)
    return '\n'.join(part for part in (node, nics, roles, warnings) if part)
