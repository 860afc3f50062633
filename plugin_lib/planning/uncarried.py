# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What a node is configured to send through EIPOIB interfaces, and eth_ipoib does not carry: findings.

eth_ipoib passes IPv4, ARP and RARP alone, and a unicast only to a MAC that it learnt from ARP, which is one that it
made itself for the remote queue pair (eth_ipoib_main.c: parent_tx, get_slave_skb, build_neigh_mac).  A DHCP server
answers a client that has no address yet by a unicast to the client's true MAC, unless it is told to broadcast.
"""
from __future__ import absolute_import, print_function, unicode_literals

import re

from plugin_lib import modes
from plugin_lib.planning import ini_edit
from plugin_lib.planning.checks import WARN, Finding

# What the DHCP agent is started with on Ubuntu; of an option in both the later counts.
AGENT_FILES = ('/etc/neutron/neutron.conf', '/etc/neutron/dhcp_agent.ini')

_TRUE = ('1', 'true', 'on', 'yes')  # oslo.config's BoolOpt
_ALWAYS = re.compile(r'^\s*dhcp-broadcast\s*(#|$)', re.M)  # dnsmasq(8): without a tag it is for every client


def ipv6(data):
    # type: (object) -> list
    """Endpoints on InfiniBand ports that have an IPv6 address.

    :param data: published.Published
    """
    found = {}
    for role in data.roles.values():
        addresses = [address for address in role.ip if ':' in address]
        if role.mode == modes.INFINIBAND and addresses:
            found[role.endpoint] = Finding(
                WARN, role.endpoint, '{0} on {1}: an EIPOIB interface carries no IPv6'.format(
                    ' '.join(addresses), ' '.join(role.interfaces)), 'give its network IPv4 addresses')
    return [found[endpoint] for endpoint in sorted(found)]


def dnsmasq_file(agent):
    # type: (dict) -> str
    """The file with more options of dnsmasq that the DHCP agent names, or None.

    :param agent: {path of AGENT_FILES: its text, or None where it is not there}
    :raises InputError: when one of them is no configuration file of oslo.config
    """
    return _option(agent, 'dnsmasq_config_file') or None


def dhcp(data, agent, dnsmasq):
    # type: (object, dict, str) -> list
    """Whether Neutron's DHCP agent, where the node has one, broadcasts its replies to networks on InfiniBand ports.

    :param agent: as for :func:`dnsmasq_file`
    :param dnsmasq: text of that file, None without one
    :raises InputError: likewise
    """
    bridges = sorted(set(role.endpoint for role in data.roles.values()
                         if role.mode == modes.INFINIBAND and role.endpoint in data.physical_networks))
    if not bridges or agent[AGENT_FILES[-1]] is None or _ALWAYS.search(dnsmasq or '') or \
            _option(agent, 'dhcp_broadcast_reply').lower() in _TRUE:
        return []
    return [Finding(WARN, AGENT_FILES[-1],
                    'DHCP replies to networks on {0} are unicasts, which do not reach guests on other nodes: '
                    'an EIPOIB interface does not know their MACs'.format(' '.join(bridges)),
                    'set dhcp_broadcast_reply = True in its section DEFAULT and restart the DHCP agent')]


def _option(agent, name):
    """The value of an option of section DEFAULT, empty without one."""
    values = [value for path in AGENT_FILES if agent[path] is not None
              for value in ini_edit.values(agent[path], 'DEFAULT', name, path)]
    return values[-1].strip() if values else ''
