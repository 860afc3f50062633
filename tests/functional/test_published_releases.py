# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Real and derived astute.yaml files of every Fuel release give the right interfaces and roles, file by file.

The files are read from the folder of reference material (FUEL_INFINIBAND_SHARED, else ../shared beside the checkout)
and compared by endpoint: what the transformations of each file say, read by eye.
"""
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ASTUTE = Path(os.environ.get('FUEL_INFINIBAND_SHARED', ROOT.parent / 'shared')) / 'astute'
pytestmark = pytest.mark.skipif(
    not ASTUTE.is_dir(), reason=f'no reference material: {ASTUTE} is missing (set FUEL_INFINIBAND_SHARED)')

IGB, IPOIB = ('igb', 'other'), ('eth_ipoib', 'infiniband')
PRIVATE = [[1000, 1030]]


def nics(count, driver='e1000', prefix='eth', start=0):
    return {f'{prefix}{number}': (driver, 'other') for number in range(start, start + count)}


# For each file: interfaces {name: (driver, mode)}, endpoints {endpoint: (interfaces, bond, vlans, mode)}, node mode,
# number of roles, warnings (a part of each).
EXPECTED = {
    '6.1__neut_vlan.ceph.ceil-primary-controller.yaml': (nics(5), {
        'br-ex': (['eth1'], None, [], 'other'), 'br-fw-admin': (['eth0'], None, [], 'other'),
        'br-mgmt': (['eth0'], None, [[101, 101]], 'other'), 'br-storage': (['eth0'], None, [[102, 102]], 'other'),
        'br-floating': (['eth1'], None, [], 'other'), 'br-prv': (['eth0'], None, PRIVATE, 'other')}, 'none', 6, []),
    '6.1__novanet-compute.yaml': ({f'eth{n}': (None, 'other') for n in range(5)}, {
        'br-ex': (['eth1'], None, [], 'other'), 'br-fw-admin': (['eth0'], None, [], 'other'),
        'br-mgmt': (['eth0'], None, [[101, 101]], 'other'), 'br-storage': (['eth0'], None, [[102, 102]], 'other'),
        'eth0.103': (['eth0'], None, [[103, 103]], 'other')}, 'none', 5, []),
    '7.0__neut_gre.murano.sahara-compute.yaml': (nics(5), {
        'br-fw-admin': (['eth0'], None, [], 'other'), 'br-mgmt': (['eth0'], None, [[101, 101]], 'other'),
        'br-storage': (['eth0'], None, [[102, 102]], 'other')}, 'none', 27, [
            'role ex is left out', 'role neutron/floating is left out: its endpoint br-floating does not exist',
            'role neutron/private is left out', 'role public/vip is left out']),
    '9.2__neut_tun.ironic-primary-controller.yaml': (nics(5, prefix='enp0s', start=3), {
        'br-fw-admin': (['enp0s3'], None, [], 'other'), 'br-mgmt': (['enp0s3'], None, [[101, 101]], 'other'),
        'br-storage': (['enp0s3'], None, [[102, 102]], 'other'), 'br-ex': (['enp0s4'], None, [], 'other'),
        'br-baremetal': (['enp0s3'], None, [[104, 104]], 'other'), 'br-floating': (['enp0s4'], None, [], 'other'),
        'br-prv': (['enp0s3'], None, PRIVATE, 'other')}, 'none', 36, []),
    '9.2__neut_tun.multirack.murano.sahara.ceil.ceph.public_ssl-compute.yaml': (nics(5, prefix='enp0s', start=3), {
        'br-fw-admin': (['enp0s3'], None, [], 'other'), 'br-mgmt': (['enp0s3'], None, [[101, 101]], 'other'),
        'br-storage': (['enp0s3'], None, [[102, 102]], 'other'),
        'br-mesh': (['enp0s3'], None, [[103, 103]], 'other')}, 'none', 31, []),
    '9.2__neut_vlan.ceph-compute.yaml': (nics(5, prefix='enp0s', start=3), {
        'br-fw-admin': (['enp0s3'], None, [], 'other'), 'br-mgmt': (['enp0s3'], None, [[101, 101]], 'other'),
        'br-storage': (['enp0s3'], None, [[102, 102]], 'other'),
        'br-prv': (['enp0s3'], None, PRIVATE, 'other')}, 'none', 31, []),
    'derived_6.1__ipoib_two_nics_vlan.controller.yaml': ({'eth0': IGB, 'eth1': IPOIB}, {
        'br-ex': (['eth0'], None, [[100, 100]], 'other'), 'br-fw-admin': (['eth0'], None, [], 'other'),
        'br-floating': (['eth0'], None, [[100, 100]], 'other'),
        'br-mgmt': (['eth1'], None, [[101, 101]], 'infiniband'), 'br-prv': (['eth1'], None, PRIVATE, 'infiniband'),
        'br-storage': (['eth1'], None, [[102, 102]], 'infiniband')}, 'infiniband', 6, []),
    'derived_6.1__mlx4en_storage_untagged.compute.yaml': ({'eth0': IGB, 'eth1': ('mlx4_en', 'ethernet')}, {
        'br-fw-admin': (['eth0'], None, [], 'other'), 'br-mgmt': (['eth0'], None, [[101, 101]], 'other'),
        'br-prv': (['eth1'], None, PRIVATE, 'ethernet'), 'br-storage': (['eth1'], None, [], 'ethernet')},
        'ethernet', 4, []),
    'derived_9.2__bond_two_ipoib_same_bus.compute.yaml': (
        {**{f'eth{n}': IGB for n in (0, 1, 2, 5, 6, 8)}, 'eth3': IPOIB, 'eth7': IPOIB}, {
            'br-fw-admin': (['eth0'], None, [], 'other'),
            'br-mgmt': (['eth3', 'eth7'], 'bond0', [[101, 101]], 'infiniband'),
            'br-storage': (['eth3', 'eth7'], 'bond0', [[102, 102]], 'infiniband'),
            'br-prv': (['eth3', 'eth7'], 'bond0', [], 'infiniband')}, 'infiniband', 31, []),
    'derived_9.2__template_hardware.compute.yaml': (nics(5, prefix='enp0s', start=3), {
        'br-fw-admin': (['enp0s3'], None, [], 'other'), 'br-ex': (['enp0s4'], None, [], 'other'),
        'br-floating': (['enp0s4'], None, [], 'other'), 'br-mgmt': (['enp0s4'], None, [[360, 360]], 'other'),
        'br-storage': (['enp0s4'], None, [[361, 361]], 'other'), 'br-prv': (['enp0s3'], None, [[362, 362]], 'other'),
        'br-openstack': (['enp0s4'], None, [[365, 365]], 'other'),
        'br-messaging': (['enp0s4'], None, [[368, 368]], 'other')}, 'none', 26, []),
    'h__8.0dev-neut_vlan.compute.nossl-sriov.yaml': (nics(5), {
        'br-fw-admin': (['eth0'], None, [], 'other'), 'br-mgmt': (['eth0'], None, [[101, 101]], 'other'),
        'br-storage': (['eth0'], None, [[102, 102]], 'other'), 'br-prv': (['eth0'], None, PRIVATE, 'other')},
        'none', 27, []),
    'l23__baremetal-ixgbe-igb-eth2.140-141.yaml': (
        {'eth0': IGB, 'eth1': IGB, 'eth2': ('ixgbe', 'other'), 'eth3': ('ixgbe', 'other')}, {}, 'none', 0, []),
    'l23__dpdk-tg3-ixgbe-quoted.yaml': (
        {'eno1': ('tg3', 'other'), 'enp2s0f0': ('tg3', 'other'), 'enp1s0f0': ('ixgbe', 'other'),
         'enp1s0f1': ('ixgbe', 'other')}, {}, 'none', 0, ['the whole file is read as one']),
    'l23__infiniband-ib2.8001-port.yaml': ({'ib2.8001': (None, 'other')}, {}, 'none', 0, []),
    'l23__phys_dev-bond-patches-44.yaml': ({f'eth{n}': (None, 'other') for n in (0, 1, 2, 3, 4, 5, 44)}, {
        'eth0': (['eth0'], None, [], 'other'), 'eth4': (['eth4'], None, [], 'other'),
        'br-ex': (['eth2', 'eth3'], 'bond0', [[102, 102]], 'other'), 'br-mgmt': (['eth1'], None, [[101, 101]], 'other'),
        'br-storage': (['eth2', 'eth3'], 'bond0', [], 'other'),
        'br-floating': (['eth2', 'eth3'], 'bond0', [[102, 102]], 'other'),
        'br-prv': (['eth2', 'eth3'], 'bond0', [], 'other'),
        'br-aux': (['eth2', 'eth3', 'eth5'], 'bond0', [[105, 105], [110, 110]], 'other'),
        'br44': (['eth44'], None, [], 'other'), 'bond0.103': (['eth2', 'eth3'], 'bond0', [[103, 103]], 'other')},
        'none', 10, ['the whole file is read as one']),
    'misc__tsipa-4.x-v1.0-gre-controller.yaml': ({f'eth{n}': (None, 'other') for n in range(3)}, {
        'br-ex': (['eth1'], None, [], 'other'), 'br-fw-admin': (['eth0'], None, [], 'other'),
        'br-mgmt': (['eth0'], None, [[101, 101]], 'other'), 'br-storage': (['eth0'], None, [[102, 102]], 'other')},
        'none', 5, []),
}

FUEL_NICS = {'eth0': IGB, 'eth1': IGB, 'eth2': IPOIB, 'eth3': IPOIB}
FUEL_SPLIT = {'br-fw-admin': (['eth0'], None, [], 'other'), 'br-mgmt': (['eth2'], None, [[201, 201]], 'infiniband'),
              'br-storage': (['eth3'], None, [[202, 202]], 'infiniband'),
              'br-prv': (['eth2'], None, PRIVATE, 'infiniband')}
FUEL_PUBLIC = {**FUEL_SPLIT, 'br-ex': (['eth1'], None, [], 'other'), 'br-floating': (['eth1'], None, [], 'other')}
EXPECTED.update({
    'nailgun_6.1__compute.yaml': (FUEL_NICS, FUEL_SPLIT, 'infiniband', 4, []),
    'nailgun_6.1__primary-controller.yaml': (FUEL_NICS, FUEL_PUBLIC, 'infiniband', 6, []),
    'nailgun_7.0__compute.yaml': (FUEL_NICS, FUEL_SPLIT, 'infiniband', 28, []),
    'nailgun_8.0__cinder.yaml': (FUEL_NICS, FUEL_SPLIT, 'infiniband', 31, []),
    'nailgun_9.2__clean.compute-cinder.yaml': (FUEL_NICS, FUEL_SPLIT, 'infiniband', 31, []),
    'nailgun_9.2__clean.primary-controller.yaml': (FUEL_NICS, FUEL_PUBLIC, 'infiniband', 35, []),
    'nailgun_9.2__bond.compute-cinder.yaml': (FUEL_NICS, {
        'br-fw-admin': (['eth0'], None, [], 'other'),
        'br-mgmt': (['eth2', 'eth3'], 'bond0', [[201, 201]], 'infiniband'),
        'br-storage': (['eth2', 'eth3'], 'bond0', [[202, 202]], 'infiniband'),
        'br-prv': (['eth2', 'eth3'], 'bond0', PRIVATE, 'infiniband')}, 'infiniband', 31, []),
})


def roles_of(name):
    return subprocess.run([sys.executable, '-m', 'plugin_lib', 'roles', '--astute', ASTUTE / name, '--format', 'json'],
                          capture_output=True, text=True, cwd=ROOT, check=False)


def test_every_file_has_an_expectation():
    negative = {path.name for path in ASTUTE.glob('neg__*.yaml')}
    assert {path.name for path in ASTUTE.glob('*.yaml')} == set(EXPECTED) | negative


@pytest.mark.parametrize('name', sorted(EXPECTED))
def test_interfaces_and_roles(name):
    ran = roles_of(name)
    assert (ran.returncode, ran.stderr) == (0, '')
    found = json.loads(ran.stdout)
    interfaces, endpoints, mode, role_count, warnings = EXPECTED[name]
    assert {nic: (facts['driver'], facts['mode']) for nic, facts in found['interfaces'].items()} == interfaces
    assert found['mode'] == mode
    by_endpoint = {}
    for role, facts in found['roles'].items():
        carried = (facts['interfaces'], facts['bond'], facts['vlans'], facts['mode'])
        assert by_endpoint.setdefault(facts['endpoint'], carried) == carried, role
    assert by_endpoint == endpoints
    assert len(found['roles']) == role_count
    assert len(found['warnings']) == len(warnings)
    assert all(part in line for part, line in zip(warnings, found['warnings'], strict=True))


@pytest.mark.parametrize('name, node', [
    ('nailgun_9.2__clean.compute-cinder.yaml',
     {'fqdn': 'node-2.example.com', 'uid': '2', 'roles': ['cinder', 'compute']}),
    ('nailgun_6.1__compute.yaml', {'fqdn': 'node-2.example.com', 'uid': '2', 'roles': ['compute']}),
    ('derived_6.1__ipoib_two_nics_vlan.controller.yaml', {'fqdn': None, 'uid': None, 'roles': ['controller']}),
])
def test_the_node_of_each_shape(name, node):
    assert json.loads(roles_of(name).stdout)['node'] == node


def test_a_file_with_ruby_objects_is_refused_with_file_and_place():
    ran = roles_of('neg__globals-ruby_sym-external-lb.yaml')
    assert (ran.returncode, ran.stdout) == (2, '')
    assert 'neg__globals-ruby_sym-external-lb.yaml, line 490 column' in ran.stderr
    assert '!ruby/sym' in ran.stderr
    assert 'Traceback' not in ran.stderr
