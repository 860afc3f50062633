# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What the real hiera tells netconfig, with each release's hierarchy, once the stage ``storage`` is through.

Every case of tests/cases/storage as every release would publish it.  Covered: each address on one endpoint, that of
storage on the interface that RDMA uses; no other endpoint, role or transformation changed; no interface that would be
taken for a VLAN; what other tasks read; tests/model/netconfig.py answers as the real hiera; globals.yaml that was
computed meanwhile; another VLAN; and everything back.
"""
import os
import re

import pytest
import yaml

from plugin_lib.planning.hiera import file_of
from tests import hiera
from tests.model import netconfig
from tests.model.case import names
from tests.model.storage_case import Case

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'cases', 'storage')
VERSIONS = {'6.1': '2014.2.2-6.1', '7.0': '2015.1.0-7.0', '8.0': 'liberty-8.0', '9.2': 'mitaka-9.0'}
MARK = 'infiniband_moved_from'


@pytest.fixture(scope='module', autouse=True)
def able():
    if hiera.missing():
        pytest.skip(f'there is no hiera: {hiera.missing()}')


class Deployed(Case):
    """The node of a case, as a release publishes it, with that release's hierarchy."""

    def __init__(self, folder, root, release):
        super().__init__(folder, root)
        self.release = release
        self._theirs = yaml.safe_load(self.read('/etc/hiera/override/plugins.yaml') or '{}')
        self.publish('openstack_version: .*', f'openstack_version: {VERSIONS[release]}')
        hiera.lay_out(self.root, release, '../../astute.yaml')

    def publish(self, pattern, replacement):
        """Change what Fuel publishes."""
        text = re.sub(pattern, replacement, self.read('/astute.yaml'))
        with open(f'{self.root}/astute.yaml', 'w', encoding='utf-8') as file:
            file.write(text)

    def published(self):
        """The network_scheme without us: another plugin's, where a release lets that take the place of Fuel's."""
        theirs = self._theirs.get('network_scheme') if self.release in netconfig.REPLACES else None
        return theirs or yaml.safe_load(self.read('/astute.yaml'))['network_scheme']

    def compute_globals(self):
        """What the task globals does up to 8.0: what Hiera tells is written where Hiera reads it."""
        if self.release == '9.2':
            return
        with open(f'{self.root}/etc/hiera/globals.yaml', 'w', encoding='utf-8') as file:
            yaml.safe_dump({'network_scheme': hiera.network_scheme(self.root, self.release), 'debug': False}, file)

    def moved(self):
        """{endpoint that storage was on: the one that it is on}, as Hiera tells."""
        endpoints = hiera.network_scheme(self.root, self.release)['endpoints']
        return {body['vendor_specific'][MARK]: name for name, body in endpoints.items()
                if MARK in (body.get('vendor_specific') or {})}

    def assert_moved(self):
        """Hiera tells of the published scheme with its storage, and nothing else, moved."""
        told, published, moved = hiera.network_scheme(self.root, self.release), self.published(), self.moved()
        fuel = yaml.safe_load(self.read('/astute.yaml'))['network_scheme']
        assert netconfig.told(self.release, fuel, self.read(file_of(self.release))) == told  # the model is true
        netconfig.check(told)
        storage = {published['roles'][name] for name in ('storage', 'cinder/iscsi') if name in published['roles']}
        in_place = {step['name'] for step in published['transformations'] or () if step['action'] == 'add-port'}
        assert set(moved) == storage - in_place
        before, now = netconfig.one_address(published), netconfig.one_address(told)
        assert now == {address: moved.get(name, name) for address, name in before.items()}
        for name, endpoint in published['endpoints'].items():
            if name in moved:
                assert told['endpoints'][name]['IP'] == 'none'
                assert not isinstance(told['endpoints'][name].get('routes'), list)
                assert told['endpoints'][moved[name]].get('routes') == endpoint.get('routes')
            else:
                assert told['endpoints'][name] == endpoint
        assert set(told['endpoints']) == {*published['endpoints'], *moved.values()}
        assert told['roles'] == {name: moved.get(where, where) for name, where in published['roles'].items()}
        targets = set(moved.values())
        beside = targets | {name.partition('.')[0] for name in targets}  # ib0 of ib0.80ca is named, too
        assert told['interfaces'].keys() - beside == published['interfaces'].keys() - beside
        for name, body in published['interfaces'].items():
            kept = {key: value for key, value in told['interfaces'][name].items() if key != 'bridge'}
            assert (kept if name in targets else told['interfaces'][name]) == body
        self._assert_ports(netconfig.transformations(told), netconfig.transformations(published), targets)

    def _assert_ports(self, steps, published, targets):
        for step in published:
            assert step in steps or step.get('name') in targets
        ports = {step['name']: step for step in steps if step.get('name') in targets}
        assert set(ports) == targets  # netconfig refuses an endpoint that is neither interface nor port
        for name, port in ports.items():
            assert 'bridge' not in port
            if name.startswith('ib'):
                assert 'mtu' not in port  # it is ours
                assert '.' not in name or port['vlan_dev'] is False
        assert len(steps) == len(published) + len(targets - {step.get('name') for step in published})


@pytest.mark.parametrize('release, folder', [
    pytest.param(release, folder, id=f'{release} {os.path.basename(folder)}') for release in VERSIONS
    for folder in names(FOLDER)[0] if release in netconfig.REPLACES or 'theirs' not in folder])
def test_netconfig_puts_storage_where_rdma_can_use_it_and_all_else_where_it_was(tmp_path, release, folder):
    node = Deployed(folder, tmp_path, release)
    node.play()
    node.assert_moved()
    if release == '7.0':  # other tasks merge there
        assert netconfig.one_address(hiera.network_scheme(node.root, release, True)) == netconfig.one_address(
            hiera.network_scheme(node.root, release))
    if node.moved():  # else globals.yaml holds nothing of ours, and Fuel brings it up to date by itself
        node.compute_globals()
        node.publish(r'\.202\b', '.1000')
        node.play()
        node.assert_moved()
        node.compute_globals()
    node.switch('storage_rdma', 'false')
    node.play()
    assert hiera.network_scheme(node.root, release) == node.published()
