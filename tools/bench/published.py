# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""One astute.yaml of 35 KB: reading and planning everything, against the same loader alone."""
from __future__ import annotations

from plugin_lib import published
from plugin_lib.host.state import Eipoib, Host, Interface, Modules, Port
from plugin_lib.pkey import PKey
from plugin_lib.planning import drivers, ovs, service, vlans
from plugin_lib.published import document, settings
from tools.bench.measure import ROOT, at_most, in_turn


def results():
    safe = document.Loader.__mro__[1]  # the safe loader that ours is made of
    path = ROOT / 'build' / 'bench-astute.yaml'
    path.parent.mkdir(exist_ok=True)
    path.write_text(large_astute(), encoding='utf-8')
    keys = (PKey(0x7fff, True), *(PKey(vlan, True) for vlan in (201, 202, 1000, 1001, 1002, 1003)))
    mac = '0c:c4:7a:00:00:04'
    host = Host({'eth4': Interface('eth4', 4, mac, 'ethernet', True, 'up', 1500, 'eth_ipoib', 'ib0', None)},
                (Port('mlx4_0', 1, '0000:03:00.0', 'ACTIVE', 'InfiniBand', '0x1', '0x1', '56 Gb/sec', keys,
                      tuple(range(len(keys))), None),),
                {'eth4': Eipoib('eth4', 'ib0', 'mlx4_0', 1, mac, True, (), (), True)}, {}, ())
    every = frozenset(('mlx4_core', 'mlx4_ib', 'ib_ipoib', 'eth_ipoib'))

    def ours():
        data = published.read(str(path))
        chosen = settings.read(data.settings)
        drivers.plan(data, chosen, Modules('4.4.0', every, every), None)
        service.plan(chosen, None, False)
        ovs.plan(data, host, None)
        assert len(vlans.plan(host, {}).steps) > len(keys) - 1

    def theirs():
        safe(path.read_bytes()).get_single_data()

    return [at_most('reading and planning 35 KB of astute.yaml, against loading it', *in_turn(41, ours, theirs), 1.3)]


def large_astute():
    """Published data of the usual size: the project's own file and the description of more nodes."""
    text = (ROOT / 'tests/fixtures/astute/9.2-two-ports.yaml').read_text(encoding='utf-8')
    nodes = ''
    for number in range(1, 1000):
        nodes += (f'    node-{number}:\n      fqdn: node-{number}.example.org\n      name: node-{number}\n'
                  f'      uid: "{number}"\n      swift_zone: "{number}"\n      user_node_name: slave-{number}\n'
                  f'      node_roles:\n      - compute\n      network_roles:\n        management: 192.168.0.{number}\n'
                  f'        storage: 192.168.1.{number}\n        neutron/private: null\n')
        if len(text) + len(nodes) > 35000:
            return f'{text}network_metadata:\n  nodes:\n{nodes}'
    raise AssertionError('the nodes are too few to fill 35 KB')
