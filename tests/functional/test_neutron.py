# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Routers of Neutron on two nodes reach each other over EIPOIB, as soon as Neutron has made them.

Covered: the network noted in the database (Fuel 7.0 to 9.2) or in flows alone (6.1), each node with a number of its own
for it, and one that is the VLAN of another network; a router that goes; a vswitchd that does not answer.
"""
import os

import pytest

from tests.functional.eipoibd_node import CONFIG, Service, install, status, until
from tests.lab import lab, neutron, ports, requirements, vifs

VLANS = (100, 101)


@pytest.fixture(scope='module', autouse=True)
def able():
    missing = requirements.missing()
    if missing:
        pytest.skip('level 1 of the lab cannot run here: ' + '; '.join(missing))


def served(node, mac):
    return sorted(vlan for _, each, vlan in vifs.shown(node) if each == mac)


@pytest.mark.parametrize('noted', [True, False], ids=['in-the-database', 'in-flows'])
def test_routers_reach_each_other(noted):
    def body(made):
        nodes = [made.add_node([0xffff, *(0x8000 | vlan for vlan in VLANS)]) for _ in range(2)]
        for node in nodes:
            install(node)
            node.write(CONFIG, '[eipoibd]\nresync_interval = 3600\nvif_grace = 1\n')
            node.run('ip', 'link', 'set', 'eth4', 'up')
            node.run('ovs-vsctl', 'add-br', 'br-prv', '--', 'set', 'bridge', 'br-prv', 'datapath_type=netdev',
                     '--', 'add-port', 'br-prv', 'eth4')
        with Service(nodes[0]), Service(nodes[1]):
            routers = {}
            for node, tags in zip(nodes, ((1, 2), (101, 100))):
                neutron.bridge_physical_network(node, 'br-prv')
                for vlan, tag in zip(VLANS, tags):
                    routers[node, vlan] = neutron.add_router(node, 'br-prv', vlan, tag, noted)
            for (node, vlan), router in routers.items():
                until(lambda node=node, vlan=vlan, router=router: served(node, router.mac) == [str(vlan)])
            for vlan in VLANS:
                until(lambda vlan=vlan: ports.answers(nodes[0], ports.address(nodes[1], vlan),
                                                      inside=routers[nodes[0], vlan].inside))
            gone = routers[nodes[0], 100]
            nodes[0].run('ovs-vsctl', 'del-port', 'br-int', gone.port)
            until(lambda: served(nodes[0], gone.mac) == [])
            assert served(nodes[0], routers[nodes[0], 101].mac) == ['101']
            if not noted:
                assert_survives_silence(nodes[0], routers[nodes[0], 101])

    assert lab.run(body) in (0, None), 'what failed in the lab is on stderr'


def assert_survives_silence(node, router):
    """The flows cannot be asked: what they said counts."""
    os.rename(node.path('/run/openvswitch/br-prv.mgmt'), node.path('/run/openvswitch/elsewhere'))
    node.run('ovs-vsctl', '--no-wait', 'add-port', 'br-int', 'more', '--', 'set', 'interface', 'more', 'type=internal',
             'external_ids:attached-mac="02:00:00:00:00:01"', '--', 'set', 'port', 'more', 'tag=2')
    until(lambda: any('br-prv.mgmt' in line for line in status(node)['warnings']))
    until(lambda: served(node, '02:00:00:00:00:01') == ['101'])
    assert served(node, router.mac) == ['101']
