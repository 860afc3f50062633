# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Storage over RDMA: which endpoints leave their bridge, and for which interface.

Neither Open vSwitch nor a Linux bridge carries RDMA.  So the endpoint of the storage roles moves from its bridge to
the IPoIB interface under the EIPOIB one: to ``ib0`` where it is untagged, to the child ``ib0.80ca`` for VLAN 202.  On
an Ethernet port of Mellanox's (RoCE) it moves to the port itself, or to its VLAN interface, which leaves the bridge;
where a network template has it there already nothing moves.

A bond is no RDMA device.  Of a bond of EIPOIB interfaces storage takes the first by name, and that is told; a bond of
Ethernet ports is refused, since what is in it can have no address of its own.

Pure: everything wrong is told at once, and nothing is planned then.
"""
from __future__ import absolute_import, print_function, unicode_literals

from collections import namedtuple

from plugin_lib import modes
from plugin_lib.errors import InputError
from plugin_lib.host.state import StorageLink
from plugin_lib.host.sysfs import is_interface_name
from plugin_lib.pkey import PKey
from plugin_lib.planning.vlan_services import child_name
from plugin_lib.planning.vlans import is_ours
from plugin_lib.published import reach, vlans

# Fuel's names in 6.1 and since 7.0; other roles of their endpoint move with them.
ROLES = ('storage', 'cinder/iscsi')
# What attaches something to the bridge itself: virtual addresses, routers, guests, the way to the Fuel master.
ON_BRIDGES = ('admin/pxe', 'fw-admin', 'ex', 'floating', 'private', 'management', 'mgmt/vip', 'public/vip',
              'neutron/floating', 'neutron/private', 'ironic/baremetal')

CONNECTED, DATAGRAM = 'connected', 'datagram'
# ib_ipoib, IPOIB_CM_MTU: 64 KiB without the encapsulation header and its padding.
CONNECTED_MTU = 65520

_TODO = 'correct the networks of the environment, or switch off "Storage over RDMA"'


class Move(namedtuple('Move', 'endpoint nic vlan mode addresses port')):
    """An endpoint that leaves its bridge.

    :param nic: the published interface below it, the one that is used of a bond
    :param vlan: its VLAN, None: untagged
    :param mode: of the nic: ``infiniband`` or ``ethernet``
    :param port: what netconfig calls the nic, or its VLAN interface
    """

    __slots__ = ()


class Decision(namedtuple('Decision', 'moves problems notes')):
    """What is decided.

    :param moves: tuple of Moves; with their links from :func:`on_host`: tuple of (Move, StorageLink)
    :param problems: list of InputErrors; with any of them nothing is to be changed
    :param notes: tuple of lines for the operator
    """

    __slots__ = ()


NOTHING = Decision((), [], ())


def decide(published):
    # type: (object) -> Decision
    """The Decision that published data alone leads to.

    :param published: published.Published
    """
    moves, problems, notes = [], [], []
    storage = [role for _, role in sorted(published.roles.items()) if role.name in ROLES and role.ip]
    for _, role in sorted(dict((role.endpoint, role) for role in storage).items()):
        where = _where(published, role.endpoint)
        why = _reasons_against(published, role)
        problems += [InputError('storage cannot use RDMA', where, reason, _TODO) for reason in why]
        if why:
            continue
        nic, vlan = role.interfaces[0], _vlan(role)
        if role.bond:
            notes.append('storage is on {0}, and RDMA needs one port: it uses {1} alone, and does not fail over'.format(
                role.bond, nic))
        moves.append(Move(role.endpoint, nic, vlan, role.mode, tuple(role.ip), _port_name(published, nic, vlan)))
    moves.sort()
    nics = sorted(set(move.nic for move in moves))
    if len(nics) > 1:
        problems.append(InputError(
            'storage cannot use RDMA', _where(published, ' and '.join(move.endpoint for move in moves)),
            'they are on different ports, {0}: iSER is offered at one address'.format(' and '.join(nics)), _TODO))
    for twin, move in zip(moves, moves[1:]):
        if (twin.nic, twin.vlan) == (move.nic, move.vlan):
            problems.append(InputError('storage cannot use RDMA', _where(published, move.endpoint),
                                       '{0} leads to the same place, {1}'.format(twin.endpoint, twin.nic), _TODO))
    return Decision(tuple(moves), problems, tuple(notes))


def on_host(decision, host, ours, mode_of, connectable, sm_check):
    # type: (Decision, object, dict, dict, frozenset, str) -> Decision
    """The Decision on a machine: each Move with the StorageLink that it leads to.

    :param host: state.Host
    :param ours: {name: vlans.Made}, eipoibd's children
    :param mode_of: {interface: its IPoIB mode}, of the IPoIB interfaces under EIPOIB ones at least
    :param connectable: names of those whose ports can do connected mode
    :param sm_check: what a missing P_Key is: ``fail``, ``warn``, or ``off`` not looked at
    """
    moves, problems, notes = [], list(decision.problems), list(decision.notes)
    for move in decision.moves:
        if move.mode == modes.ETHERNET:
            if move.port != move.endpoint:
                moves.append((move, StorageLink(move.port, None, None, None, None, None, None, move.addresses)))
            continue
        why, told = _obstacles(move, host, ours, sm_check)
        problems += [InputError('storage cannot use RDMA', move.nic, reason, todo) for reason, todo in why]
        notes += told
        if not why:
            moves.append((move, _ipoib_link(move, host, mode_of, connectable)))
            if moves[-1][1].mode == DATAGRAM:
                notes.append('{0} offers datagram mode only: storage keeps the MTU of the fabric'.format(
                    host.eipoibs[move.nic].parent))
    return Decision(tuple(moves), problems, tuple(notes))


def _where(published, endpoint):
    return '{0} -> network_scheme -> endpoints -> {1}'.format(published.path, endpoint)


def _reasons_against(published, role):
    """Clauses about why the endpoint of a role cannot leave its bridge."""
    if not role.interfaces:
        return ['the transformations lead from it to no interface']
    why = []
    if role.mode == modes.MIXED:
        why.append('its interfaces {0} have different drivers'.format(', '.join(role.interfaces)))
    elif role.mode not in (modes.INFINIBAND, modes.ETHERNET):
        why.append('{0} is no InfiniBand port, and no Ethernet port with RDMA'.format(', '.join(role.interfaces)))
    elif role.bond and role.mode == modes.ETHERNET:
        why.append('{0} is a bond of Ethernet ports: RDMA needs a port of its own'.format(role.bond))
    ports = sorted(set('.'.join([name] + ['{0}'.format(vlan) for vlan in tagged])
                       for name, tagged in reach.ports(published.scheme, role.endpoint)))
    if len(ports) > 1 and role.mode != modes.MIXED:
        why.append('it has several ports, {0}'.format(', '.join(ports)))
    if role.endpoint in published.physical_networks:
        why.append('it is the bridge of {0}'.format(published.physical_networks[role.endpoint].name))
    elif len(vlans.numbers(role.vlans)) > 1:
        why.append('it has several VLANs, {0}'.format(vlans.show(role.vlans)))
    on_bridges = sorted(other.name for other in published.roles.values()
                        if other.endpoint == role.endpoint and other.name in ON_BRIDGES)
    if on_bridges:
        why.append('it also serves {0}, which cannot leave the bridge'.format(', '.join(on_bridges)))
    if published.network_scheme.section('endpoints').section(role.endpoint).get('gateway'):
        why.append('the default route leads through it')
    return why or _others_on_port(published, role)


def _others_on_port(published, role):
    """Clauses about who would lose an Ethernet port that leaves its bridge: over an InfiniBand one the bridge stays."""
    if role.mode != modes.ETHERNET:
        return []
    port, name = (of(published, role.interfaces[0], _vlan(role)) for of in (_published_port, _port_name))
    if not is_interface_name(name):
        return ['{0} is not an interface name of up to 15 characters'.format(name)]
    if name != role.endpoint and name in published.scheme.endpoints:
        return ['{0}, where it would move to, is another endpoint'.format(name)]
    if port is None or port.bridge is None:
        return []
    if port.bridge != role.endpoint:
        return ['its port {0} is on {1}, which cannot do without it'.format(port.name, port.bridge)]
    if port.provider != 'lnx':
        return ["its port {0} is Open vSwitch's (provider: {1})".format(port.name, port.provider)]
    patched = set(bridge for patch in published.scheme.patches if port.bridge in patch.bridges
                  for bridge in patch.bridges if bridge != port.bridge)
    if patched:
        return ['its port {0} serves {1} too, through a patch'.format(port.name, ', '.join(sorted(patched)))]
    on_bridge = sorted(other.name for other in published.scheme.ports if other.name != port.name and (
        other.interface == port.bridge or other.bridge == port.bridge and other.interface is None))
    return ['its port {0} serves {1} too'.format(port.name, ', '.join(on_bridge))] if on_bridge else []


def _published_port(published, nic, vlan):
    """The PortSpec of an interface and VLAN, the one on a bridge where there are two; None without one."""
    found = [port for port in published.scheme.ports
             if (port.interface, port.vlan) == (nic, vlan) and port.provider != 'sriov']
    return ([port for port in found if port.bridge] + found + [None])[0]


def _port_name(published, nic, vlan):
    """What netconfig calls an interface and VLAN."""
    port = _published_port(published, nic, vlan)
    return port.name if port else nic if vlan is None else '{0}.{1}'.format(nic, vlan)


def _vlan(role):
    """The VLAN of a role that has one, None: it is untagged."""
    return vlans.numbers(role.vlans)[0] if role.vlans else None


def _obstacles(move, host, ours, sm_check):
    """([(what on the machine stands in the way, what to do)], lines about what does not)."""
    eipoib = host.eipoibs.get(move.nic)
    if eipoib is None or eipoib.parent not in host.interfaces:
        return [('there is no EIPOIB interface of that name, or no IPoIB interface under it',
                 'run: fuel-infiniband discover')], []
    if move.vlan is None:
        return [], []
    pkey, found, notes = PKey(move.vlan, True), [], []
    name = child_name(eipoib.parent, pkey)
    port = host.port_of(eipoib)
    if port is None or port.pkeys is None:
        found.append(('its P_Key table cannot be read', 'run: fuel-infiniband discover'))
    elif pkey not in port.pkeys and sm_check != 'off':
        line = '{0} port {1} has no full P_Key {2} for VLAN {3}'.format(port.hca, port.number, pkey, move.vlan)
        if sm_check == 'fail':
            found.append((line, 'add the partition to the subnet manager, with full membership'))
        else:
            notes.append(line)
    if not is_interface_name(name):
        found.append(('{0} is not an interface name of up to 15 characters'.format(name), 'give it a shorter name'))
    taken = name in host.interfaces and name not in [link.name for link in host.storage]
    if taken and not is_ours(host, ours, name):
        found.append(('{0} exists and is not ours'.format(name), 'remove it'))
    return found, notes


def _ipoib_link(move, host, mode_of, connectable):
    parent = host.interfaces[host.eipoibs[move.nic].parent]
    connected = parent.name in mode_of and parent.name in connectable
    mode, mtu = (CONNECTED, CONNECTED_MTU) if connected else (DATAGRAM, None)
    if move.vlan is not None:
        pkey = PKey(move.vlan, True)
        return StorageLink(child_name(parent.name, pkey), parent.name, pkey, mode, mtu, None, None, move.addresses)
    noted = [link for link in host.storage if link.name == parent.name]
    was_mode, was_mtu = (noted[0].was_mode, noted[0].was_mtu) if noted else (mode_of.get(parent.name), parent.mtu)
    return StorageLink(parent.name, None, None, mode, mtu, was_mode, was_mtu, move.addresses)
