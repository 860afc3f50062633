# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What Neutron's Open vSwitch and L3 agents make of a node's bridges, as far as it matters for who talks in which VLAN.

Names, columns, priorities and actions are those of Mitaka (Fuel 9) and Juno (Fuel 6.1): ovs_neutron_agent.py and its
ovs-ofctl driver, agent/linux/interface.py.  The tag of a port of br-int is a number of this node alone; flows make it
the VLAN of the network on the way to the physical bridge, and back.
"""
import uuid
from typing import NamedTuple

from tests.lab import ports

_INTEGRATION = 'br-int'


class Router(NamedTuple):
    """A router's port: an address in a network, in a network namespace of its own.

    :param namespace: name of the network namespace
    :param port: name of the interface, in there
    :param mac: of the port
    """

    namespace: str
    port: str
    mac: str

    @property
    def inside(self):
        """What comes before a command that runs in the router."""
        return ['ip', 'netns', 'exec', self.namespace]


def bridge_physical_network(node, bridge):
    """Make br-int, and join it to the bridge of a physical network; nothing passes between them yet."""
    near, far = f'int-{bridge}', f'phy-{bridge}'
    node.run('ovs-vsctl', 'add-br', _INTEGRATION,
             '--', 'set', 'bridge', _INTEGRATION, 'datapath_type=netdev', 'fail_mode=secure',
             '--', 'add-port', _INTEGRATION, near,
             '--', 'set', 'interface', near, 'type=patch', f'options:peer={far}',
             '--', 'add-port', bridge, far, '--', 'set', 'interface', far, 'type=patch', f'options:peer={near}')
    node.run('ovs-ofctl', 'add-flow', _INTEGRATION, 'priority=0 actions=normal')
    for each, port in ((_INTEGRATION, near), (bridge, far)):
        node.run('ovs-ofctl', 'add-flow', each, f'priority=2,in_port={port} actions=drop')


def add_router(node, bridge, vlan, tag, noted=True):
    """Give a node a Router in the network that is a VLAN of a physical network's bridge; the address is ports.address.

    :param tag: the node's own number for the network
    :param noted: whether the agent notes the network in the database: Juno's (Fuel 6.1) does not
    """
    identifier = uuid.uuid5(uuid.NAMESPACE_OID, f'{node.name} {vlan}')
    port = f'qr-{identifier}'[:14]
    router = Router(f'qrouter-{identifier}', port, f'fa:16:3e:{identifier.hex[:2]}:{identifier.hex[2:4]}:'
                    f'{identifier.hex[4:6]}')
    # The L3 agent plugs the port; its tag comes with the next round of the Open vSwitch agent.
    node.run('ovs-vsctl', 'add-port', _INTEGRATION, port,
             '--', 'set', 'interface', port, 'type=internal', f'external_ids:iface-id={identifier}',
             'external_ids:iface-status=active', f'external_ids:attached-mac="{router.mac}"')
    node.run('ip', 'link', 'set', port, 'address', router.mac)
    node.run('ip', 'netns', 'add', router.namespace)
    node.run('ip', 'link', 'set', port, 'netns', router.namespace)
    node.run(*router.inside, 'ip', '-batch', '-', input=f'link set lo up\nlink set {port} up\n'
             f'address add {ports.address(node, vlan)}/24 dev {port}\n')
    for each, peer, priority, seen, made in ((_INTEGRATION, f'int-{bridge}', 3, vlan, tag),
                                             (bridge, f'phy-{bridge}', 4, tag, vlan)):
        node.run('ovs-ofctl', 'add-flow', each,
                 f'priority={priority},in_port={peer},dl_vlan={seen} actions=mod_vlan_vid:{made},normal')
    network = [f'other_config:net_uuid={uuid.uuid5(uuid.NAMESPACE_OID, str(vlan))}', 'other_config:network_type=vlan',
               'other_config:physical_network=physnet2', f'other_config:segmentation_id={vlan}'] if noted else []
    node.run('ovs-vsctl', 'set', 'port', port, *network, f'tag={tag}')
    return router
