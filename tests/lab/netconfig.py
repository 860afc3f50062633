# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Stand-in for Fuel's task netconfig: as much of l23network as the lab's network scheme asks for.

Bridges, the ports of Linux bridges, addresses of endpoints, links up.  Ports and patches of Open vSwitch bridges
are left to the plugin, which completes what it finds missing.
"""
import os

import yaml


def configure(node, scheme=None):
    """Configure a node's networks; RuntimeError with a command's words when one fails.

    :param scheme: the network scheme as Hiera tells it; None: that of the node's /etc/astute.yaml
    """
    scheme = scheme or yaml.safe_load(node.read('/etc/astute.yaml'))['network_scheme']
    for name in scheme['interfaces']:
        node.run('ip', 'link', 'set', name, 'up')
    providers = {}
    for step in scheme['transformations']:
        provider = step.get('provider', scheme['provider'])
        if step['action'] == 'add-br':
            providers[step['name']] = provider
            _add_bridge(node, step, provider)
        elif step['action'] == 'add-port' and providers.get(step.get('bridge')) == 'lnx':
            node.run('ip', 'link', 'set', step['name'], 'master', step['bridge'])
    for name, endpoint in scheme['endpoints'].items():
        if endpoint['IP'] == 'none':
            node.run('ip', '-4', 'address', 'flush', 'dev', name)
        else:
            for address in endpoint['IP']:
                node.run('ip', 'address', 'replace', address, 'dev', name)


def _add_bridge(node, step, provider):
    name = step['name']
    if provider == 'ovs':
        datapath = step['vendor_specific']['datapath_type']
        node.run('ovs-vsctl', '--may-exist', 'add-br', name, '--', 'set', 'bridge', name, f'datapath_type={datapath}')
    elif not os.path.exists(node.path(f'/sys/class/net/{name}')):
        node.run('ip', 'link', 'add', name, 'type', 'bridge')
    node.run('ip', 'link', 'set', name, 'up')
