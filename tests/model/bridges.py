# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Bridges in memory: published data, a machine, a database of Open vSwitch, and what applying a plan makes of them.

Stands in for effect.ovsdb and effect.rtnetlink; tests/functional/test_ovs*.py hold those to the real thing.
"""
from __future__ import absolute_import, print_function, unicode_literals

import json
import re

from plugin_lib.host.state import Eipoib, Host
from plugin_lib.host.state import Interface as Nic
from plugin_lib.host.state import Port as HcaPort
from plugin_lib.host.switch import Bridge, Interface, Port, Snapshot
from plugin_lib.pkey import PKey
from plugin_lib.planning import ovs
from plugin_lib.planning.link_operations import AddBridgeLink, AddVethPair, AddVlanLink, SetMaster
from plugin_lib.planning.operations import LinkUp, SetMtu
from plugin_lib.planning.ovs_changes import MARK, AddBond, AddBridge, AddPort, DelBridge, DelPort, RequestMtu, SetVlans
from tests.model.astute import astute

MAC = '02:00:00:00:00:04'
OWNED = {MARK: 'owned'}
TRUNKS = {MARK: 'trunks'}
KEYS = (0xffff, 0x80c9, 0x80ca, 0x83e8)  # the default one, VLANs 201, 202, 1000
ROLES = (('management', 'br-mgmt'), ('storage', 'br-storage'), ('neutron/private', 'br-prv'))


def bridge(name, provider='ovs', **more):
    return dict({'action': 'add-br', 'name': name, 'provider': provider}, **more)


def port(name, to, **more):
    return dict({'action': 'add-port', 'name': name, 'bridge': to}, **more)


def patch(first, second, **more):
    return dict({'action': 'add-patch', 'bridges': [first, second]}, **more)


# All of it in Open vSwitch.
USUAL = [bridge('br-mgmt'), bridge('br-prv'), bridge('br-aux'), port('eth4', 'br-aux'), port('eth4.201', 'br-mgmt'),
         patch('br-prv', 'br-aux')]
BRIDGES = ('br-mgmt', 'br-prv', 'br-aux')


def said(transformations, roles=ROLES, driver='eth_ipoib', private='1000:1000', more=()):
    """What published.read makes of an astute.yaml with these transformations.

    :param roles: pairs of role and endpoint
    :param private: Neutron's VLANs on br-prv, None where Fuel does not tell them
    :param more: what network_scheme has beside
    """
    scheme = {
        'version': '1.1', 'provider': 'lnx', 'transformations': transformations, 'roles': dict(roles),
        'interfaces': dict((name, {'vendor_specific': {'driver': driver, 'bus_info': 'ib0'}})
                           for name in ('eth4', 'eth5')),
        'endpoints': dict((name, {'IP': 'none'}) for _, name in roles)}
    document = {'network_scheme': dict(scheme, **dict(more))}
    if private:
        document['quantum_settings'] = {'L2': {'phys_nets': {'physnet2': {'bridge': 'br-prv', 'vlan_range': private}}}}
    return astute(json.dumps(document))


def nic(name, mtu=1500, **more):
    """An Interface that is up."""
    return Nic(name, 5, MAC, 'ethernet', True, 'up', mtu, None, None)._replace(**more)


def machine(keys=KEYS, names=('eth4',), masters=(), others=(), mtu=2044):
    """A Host with EIPOIB interfaces over one HCA port.

    :param keys: the P_Key table under each, None for one that cannot be read
    :param masters: {name: master} of more interfaces; ``eth4.201`` is VLAN 201 of eth4, and eth7 an EIPOIB interface
    :param others: more Interfaces
    :param mtu: of the IPoIB parent and all of these, in bytes
    """
    pkeys = None if keys is None else tuple(PKey.from_value(key) for key in keys)
    hca = HcaPort('mlx4_0', 1, '0000:03:00.0', 'ACTIVE', 'InfiniBand', 1, 1, '40', pkeys, None, None)
    nics = dict((name, nic(name, mtu, driver='eth_ipoib', bus_info='ib0')) for name in names)
    nics['ib0'] = nic('ib0', mtu)
    for name, master in dict(masters).items():
        parent, dot, vlan = name.partition('.')
        nics[name] = nic(name, mtu, master=master, **(
            {'kind': 'vlan', 'parent': parent, 'vlan': int(vlan)} if dot and vlan.isdigit() else {}))
    eipoibs = dict((name, Eipoib(name, 'ib0', 'mlx4_0', 1, MAC, True, (), (), True))
                   for name in nics if re.match(r'^eth\d+$', name))
    nics.update((each.name, each) for each in others)
    return Host(nics, (hca,), eipoibs, {}, ())


def linux(*names):
    """Interfaces that are Linux bridges."""
    return [nic(name, kind='bridge') for name in names]


def database(bridges=(), ports=()):
    """A Snapshot of bridges, by name, and ports: (bridge, name, {tag, trunks, vlan_mode, peer, ids, kind})."""
    found = Snapshot({}, {}, {})
    for name in bridges:
        found.bridges[name] = Bridge(name, 'netdev', {})
        put(found, name, name, kind='internal')
    for on, name, extra in ports:
        put(found, on, name, **extra)
    return found


def put(snapshot, on, name, tag=None, trunks=(), vlan_mode=None, peer=None, ids=(), kind=''):
    """Add a port to a Snapshot."""
    snapshot.ports[name] = Port(name, on, tag, tuple(trunks), vlan_mode, dict(ids), (name,))
    snapshot.interfaces[name] = Interface(name, 'patch' if peer else kind, {'peer': peer} if peer else {}, {}, None)


def configured(text, host):
    """(Host, Snapshot) as l23network leaves them: every bridge, port, bond and patch of the scheme is there."""
    scheme, nics = text.scheme, dict(host.interfaces)
    providers = dict((each.name, each.provider) for each in scheme.bridges.values())
    snapshot = database([name for name in providers if providers[name] == 'ovs'])
    for name in providers:
        nics[name] = nic(name, kind='bridge' if providers[name] == 'lnx' else None)
    for bond in scheme.bonds.values():
        nics[bond.name] = nic(bond.name, host.interfaces['ib0'].mtu, kind='bond')
        for name in bond.interfaces:
            nics[name] = nics.get(name, nic(name))._replace(master=bond.name)
    whole = [bond._replace(interfaces=bond.name) for bond in scheme.bonds.values()]
    for name, to, interface, vlan in [each[:4] for each in scheme.ports] + [each[:3] + (None,) for each in whole]:
        if name != interface:
            nics[name] = nic(name, nics[interface].mtu, kind='vlan', parent=interface, vlan=vlan)
        if providers.get(to) == 'ovs':
            put(snapshot, to, name)
        elif to:
            nics[name] = nics.get(name, nic(name))._replace(master=to)
    for first, second in [sorted(each.bridges, key=lambda name: providers[name] == 'lnx') for each in scheme.patches]:
        jack = 'p_{0}'.format(len(snapshot.ports))
        if providers[second] == 'ovs':
            put(snapshot, first, jack + '-0', peer=jack + '-1')
            put(snapshot, second, jack + '-1', peer=jack + '-0')
        else:
            put(snapshot, first, jack, kind='internal')
            nics[jack] = nic(jack, 65000, master=second)
    return host._replace(interfaces=nics), snapshot


def changes(plan):
    """The changes of a plan's transaction with Open vSwitch."""
    return [change for step in plan.steps for operation in step.operations if hasattr(operation, 'changes')
            for change in operation.changes]


def operations(plan):
    """The operations of a plan outside Open vSwitch."""
    return [operation for step in plan.steps for operation in step.operations if not hasattr(operation, 'changes')]


def after(host, snapshot, plan):
    """(Host, Snapshot) once a plan is applied; what is not possible is an AssertionError."""
    found = snapshot and Snapshot(*[dict(each) for each in snapshot[:3]])
    nics = dict(host.interfaces)
    for change in changes(plan):
        _change(found, nics, change)
    for operation in operations(plan):
        _do(nics, operation)
    return host._replace(interfaces=nics), found


def settled(text, host, snapshot):
    """The plan of the stage ovs; a plan on what it leads to is empty."""
    plan = ovs.plan(text, host, snapshot)
    again = ovs.plan(text, *after(host, snapshot, plan))
    assert again.steps == ()
    return plan


def told(text, host, snapshot):
    """(changes of Open vSwitch, findings) of a plan that leads to an empty one."""
    plan = settled(text, host, snapshot)
    return changes(plan), list(plan.findings)


def ready():
    """A database with everything of USUAL."""
    return after(machine(), database(BRIDGES), ovs.plan(said(USUAL), machine(), database(BRIDGES)))[1]


def _change(found, nics, change):
    if isinstance(change, AddBridge):
        assert change.name not in found.bridges
        found.bridges[change.name] = Bridge(change.name, change.datapath_type, OWNED)
        put(found, change.name, change.name, kind='internal')
        nics[change.name] = nic(change.name)
    elif isinstance(change, DelBridge):
        assert [each.name for each in found.ports.values() if each.bridge == change.name] == [change.name]
        del found.bridges[change.name], found.ports[change.name]
        nics.pop(change.name, None)
    elif isinstance(change, AddPort):
        assert change.name not in found.ports and change.bridge in found.bridges
        assert (change.name in nics) is not (change.internal or bool(change.peer))
        put(found, change.bridge, change.name, change.tag, change.trunks, None, change.peer, OWNED,
            'internal' if change.internal else '')
        if change.internal:
            nics[change.name] = nic(change.name)._replace(up=False)
    elif isinstance(change, AddBond):
        assert change.name not in found.ports and not set(change.interfaces) & set(found.ports)
        assert change.name not in nics and set(change.interfaces) <= set(nics)
        found.ports[change.name] = Port(change.name, change.bridge, change.tag, change.trunks, None, OWNED,
                                        change.interfaces)
    elif isinstance(change, DelPort):
        _del_port(found, nics, change)
    elif isinstance(change, RequestMtu):
        nics[change.name] = nics[change.name]._replace(mtu=change.mtu)
    else:
        assert isinstance(change, SetVlans)
        have = found.ports[change.name]
        found.ports[change.name] = have._replace(tag=change.tag, trunks=change.trunks, vlan_mode=None,
                                                 external_ids=dict(TRUNKS, **have.external_ids))


def _del_port(found, nics, change):
    port = found.ports.pop(change.name)
    assert port.bridge == change.bridge
    for name in port.interfaces:
        row = found.interfaces.pop(name, None)
        if row and row.type == 'internal':
            nics.pop(name, None)
        elif name in nics and nics[name].master == 'ovs-system':
            nics[name] = nics[name]._replace(master=None)


def _do(nics, operation):
    if isinstance(operation, AddBridgeLink):
        assert operation.name not in nics
        nics[operation.name] = nic(operation.name, kind='bridge', up=False)
    elif isinstance(operation, AddVlanLink):
        assert operation.name not in nics
        nics[operation.name] = nic(operation.name, nics[operation.parent].mtu, kind='vlan', parent=operation.parent,
                                   vlan=operation.vlan, up=False)
    elif isinstance(operation, AddVethPair):
        assert operation.name not in nics and operation.peer not in nics
        for name, peer in (operation, operation[::-1]):
            nics[name] = nic(name, kind='veth', parent=peer, up=False)
    elif isinstance(operation, SetMaster):
        assert nics[operation.bridge].kind == 'bridge' and nics[operation.interface].master is None
        nics[operation.interface] = nics[operation.interface]._replace(master=operation.bridge)
    elif isinstance(operation, SetMtu):
        nics[operation.interface] = nics[operation.interface]._replace(mtu=operation.mtu)
    else:
        assert isinstance(operation, LinkUp)
        nics[operation.interface] = nics[operation.interface]._replace(up=True)
