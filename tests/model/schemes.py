# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Generated network schemes, as Fuel 6.1-9.2 and network templates publish them, in which storage reaches some port."""
from __future__ import absolute_import, print_function, unicode_literals

import copy

from hypothesis import strategies as st

from tests.model import netconfig

DRIVERS = {'eth4': 'eth_ipoib', 'eth5': 'eth_ipoib', 'ens5': 'mlx5_core', 'ens6': 'mlx4_en', 'eno3': 'igb'}
IPOIB = {'eth4': 'ib0', 'eth5': 'ib1'}
PORTS = ('eth4', 'eth5', 'ens5', 'ens5', 'ens6', 'ens6', 'eno3')
IN_BOND_WITH = {'eth4': 'eth5', 'eth5': 'eth4', 'ens5': 'ens6', 'ens6': 'ens5', 'eno3': 'ens5'}
VLANS = (None, 100, 202, 291)  # 0x8064 and 0x8123 look like VLANs, 0x80ca does not
MAYBE = st.sampled_from((True, False, False))


def step(kind, name, bridge=None, **more):
    """A transformation."""
    found = dict({'action': 'add-' + kind, 'name': name}, **more)
    return dict(found, bridge=bridge) if bridge else found


def patch(one, other, **more):
    return dict({'action': 'add-patch', 'bridges': [one, other]}, **more)


class Scheme(object):
    """A network scheme in the making.

    :param draw: of hypothesis
    :param only: names of the ways to a NIC, None: all
    """

    def __init__(self, draw, only=None):
        self.draw = draw
        self._only = only
        self.interfaces = dict((name, {'vendor_specific': {'driver': driver}}) for name, driver in DRIVERS.items())
        self.endpoints = {'br-mgmt': {'IP': ['192.168.0.8/24']}, 'br-ex': {'IP': 'none'},
                          'br-adm': {'IP': ['10.20.0.8/24'], 'gateway': '10.20.0.1'}}
        self.roles = {'management': 'br-mgmt', 'admin/pxe': 'br-adm', 'ex': 'br-ex'}
        self.steps = [step('br', name) for name in sorted(self.endpoints)] + [step('port', 'eno3', 'br-adm')]
        self.places = {}  # {endpoint of storage: (interface, VLAN)}
        self.networks = {}

    def value(self):
        """network_scheme."""
        return {'version': '1.1', 'provider': self.draw(st.sampled_from(('lnx', 'lnx', 'lnx', 'ovs'))),
                'interfaces': self.interfaces, 'endpoints': self.endpoints, 'roles': self.roles,
                'transformations': self.steps if self.draw(MAYBE) else self.steps[::-1]}

    def add_storage(self, bridge, address, nic, vlan):
        """Let an endpoint with an address reach a NIC; returns the endpoint's name."""
        more = self.draw(st.sampled_from(({}, {}, {'mtu': 1500}, {'provider': 'ovs'},
                                          {'provider': 'lnx', 'vendor_specific': {'a': 1}})))
        ways = _ways(bridge, nic, vlan, more)
        way = self.draw(st.sampled_from([way for way in sorted(ways) if way in (self._only or ways)] + ['bridge'] * 3))
        if way in ('named', 'named-port'):
            ways[way][-1].update(vlan_dev=nic, **self.draw(st.sampled_from((
                {'name': 'vlan{0}'.format(vlan)}, {'name': 'vlan7', 'vlan_id': vlan}))))
        self.steps += ways[way]
        name = {'nic': nic, 'port': spelled(nic, vlan), 'internal': 'guest0',
                'bond-port': spelled(bridge.replace('br', 'bond'), vlan)}.get(way, bridge)
        if way == 'named-port':
            name = ways[way][-1]['name']
        self.places[name] = (min(nic, IN_BOND_WITH[nic]) if way.startswith('bond') else nic,
                             None if way in ('bond', 'nic') else vlan)
        self.endpoints[name] = {'IP': [address]}
        return name

    def is_bridge(self, name):
        return any(each.get('name') == name and each['action'] == 'add-br' for each in self.steps)

    def is_patched(self, name):
        return any(name in each.get('bridges', ()) for each in self.steps)


def spelled(nic, vlan):
    return nic if vlan is None else '{0}.{1}'.format(nic, vlan)


def _ways(bridge, nic, vlan, more):
    """{name: the transformations} of all ways from a bridge, or without one, to a NIC."""
    port, aux, bond = spelled(nic, vlan), bridge + 'x', bridge.replace('br', 'bond')
    made, members = step('br', bridge), [nic, IN_BOND_WITH[nic]]
    ways = {
        'bridge': [made, step('port', port, bridge, **more)],
        'twice': [step('port', port), made, step('port', port, bridge, **more)],
        'bridge-last': [step('port', port, bridge, **more), made],
        'trunk': [made, step('br', aux), step('port', nic, aux, **more), patch(bridge, aux, vlan_ids=[0, vlan or 0])],
        'patch': [made, step('br', aux), step('port', port, aux, **more), patch(aux, bridge, mtu=65000)],
        'port': [step('port', port, **more)],
        'nic': [],
        'bond': [step('bond', bond, bridge, interfaces=members), made],
        'bond-vlan': [step('bond', bond, interfaces=members[::-1], bond_properties={'mode': 'active-backup'}), made,
                      step('port', spelled(bond, vlan), bridge)],
        'bond-port': [step('bond', bond, interfaces=members)] + ([step('port', spelled(bond, vlan))] if vlan else []),
        'internal': [step('br', bridge, provider='ovs'), step('port', nic, bridge, provider='ovs'),
                     step('port', 'guest0', bridge, provider='ovs', type='internal', vlan_id=vlan)],
    }
    if vlan:
        ways.update({'named': [made, step('port', None, bridge, **more)], 'named-port': [step('port', None, **more)]})
    return ways


def _routes(scheme, name):
    scheme.endpoints[name].update(routes=[{'net': '10.9.0.0/16', 'via': '192.168.1.1'}], vendor_specific={'x': None})


def _gateway(scheme, name):
    scheme.endpoints[name]['gateway'] = '192.168.1.1'


def _mtu(scheme, name):
    nic = scheme.places[name][0]
    scheme.interfaces[nic]['mtu'] = 9000
    if scheme.draw(st.booleans()):
        del scheme.interfaces[nic]['mtu']
        scheme.steps.append(step('port', nic, mtu=4000))


def _role(scheme, name):
    scheme.roles[scheme.draw(st.sampled_from(('swift/replication', 'ceph/public', 'neutron/mesh', 'mgmt/vip')))] = name


def _target(scheme, name):
    target = scheme.draw(st.sampled_from((spelled(*scheme.places[name]), 'ib0', 'ib0.8123', 'ib0.80ca')))
    scheme.steps += scheme.draw(st.sampled_from(([], [step('port', target)], [step('port', target, vlan_dev=False)])))
    scheme.endpoints.setdefault(target, scheme.draw(st.sampled_from(({'IP': 'none'}, {'IP': ['192.168.7.8/24']}))))


def _nothing(scheme, name):
    scheme.steps += [{'action': 'noop', 'name': 'x'}] * 2
    scheme.interfaces['eno9'] = scheme.endpoints['br-mgmt'] = None


def _beside(scheme, name):
    nic = scheme.places[name][0]
    scheme.steps.append(scheme.draw(st.sampled_from((
        step('port', nic + '.101', 'br-mgmt'), step('port', nic), step('port', nic, 'br-mgmt', provider='sriov')))))


def _network(scheme, name):
    scheme.networks['physnet2'] = {'bridge': name, 'vlan_range': '202:202'}


def _patched(scheme, name):
    scheme.steps += [step('br', 'br-prv', provider='ovs'), patch('br-prv', name)]


def _second(scheme, name):
    nic, vlan = scheme.places[name]
    if not scheme.is_patched(name):  # else nobody can tell which of two ways storage takes
        port = scheme.draw(st.sampled_from(('ens6.77', spelled(nic, None if vlan else 77))))
        scheme.steps.append(step('port', port, name))


def _on_bridge(scheme, name):
    attached = scheme.draw(st.sampled_from((step('port', 'vlan300', vlan_dev=name), step('port', name + '.300'),
                                            step('port', 'guest', name, type='internal'))))
    scheme.steps.append(attached)
    scheme.endpoints[attached['name']] = {'IP': ['192.168.8.8/24']}


EVERYWHERE = (_routes, _gateway, _mtu, _role, _target, _nothing, _beside)
ON_BRIDGES = (_network, _patched, _second, _on_bridge)


@st.composite
def published(draw, others=3, ports=PORTS, vlans=VLANS, only=None):
    """(network_scheme, {endpoint of storage: (interface, VLAN)}, quantum_settings).

    :param others: how many more things there may be, that concern storage or not
    :param ports: names of those that storage may use
    :param vlans: numbers, None: untagged
    :param only: names of the ways to the port, None: all
    """
    scheme = Scheme(draw, only)
    nic = draw(st.sampled_from(ports))
    name = scheme.add_storage('br0', '192.168.1.8/24', nic, draw(st.sampled_from(vlans)))
    scheme.roles.update({'storage': name, 'cinder/iscsi': name})
    if draw(MAYBE):
        nic = draw(st.sampled_from((nic, nic) + ports))
        scheme.roles['cinder/iscsi'] = scheme.add_storage('br1', '192.168.2.8/24', nic, draw(st.sampled_from(vlans)))
    for _ in range(draw(st.integers(0, others))):
        name = draw(st.sampled_from(sorted(scheme.places)))
        draw(st.sampled_from(EVERYWHERE + (ON_BRIDGES if scheme.is_bridge(name) else ())))(scheme, name)
    return scheme.value(), scheme.places, {'L2': {'phys_nets': scheme.networks}}


@st.composite
def overrides(draw, release, scheme, name):
    """What the file of overrides holds before, as an object: other keys, and in 6.1 and 7.0 another plugin's scheme.

    :param name: an endpoint of storage
    """
    found = draw(st.sampled_from(({}, {'other': {'a': [1]}})))
    if release not in netconfig.REPLACES or draw(st.booleans()):
        return found
    theirs = copy.deepcopy(scheme)
    kind = draw(st.sampled_from(('same', 'more', 'patched', 'fewer', 'bare', 'lost')))
    if kind == 'more':
        theirs['endpoints']['br-own'] = {'IP': ['192.168.6.8/24']}
        theirs['transformations'].append(step('br', 'br-own'))
    elif kind == 'patched':
        theirs['transformations'] += [step('br', 'br-own'), patch('br-own', name)]
    elif kind == 'fewer':
        del theirs['transformations'][draw(st.integers(0, len(theirs['transformations']) - 1))]
    elif kind == 'bare':
        theirs['transformations'].append(step('port', draw(st.sampled_from(('ib0', 'ib1', 'ens5', 'ens6.202')))))
    elif kind == 'lost':
        del theirs[draw(st.sampled_from(sorted(theirs)))]
    return dict(found, network_scheme=theirs)


JUNK = st.sampled_from((None, {}, [], '', 'x', 7, True, [None], [[]], {'a': None}, {'name': 'ens5'}))


def spoil(draw, value):
    """Replace something in a mapping, at any depth, by what does not belong there."""
    while True:
        keys = list(range(len(value))) if isinstance(value, list) else sorted(value)
        key = draw(st.sampled_from(keys))
        if not value[key] or not isinstance(value[key], (dict, list)) or draw(MAYBE):
            value[key] = copy.deepcopy(draw(JUNK))
            return
        value = value[key]
