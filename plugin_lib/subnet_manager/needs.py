# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The partitions that environments need: a P_Key for each VLAN of a network, and whom it is for."""
from __future__ import absolute_import, print_function, unicode_literals

import re
from collections import namedtuple

from plugin_lib import modes
from plugin_lib.errors import PartlyBad
from plugin_lib.pkey import MOST_VLANS
from plugin_lib.published import vlans

WHAT = 'cannot make partitions of these networks'
_UNSAFE = re.compile('[^A-Za-z0-9_./-]')


class Partition(namedtuple('Partition', 'vlan networks guids')):
    """A partition: the VLAN is its key.

    :param networks: names of what is carried in it, sorted, safe to stand in a comment
    :param guids: sorted tuple of the port GUIDs that need it; None is every port of a host
    """

    __slots__ = ()

    @property
    def name(self):
        # type: () -> str
        """What the subnet manager calls it."""
        return 'vlan{0}'.format(self.vlan)


def of_networks(environments, only=None, is_all=True):
    # type: (list, list, bool) -> list
    """The Partitions of whole environments, for every port.

    :param environments: [(its file or address, published.networks.Networks)]
    :param only: names of networks to take, None: all
    :param is_all: whether these are all networks; else what is not among them is not missed
    :raises PartlyBad: with everything that is wrong
    """
    problems, names, owner, shared = [], {}, {}, {}
    known = set(network.name for _, networks in environments for network in networks)
    for name in only or ():
        if name not in known and is_all:
            problems.append('there is no network {0} with a VLAN, only {1}'.format(name, ', '.join(sorted(known))))
    for where, networks in environments:
        for network in networks:
            if only and network.name not in only:
                continue
            for vlan in range(network.first, network.last + 1):
                if owner.setdefault(vlan, where) != where:
                    shared.setdefault((owner[vlan], where), []).append(vlan)
                names.setdefault(vlan, set()).add(network.name)
    problems += ['VLAN {0} is of {1} and of {2}: one partition would join the environments'.format(
        vlans.of_numbers(found), one, other) for (one, other), found in sorted(shared.items())]
    return _partitions(dict((vlan, (found, None)) for vlan, found in names.items()), problems, is_all)


def of_nodes(nodes, with_guids, is_all=True):
    # type: (list, bool, bool) -> list
    """The Partitions that the roles on InfiniBand ports of these nodes need.

    :param nodes: [(published.Published, {EIPOIB interface: GUID of its port})]
    :param with_guids: for exactly the ports that need each; else for every port
    :param is_all: as for of_networks
    :raises PartlyBad: with everything that is wrong
    """
    problems, found = [], {}
    for data, guids in nodes:
        for role in sorted(data.roles.values()):
            for nic in role.interfaces:
                if nic not in data.interfaces or data.interfaces[nic].mode != modes.INFINIBAND:
                    continue
                if with_guids and role.vlans and nic not in guids:
                    problems.append('{0}: the GUID of the port below {1} is not known; without --guids it is not needed'
                                    .format(data.path, nic))
                for vlan in vlans.numbers(role.vlans):
                    names, ports = found.setdefault(vlan, (set(), set()))
                    names.add(_network_of(role))
                    ports.add(guids.get(nic))
    return _partitions(dict((vlan, (names, ports if with_guids else None))
                            for vlan, (names, ports) in found.items()), sorted(set(problems)), is_all)


def _network_of(role):
    """``management`` of mgmt/database and nova/api too: they are roles of one endpoint."""
    return role.endpoint[3:] if role.endpoint.startswith('br-') else role.endpoint


def _partitions(found, problems, is_all):
    problems = problems + _too_many(found)
    if not found and not problems and is_all:
        problems = ['no network has a VLAN: the default partition alone carries them']
    partitions = [Partition(vlan, tuple(sorted(_UNSAFE.sub('_', name) for name in names)),
                            None if guids is None else tuple(sorted(guid for guid in guids if guid is not None)))
                  for vlan, (names, guids) in sorted(found.items())]
    if problems:
        raise PartlyBad(WHAT, '', '\n'.join(problems), "change the VLANs of the environment's networks", partitions)
    return partitions


def _too_many(found):
    of_port = {}
    for _, guids in found.values():
        for guid in [None] if guids is None else guids:
            of_port[guid] = of_port.get(guid, 0) + 1
    return ['{0} VLANs need as many P_Keys{1}, and a port holds {2} beside the default one'.format(
        count, '' if guid is None else ' at port 0x{0:016x}'.format(guid), MOST_VLANS)
        for guid, count in sorted(of_port.items(), key=str) if count > MOST_VLANS]
