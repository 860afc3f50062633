# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""A node that is deployed again and again, each time with storage elsewhere, or with RDMA for it switched on or off.

The schemes are those of tests/model/schemes.py: other VLANs, ports, kinds of ports, and on them already.  Each time the
node is what a new one would be, every address is on one interface and in one file of ifupdown's, and the hook has
nothing left to do.
"""
from __future__ import absolute_import, print_function, unicode_literals

import os
import shutil
import tempfile

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from plugin_lib.effect import files
from plugin_lib.errors import InputError
from plugin_lib.paths import STORAGE_NOTES
from plugin_lib.planning.hiera import file_of
from plugin_lib.planning.storage_steps import interface_file
from tests.model import netconfig, schemes
from tests.model.storage_case import Case
from tests.unit.test_storage_schemes import VERSIONS, is_taken


class Node(Case):
    """A node of a release: two InfiniBand ports and two Ethernet ones."""

    stages = ('storage',)

    def __init__(self, root, release):
        super(Node, self).__init__(os.path.join(self.folder, '9.2-bond-compute'), root)
        self.release = release
        self._endpoints = set()  # that Fuel has published so far: netconfig looks after those itself
        for port in self.kernel.hcas['mlx4_0'].ports.values():
            port.set_pkeys([0xffff] + [0x8000 + vlan for vlan in schemes.VLANS if vlan])
        for number, name in enumerate(('ens5', 'ens6')):
            self.kernel.add_ethernet(name, '02:00:00:00:00:0{0}'.format(number))
        self.serve()

    def deploy(self, scheme, networks, is_on):
        """The hook, netconfig, and eipoibd, once; the scheme that netconfig got."""
        settings = dict(yaml.safe_load(self.read('/astute.yaml'))['infiniband'], storage_rdma=is_on)
        self.write('/astute.yaml', yaml.safe_dump({
            'openstack_version': VERSIONS[self.release], 'network_scheme': scheme, 'infiniband': settings,
            'quantum_settings': networks, 'uid': '1', 'fqdn': 'node-1.example.org'}))
        before, _ = self.addressed()
        self.run()
        told = netconfig.told(self.release, scheme, self.read(file_of(self.release)))
        stay = [(name, address) for name, address in _placed(told) if address in before.get(name, ())]
        assert set(stay) <= set((name, address) for name, found in self.addressed()[0].items() for address in found)
        self._endpoints.update(scheme['endpoints'])
        for name in self._endpoints | set(told['endpoints']):
            self._configure(name, (told['endpoints'].get(name) or {}).get('IP'))
        self.serve()
        return told

    def _configure(self, name, addresses):
        if name not in self.kernel.netdevs:
            assert not name.startswith('ib')  # netconfig cannot make those
            self.kernel.add_ethernet(name, '02:00:00:00:01:00')
        addresses = addresses if isinstance(addresses, list) else []
        self.kernel.netdevs[name].addresses = list(addresses)
        self.write(interface_file(name), 'iface {0}\n{1}'.format(name, ''.join(each + '\n' for each in addresses)))

    def addressed(self):
        """({interface: addresses} of the kernel, the same of ifupdown's files), of those that have any."""
        of_kernel = dict((name, list(netdev.addresses)) for name, netdev in self.kernel.netdevs.items()
                         if netdev.addresses)
        texts = [text.split('\n') for path, text in self.files().items() if '/interfaces.d/' in path]
        return of_kernel, dict((lines[0][len('iface '):], lines[1:-1]) for lines in texts if lines[1:-1])

    def outcome(self):
        """All that is to be the same as on a new node."""
        return self.interfaces(), self.addressed(), self.read(STORAGE_NOTES), self.read(file_of(self.release))


def _placed(scheme):
    return [(name, address) for address, name in netconfig.one_address(scheme).items()]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(files.os, 'fsync', lambda descriptor: None)  # nobody cuts the power, and disks are slow


# Among several places, and several ways at one place.
PLACES = ((('eth4', 'ens5'), (None, 202)), (('ens5',), (None,)), (('ens5',), (202,)), (('eth4',), (202,)))
WAYS = ('bridge', 'trunk', 'port', 'nic', 'named', 'named-port', 'bond')


@st.composite
def deployments(draw):
    """[(what schemes.published draws, whether storage uses RDMA)]."""
    ports, vlans = draw(st.sampled_from(PLACES))
    return draw(st.lists(st.tuples(schemes.published(0, ports, vlans, WAYS), st.sampled_from((True, True, False))),
                         min_size=2, max_size=3))


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(st.sampled_from(sorted(VERSIONS)), deployments())
def test_each_deployment_ends_as_on_a_new_node(release, drawn):
    assume(all(is_taken(scheme) for (scheme, _, _), _ in drawn))
    root = tempfile.mkdtemp()
    try:
        node = Node(os.path.join(root, 'old'), release)
        for number, ((scheme, _, networks), is_on) in enumerate(drawn):
            fresh = Node(os.path.join(root, 'new{0}'.format(number)), release)
            try:
                told = fresh.deploy(scheme, networks, is_on)
            except InputError:
                continue
            node.deploy(scheme, networks, is_on)
            assert node.outcome() == fresh.outcome()
            expected = dict((name, [address]) for name, address in _placed(told))
            assert node.addressed() == (expected, expected)
            assert [line for line in node.run() if not line.startswith('found: ')] == []
    finally:
        shutil.rmtree(root)
