# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Virtual functions on real published data of every Fuel release: the device under the private network, or why not.

The files are those of test_published_releases.py; the machine has one HCA, whose firmware allows eight.
"""
import pytest

from plugin_lib import published
from plugin_lib.host.sriov import Function
from plugin_lib.host.state import Host
from plugin_lib.planning import passthrough, sriov
from plugin_lib.published import settings
from tests.functional.test_published_releases import ASTUTE

pytestmark = pytest.mark.skipif(not ASTUTE.is_dir(), reason=f'no reference material: {ASTUTE} is missing')

ON = settings.read(None)._replace(sriov=True, num_of_vfs=8)
NO_HOST = Host({}, (), {}, {}, ())
HCA = {'0000:03:00.0': Function('0000:03:00.0', 'mlx4_core', 'mlx4_0', 8, None, (), None, {})}
NO_VLANS, NO_PORT = 'not nova-network or tunnels', 'is no InfiniBand port'
# For each file: the interfaces that carry the private network and their devices, or what each problem says.
EXPECTED = {
    '6.1__neut_vlan.ceph.ceil-primary-controller.yaml': [NO_PORT],
    '6.1__novanet-compute.yaml': [NO_VLANS],
    '7.0__neut_gre.murano.sahara-compute.yaml': [NO_VLANS],
    '9.2__neut_tun.ironic-primary-controller.yaml': [NO_PORT],
    '9.2__neut_tun.multirack.murano.sahara.ceil.ceph.public_ssl-compute.yaml': [NO_VLANS],
    '9.2__neut_vlan.ceph-compute.yaml': [NO_PORT],
    'h__8.0dev-neut_vlan.compute.nossl-sriov.yaml': [NO_PORT],
    'nailgun_6.1__compute.yaml': {'eth2': '0000:03:00.0'},
    'nailgun_7.0__compute.yaml': {'eth2': '0000:03:00.0'},
    'nailgun_9.2__clean.compute-cinder.yaml': {'eth2': '0000:03:00.0'},
    'nailgun_9.2__bond.compute-cinder.yaml': {'eth2': '0000:03:00.0', 'eth3': '0000:03:00.0'},
    'nailgun_6.1__primary-controller.yaml': {'eth2': '0000:03:00.0'},
    'derived_6.1__ipoib_two_nics_vlan.controller.yaml': [NO_VLANS],  # it holds nothing of Neutron
}


@pytest.mark.parametrize('name', EXPECTED)
def test_the_device_under_the_private_network_or_why_not(name):
    data = published.read(str(ASTUTE / name))
    found = [error.why for error in sriov.problems(data, ON, NO_HOST, HCA, {})]
    if isinstance(EXPECTED[name], list):
        assert [text in why for text, why in zip(EXPECTED[name], found, strict=True)] == [True] * len(found)
        return
    assert found == []
    assert {carrier.interface: carrier.pci for carrier in sriov.carriers(data, NO_HOST)} == EXPECTED[name]
    assert data.physical_networks[sriov.private_role(data).endpoint].name == 'physnet2'
    if sriov.has_guests(data):
        nova = passthrough.Services('[DEFAULT]\n', None, None, frozenset(), frozenset())
        assert passthrough.plan(data, ON, NO_HOST, HCA, nova).steps == (), 'there are no virtual functions yet'
