# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``fuel-infiniband check --environment``: which VLAN is missing on which node and port, and who cannot talk.

Covered: folders and JSON of the same environment say the same; each reason why a port does not serve a VLAN; generated
environments against a rule applied to every pair of nodes; what cannot be read is refused with file and place.
"""
from __future__ import absolute_import, print_function, unicode_literals

import itertools
import json
import os
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin_lib import cli, environment
from plugin_lib.errors import InputError
from plugin_lib.pkey import PKey
from plugin_lib.planning import environment_checks

VLANS = (101, 102, 103)
FULL, LIMITED, NONE = 'full', 'limited', 'none'


def roles(vlans=VLANS):
    """As ``roles --format json`` prints it: a network role for each VLAN, and an untagged one."""
    tagged = dict(('net-{0}'.format(vlan), {'interfaces': ['eth4'], 'vlans': [[vlan, vlan]]}) for vlan in vlans)
    return {'interfaces': {'eth4': {'mode': 'infiniband'}, 'eth0': {'mode': 'other'}},
            'roles': dict(tagged, **{'admin/pxe': {'interfaces': ['eth0'], 'vlans': []}})}


def status(memberships, state='ACTIVE', served=None, error=None):
    """As eipoibd writes it.

    :param memberships: {VLAN: FULL, LIMITED or NONE}
    """
    keys = [PKey(vlan, how == FULL) for vlan, how in sorted(memberships.items()) if how != NONE]
    vlans = [key.vlan for key in keys if key.full] if served is None else served
    return {'format': 1, 'mode': 'service', 'pid': 1, 'updated': '', 'backoff': {}, 'problems': [], 'warnings': [],
            'error': None, 'counters': {},
            'interfaces': {'eth4': {'hca': 'mlx4_0', 'port': 1, 'state': state, 'vlans': vlans, 'last_error': error,
                                    'keys': ['0xffff'] + [str(key) for key in keys]}}}


def all_full(vlans=VLANS):
    return dict((vlan, FULL) for vlan in vlans)


def lines(tmpdir, nodes):
    """(level, subject, text) of what is found; nodes: {name: status or None}."""
    path = tmpdir.join('environment.json')
    path.write(json.dumps({'format': 1, 'nodes': dict(
        (name, {'roles': roles(), 'status': told}) for name, told in nodes.items())}))
    return [tuple(finding[:3]) for finding in environment_checks.findings(environment.read(str(path)))]


def test_nodes_that_agree(tmpdir):
    nodes = dict(('node-{0}'.format(number), status(all_full())) for number in (1, 2, 3))
    assert lines(tmpdir, nodes) == [
        ('OK', 'VLAN 101-103 (net-101, net-102, net-103)', '3 nodes can talk with each other')]


def test_a_vlan_that_storage_over_rdma_has_is_served(tmpdir):
    nodes = dict(('node-{0}'.format(number), status(all_full())) for number in (1, 2))
    nodes['node-2'] = status(all_full(), served=[102, 103])
    nodes['node-2']['interfaces']['eth4']['storage'] = [101]
    assert [level for level, _, _ in lines(tmpdir, nodes)] == ['OK']


def test_a_node_that_needs_a_vlan_on_two_ports_is_named_once(tmpdir):
    port = environment.Port('mlx4_0', 1, 'DOWN', {}, frozenset(), None)
    found = environment_checks.findings([
        environment.Member('one', {'eth4': {101: ('a',)}, 'eth5': {101: ('b',)}}, {}, {
            'eth4': port, 'eth5': port}, True),
        environment.Member('two', {'eth4': {101: ('a',)}}, {}, {
            'eth4': port._replace(state='ACTIVE', keys={101: True}, served=frozenset([101]))}, True)])
    assert found[-1].text == 'one cannot talk with two (one: the port is DOWN)'


def test_a_missing_key_names_vlan_node_port_and_who_is_cut_off(tmpdir):
    nodes = dict(('node-{0}'.format(number), status(all_full())) for number in (1, 2, 3))
    nodes['node-2'] = status({101: FULL, 103: FULL})
    assert lines(tmpdir, nodes) == [
        ('FAIL', 'node-2 eth4 (mlx4_0 port 1)', 'no P_Key for VLAN 102'),
        ('FAIL', 'VLAN 102 (net-102)', 'node-2 cannot talk with the 2 others, which can (node-2: no P_Key)'),
        ('OK', 'VLAN 101, 103 (net-101, net-103)', '3 nodes can talk with each other')]


@pytest.mark.parametrize('told, why', [
    (status({101: LIMITED, 102: FULL, 103: FULL}), 'limited membership'),
    (status(all_full(), served=[102, 103]), 'a P_Key, but eipoibd does not serve it'),
    (status(all_full(), served=[102, 103], error='cannot enslave'),
     'a P_Key, but eipoibd does not serve it: cannot enslave'),
])
def test_reasons_for_one_vlan(tmpdir, told, why):
    found = lines(tmpdir, {'one': status(all_full()), 'two': told})
    assert ('FAIL', 'two eth4 (mlx4_0 port 1)', why + ' for VLAN 101') in found
    assert ('FAIL', 'VLAN 101 (net-101)', 'two cannot talk with one (two: {0})'.format(why)) in found


@pytest.mark.parametrize('told, text', [
    (status(all_full(), state='DOWN'), 'two eth4 (mlx4_0 port 1): the port is DOWN for VLAN 101-103'),
    (dict(status({}), interfaces={}), 'two eth4: no such EIPOIB interface for VLAN 101-103'),
])
def test_reasons_for_a_whole_node(tmpdir, told, text):
    found = lines(tmpdir, {'one': status(all_full()), 'two': told})
    assert ('FAIL',) + tuple(text.split(': ')) == found[0]
    assert found[-1][0] == 'FAIL' and found[-1][1].startswith('VLAN 101-103 (')


def test_of_a_node_without_status_nothing_is_claimed(tmpdir):
    assert lines(tmpdir, {'one': status(all_full()), 'three': status(all_full()), 'two': None}) == [
        ('WARN', 'two', 'there is no status of eipoibd: what its ports hold is not known'),
        ('OK', 'VLAN 101-103 (net-101, net-102, net-103)', '2 nodes can talk with each other')]


def test_a_table_that_could_not_be_read(tmpdir):
    told = status(all_full())
    told['interfaces']['eth4']['keys'] = None
    assert ('FAIL', 'two eth4 (mlx4_0 port 1)', 'the P_Key table cannot be read for VLAN 101-103') in lines(
        tmpdir, {'one': status(all_full()), 'two': told})


def test_untagged_networks_need_the_default_partition(tmpdir):
    published = {'interfaces': {'eth4': {'mode': 'infiniband'}},
                 'roles': {'storage': {'interfaces': ['eth4'], 'vlans': []}}}
    told = status({})
    told['interfaces']['eth4']['keys'] = ['0x7fff']
    document = {'format': 1, 'nodes': {'one': {'roles': published, 'status': status({})},
                                       'two': {'roles': published, 'status': told}}}
    path = tmpdir.join('e.json')
    path.write(json.dumps(document))
    assert [tuple(found[:3]) for found in environment_checks.findings(environment.read(str(path)))][0] == (
        'FAIL', 'two eth4 (mlx4_0 port 1)', 'limited membership for untagged traffic')


def test_a_folder_says_the_same_as_a_file(tmpdir, capsys):
    nodes = {'node-1': status(all_full()), 'node-2': status({101: FULL})}
    expected = lines(tmpdir, nodes)
    folder = tmpdir.mkdir('nodes')
    for name, told in nodes.items():
        node = folder.mkdir(name)
        node.join('roles.json').write(json.dumps(roles()))
        node.join('status.json').write(json.dumps(told))
    found = environment_checks.findings(environment.read(str(folder)))
    assert [tuple(finding[:3]) for finding in found] == expected
    assert cli.main(['check', '--environment', str(folder), '--format', 'json']) == 1
    assert [(line['level'], line['subject'], line['text'])
            for line in json.loads(capsys.readouterr()[0])['findings']] == expected


def test_published_data_of_a_node_as_fuel_wrote_it(tmpdir):
    node = tmpdir.mkdir('node-1')
    node.join('status.json').write(json.dumps(status({201: FULL}, served=[201])))
    node.join('astute.yaml').write(ASTUTE)
    (member,) = environment.read(str(tmpdir))
    assert member.needs == {'eth4': {201: ('management',)}}
    assert member.ports['eth4'].keys == {0x7fff: True, 201: True}


ASTUTE = """
network_scheme:
  version: '1.1'
  provider: lnx
  interfaces:
    eth4: {vendor_specific: {driver: eth_ipoib, bus_info: ib0}}
  endpoints:
    br-mgmt: {IP: [192.168.0.1/24]}
  roles: {management: br-mgmt}
  transformations:
  - {action: add-br, name: br-mgmt}
  - {action: add-port, name: eth4.201, bridge: br-mgmt}
"""


@settings(max_examples=150)
@given(st.lists(st.fixed_dictionaries(dict((vlan, st.sampled_from([FULL, LIMITED, NONE])) for vlan in VLANS)),
                min_size=1, max_size=5))
def test_every_pair_of_generated_nodes(memberships):
    """Who can talk by the rule for two ports, pair by pair, is who the findings do not name as cut off."""
    members = [environment.Member('node-{0}'.format(number), {'eth4': dict((vlan, ('net',)) for vlan in VLANS)}, {},
                                  {'eth4': environment.Port('mlx4_0', 1, 'ACTIVE', dict(
                                      (vlan, held == FULL) for vlan, held in how.items() if held != NONE),
                                      frozenset(vlan for vlan in how if how[vlan] == FULL), None)}, True)
               for number, how in enumerate(memberships)]
    found = environment_checks.findings(members)
    told = set()
    for finding in found:
        match = re.match(r'node-(\d+) eth4', finding.subject)
        if match:
            told.update((int(match.group(1)), vlan) for vlan in spelled(finding.text.partition('VLAN ')[2]))
    assert told == set((number, vlan) for number, how in enumerate(memberships) for vlan in VLANS if how[vlan] != FULL)
    for vlan in VLANS:
        pairs = list(itertools.combinations([how[vlan] for how in memberships], 2))
        talking = all(one == other == FULL for one, other in pairs)  # eipoibd serves full memberships only
        levels = [finding.level for finding in found if finding.subject.startswith('VLAN') and
                  vlan in spelled(finding.subject[len('VLAN '):].partition(' (')[0])]
        assert levels == ['OK' if talking and all(how[vlan] == FULL for how in memberships) else 'FAIL']


def spelled(text):
    ends = [part.partition('-') for part in text.split(', ')]
    return [vlan for first, _, last in ends for vlan in range(int(first), int(last or first) + 1)]


# A port and a role; what is added takes the place of what is there.
ONE_PORT = ('{"format": 1, "nodes": {"a": {"roles": {"interfaces": {}, "roles": {}}, "status": {"interfaces": '
            '{"eth4": {"vlans": [], %s}}}}}}')
ONE_ROLE = ('{"format": 1, "nodes": {"a": {"roles": {"interfaces": {}, "roles": {"%s": {"vlans": [], "interfaces": [] '
            ', %s}}}}}}')


@pytest.mark.parametrize('text, where', [
    ('', ''), ('[]', ''), ('{"format": 1}', 'nodes'), ('{"format": 2, "nodes": {}}', 'format'),
    ('{"format": 1, "nodes": {}}', ''),
    ('{"format": 1, "nodes": {"a": []}}', 'nodes -> a'),
    ('{"format": 1, "nodes": {"a": {"roles": {"interfaces": {}}}}}', 'nodes -> a -> roles -> roles'),
    ('{"format": 1, "nodes": {"a": {"roles": {"interfaces": {"eth4": 1}, "roles": {}}}}}',
     'nodes -> a -> roles -> interfaces -> eth4'),
    ('{"format": 1, "nodes": {"a": {"roles": {"interfaces": {}, "roles": {"m": {"vlans": [[0, 5]]}}}}}}',
     'nodes -> a -> roles -> roles -> m -> vlans'),
    ('{"format": 1, "nodes": {"a": {"roles": {"interfaces": {}, "roles": {"m": {"vlans": []}}}}}}',
     'nodes -> a -> roles -> roles -> m -> interfaces'),
    ('{"format": 1, "nodes": {"a": {"roles": {"interfaces": {}, "roles": {}}, "status": 3}}}', 'nodes -> a -> status'),
    ('{"format": 1, "nodes": {"a": {"roles": {"interfaces": {}, "roles": {}}, "status": {"interfaces": '
     '{"eth4": {"vlans": [], "keys": ["8064"]}}}}}}', 'nodes -> a -> status -> interfaces -> eth4 -> keys'),
    ('[' * 100000, ''),
    ('\0' * 10, ''),
    ('1' * 10000000, ''),
    ('{"format": 1, "nodes": {"a\\u001b[2J": {}}}', "nodes -> 'a\\x1b[2J'"),
    ('{"format": 1, "nodes": {"%s": {}}}' % ('n' * 10000000), "nodes -> '%s'" % ('n' * 40)),
    ('{"format": 1, "nodes": {"": {}}}', "nodes -> ''"),
    (ONE_PORT % '"hca": {}', 'nodes -> a -> status -> interfaces -> eth4 -> hca'),
    (ONE_PORT % '"state": 5', 'nodes -> a -> status -> interfaces -> eth4 -> state'),
    (ONE_PORT % '"last_error": "a\\u001b[2J"', 'nodes -> a -> status -> interfaces -> eth4 -> last_error'),
    (ONE_PORT % '"port": "1"', 'nodes -> a -> status -> interfaces -> eth4 -> port'),
    (ONE_PORT % '"vlans": [true]', 'nodes -> a -> status -> interfaces -> eth4 -> vlans'),
    (ONE_ROLE % ('m\\n', '"endpoint": null'), "nodes -> a -> roles -> roles -> 'm\\n'"),
    (ONE_ROLE % ('m', '"endpoint": [1]'), 'nodes -> a -> roles -> roles -> m -> endpoint'),
    (ONE_ROLE % ('m', '"vlans": [[true, 5]]'), 'nodes -> a -> roles -> roles -> m -> vlans'),
])
def test_what_makes_no_sense_is_refused_with_its_place(tmpdir, text, where):
    path = tmpdir.join('e.json')
    path.write(text)
    with pytest.raises(InputError) as caught:
        environment.read(str(path))
    assert caught.value.where == str(path) + (' -> ' + where if where else '')
    assert cli.main(['check', '--environment', str(path)]) == 2


def test_a_folder_without_nodes_and_none_at_all(tmpdir):
    for path in (str(tmpdir), str(tmpdir.join('none'))):
        with pytest.raises(InputError):
            environment.read(path)


@pytest.mark.parametrize('name', [environment.ROLES, environment.ASTUTE, 'status.json'])
def test_a_pipe_in_place_of_a_file_holds_nobody_up(tmpdir, name):
    node = tmpdir.mkdir('node-1')
    node.join('roles.json').write(json.dumps(roles()))
    node.join('status.json').write(json.dumps(status(all_full())))
    if node.join(name).check():
        node.join(name).remove()
    os.mkfifo(str(node.join(name)))
    with pytest.raises(InputError) as caught:
        environment.read(str(tmpdir))
    assert caught.value.where == str(node.join(name))
    with pytest.raises(InputError, match='not a regular file'):
        environment.read(str(node.join(name)))


@pytest.mark.parametrize('name', [environment.ROLES, 'status.json'])
def test_a_file_of_a_node_that_is_nested_too_deeply_is_refused(tmpdir, name):
    node = tmpdir.mkdir('node-1')
    node.join('roles.json').write(json.dumps(roles()))
    node.join(name).write('[' * 100000)
    with pytest.raises(InputError) as caught:
        environment.read(str(tmpdir))
    assert caught.value.where == str(node.join(name))
