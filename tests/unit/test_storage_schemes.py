# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Storage over RDMA in generated network schemes, tests/model/schemes.py.

A scheme is refused, with reasons, or netconfig gets one that it takes: storage alone has moved, to what RDMA uses, and
whoever else was on a bridge still has its port.  Told twice nothing changes; taken back everything is as it was.
"""
from __future__ import absolute_import, print_function, unicode_literals

import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from plugin_lib.errors import InputError
from plugin_lib.host import machine
from plugin_lib.planning import hiera, storage, storage_steps
from plugin_lib.planning.operations import RemoveFile, WriteFile
from tests.model import netconfig, schemes
from tests.model.astute import astute
from tests.model.kernel import Kernel
from tests.model.schemes import IPOIB, VLANS

VERSIONS = {'6.1': '2014.2.2-6.1', '7.0': '2015.1.0-7.0', '8.0': 'liberty-8.0', '9.0': 'mitaka-9.0'}


def _host():
    kernel = Kernel()
    hca = kernel.add_hca('mlx4_0', '0000:03:00.0', 2, '0002c90300a1b2c{0}')
    for number, name in enumerate(sorted(IPOIB), 1):
        hca.ports[number].set_pkeys([0xffff] + [0x8000 + vlan for vlan in VLANS if vlan])
        kernel.add_ipoib(IPOIB[name], hca.ports[number])
        kernel.add_eipoib(name, IPOIB[name])
    return machine.read(kernel)


HOST = _host()


def plan(found, text, links=(), on=True):
    """((Move, StorageLink)s, the text of the file of overrides) that the stage ``storage`` leads to.

    :param links: what storage has on the machine
    """
    host = HOST._replace(storage=links)
    modes = dict((name, storage.CONNECTED) for name in IPOIB.values())
    decision = storage.decide(found) if on else storage.NOTHING
    decision = storage.on_host(decision, host, {}, modes, frozenset(modes), 'fail')
    path = hiera.file_of(found.release)
    texts = dict((name, None) for name in storage_steps.files(found.release, links))
    steps = storage_steps.plan(found, decision, host, {}, dict(texts, **{str(path): text})).steps
    for operation in [operation for each in steps for operation in each.operations]:
        if isinstance(operation, (RemoveFile, WriteFile)) and operation.path == path:
            text = operation.text if isinstance(operation, WriteFile) else None
    return decision.moves, text


def read(release, scheme, networks):
    return astute(yaml.safe_dump({'openstack_version': VERSIONS[release], 'network_scheme': scheme,
                                  'quantum_settings': networks}))


def is_taken(scheme):
    """Whether netconfig takes the scheme as it is."""
    try:
        netconfig.check(scheme)
        netconfig.one_address(scheme)
    except AssertionError:
        return False
    return all(key in scheme for key in ('endpoints', 'roles', 'transformations'))


@settings(max_examples=500, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(st.sampled_from(sorted(VERSIONS)), schemes.published(), st.data())
def test_storage_moves_alone_or_reasons_are_told(release, drawn, data):
    published, places, networks = drawn
    before = data.draw(schemes.overrides(release, published, sorted(places)[0]))
    text = yaml.safe_dump(before) if before else None
    theirs = before.get('network_scheme')
    assume(is_taken(published))  # else netconfig stops without us, too
    found = read(release, published, networks)
    try:
        moves, told = plan(found, text)
    except InputError as error:
        assert error.lines()
        return
    scheme = published if theirs is None else theirs
    assume(is_taken(scheme))
    check_moved(scheme, netconfig.told(release, published, told), moves, places)
    links = tuple(link for _, link in moves)
    assert plan(found, told, links) == (moves, told)
    _, back = plan(found, told, links, on=False)
    assert (back if theirs is None else yaml.safe_load(back)) == (text if theirs is None else before)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(st.sampled_from(sorted(VERSIONS)), schemes.published(), st.data())
def test_broken_data_is_refused_or_planned(release, drawn, data):
    scheme, places, networks = drawn
    before = data.draw(schemes.overrides(release, scheme, sorted(places)[0]))
    schemes.spoil(data.draw, data.draw(st.sampled_from((scheme, before.get('network_scheme') or scheme))))
    try:
        found = read(release, scheme, networks)
        moves, told = plan(found, yaml.safe_dump(before) if before else None)
        links = tuple(link for _, link in moves)
        assert plan(found, told, links) == (moves, told)
        plan(found, told, links, on=False)
    except InputError as error:
        assert error.lines()


def check_moved(scheme, told, moves, places):
    """Storage alone has moved, and is where RDMA can use it.

    :param scheme: that netconfig would take without us
    :param told: that it takes
    :param places: {endpoint of storage: (interface, VLAN)}
    """
    netconfig.check(told)
    moved = dict((move.endpoint, link.name) for move, link in moves)
    assert netconfig.one_address(told) == dict(
        (address, moved.get(name, name)) for address, name in netconfig.one_address(scheme).items())
    assert told['roles'] == dict((role, moved.get(name, name)) for role, name in scheme['roles'].items())
    assert set(told['endpoints']) == set(scheme['endpoints']) | set(moved.values())
    for name, body in scheme['endpoints'].items():
        if name in moved:
            assert told['endpoints'][moved[name]].get('routes') == body.get('routes')
            assert not isinstance(told['endpoints'][name].get('routes'), list)
        else:
            assert told['endpoints'][name] == body
    ports = check_ports(scheme, told, moved)
    for name in set(scheme['roles'][role] for role in storage.ROLES):
        check_place(moved.get(name, name), ports, *places[name])


def check_ports(scheme, told, moved):
    """{name: add-port} that netconfig carries out: as before, but for those of storage."""
    before = netconfig.transformations(scheme)
    after = [dict((key, value) for key, value in each.items() if value != {hiera.ADDED_MARK: True})
             for each in netconfig.transformations(told)]
    assert [each for each in before if each.get('name') not in moved.values() and each not in after] == []
    old, ports = [dict((each['name'], each) for each in steps if each['action'] == 'add-port')
                  for steps in (before, after)]
    added = set(ports) - set(old)
    assert len(after) - len(before) == len(added)
    assert added <= set(moved.values()) | set(IPOIB.values())  # l23network adds ib0 for ib0.8064, without an address
    assert [name for name in added if 'mtu' in ports[name] and name.startswith('ib')] == []  # it is ours
    for name in set(moved.values()) & set(old):
        kept, same = [dict((key, value) for key, value in each.items() if key not in ('bridge', 'vendor_specific'))
                      for each in (ports[name], old[name])]
        assert kept == same
        bridge = old[name].get('bridge')
        assert bridge is None or bridge in moved and on_bridge(scheme, before, bridge, name) == []
    return ports


def check_place(name, ports, nic, vlan):
    """An interface is the one that RDMA uses for a VLAN of a NIC, and on no bridge."""
    if nic in IPOIB:
        assert name == (IPOIB[nic] if vlan is None else '{0}.{1:04x}'.format(IPOIB[nic], 0x8000 + vlan))
        assert netconfig.vlan_of(ports[name]) == (name, None)
    elif name in ports:
        assert netconfig.vlan_of(ports[name]) == (nic, vlan)
        assert 'bridge' not in ports[name] or ports[name]['provider'] == 'sriov'  # hands out functions, is no port
    else:
        assert (name, None) == (nic, vlan)


def on_bridge(scheme, steps, bridge, port):
    """What is on a bridge beside its port and its endpoint."""
    found = [each for each in steps if each.get('name') != port and (
        bridge in [each.get('bridge'), each.get('vlan_dev')] + each.get('bridges', [])
        or each.get('name', '').startswith(bridge + '.'))]
    return found + [role for role, name in scheme['roles'].items() if name == bridge and role in storage.ON_BRIDGES]
