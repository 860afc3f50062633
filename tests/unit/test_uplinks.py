# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The VLANs that an uplink passes in Open vSwitch: those of its P_Keys that are wanted, and those that lost theirs."""
from __future__ import absolute_import, print_function, unicode_literals

import pytest

from plugin_lib.planning import ovs
from plugin_lib.planning.ovs_changes import AddPort, SetVlans
from tests.model import bridges as model
from tests.model.bridges import BRIDGES, OWNED, TRUNKS, USUAL, bridge, database, machine, port, ready, said, told

PASSING = (201, 1000)


@pytest.mark.parametrize('extra, limited', [
    ({}, True), ({'trunks': (201,), 'ids': TRUNKS}, True), ({'tag': 201}, False), ({'trunks': (201, 202)}, False),
    ({'vlan_mode': 'native-untagged'}, False), ({'trunks': PASSING, 'ids': TRUNKS}, None), ({'trunks': PASSING}, None)])
def test_the_vlans_of_somebody_elses_port_are_limited_only_where_it_has_no_limits(extra, limited):
    plan = ovs.plan(said(USUAL), machine(), database(BRIDGES, [('br-aux', 'eth4', extra)]))
    assert (SetVlans('eth4', None, PASSING) in model.changes(plan)) is bool(limited)
    assert bool(plan.findings) is (limited is False)


def test_trunks_are_the_vlans_of_full_keys_and_untagged_where_a_role_needs_it():
    untagged = USUAL + [bridge('br-x'), model.patch('br-x', 'br-aux')]
    roles = [('management', 'br-mgmt'), ('x', 'br-aux')]
    made, findings = told(said(untagged, roles), machine((0xffff, 0x80c9, 0x00ca, 0x9388)), database(BRIDGES))
    assert AddPort('br-aux', 'eth4', None, (0, 201), None) in made
    assert findings == []
    _, findings = told(said(untagged, roles), machine((0x7fff, 0x00c9)), database(BRIDGES))
    assert findings[:2] == ['role management needs VLAN 201 on eth4, which has no full P_Key for it',
                            'role x is untagged on eth4, which is no full member of the default partition']


@pytest.mark.parametrize('keys, finding', [
    (None, 'the P_Keys under eth4 are unknown: the VLANs of eth4 are left as they are'),
    ((0xffff,), 'eth4 has no full P_Key of a VLAN that is wanted: its VLANs are left as they are')])
def test_without_keys_the_limit_stays(keys, finding):
    for trunks in ((), (201,)):
        made, findings = told(said(USUAL), machine(keys), database(BRIDGES, [
            ('br-aux', 'eth4', {'trunks': trunks, 'ids': OWNED})]))
        assert (finding in findings) is (keys is None or not trunks)
        assert not any(change.name == 'eth4' for change in made)


def test_a_key_that_is_lost_takes_no_vlan_from_the_trunks():
    for keys in ((0xffff, 0x80c9), (0xffff, 0x00c9, 0x83e8)):
        assert told(said(USUAL), machine(keys), ready())[0] == []
    made, _ = told(said(USUAL), machine((0xffff, 0x80c9)), database(BRIDGES))
    assert AddPort('br-aux', 'eth4', None, (201,), None) in made
    no_longer_asked = said([each for each in USUAL if each.get('name') != 'eth4.201'], [('p', 'br-prv')])
    assert SetVlans('eth4', None, (1000,)) in told(no_longer_asked, machine(), ready())[0]


def test_without_word_of_neutron_every_vlan_with_a_key_passes_and_stays():
    text = said(USUAL, private=None)
    everything = AddPort('br-aux', 'eth4', None, (0, 201, 202, 1000), None)
    assert everything in told(text, machine(), database(BRIDGES))[0]
    assert told(text, machine((0xffff, 0x80c9)), model.after(
        machine(), database(BRIDGES), ovs.plan(text, machine(), database(BRIDGES)))[1])[0] == []


def test_a_vlan_without_a_key_gets_no_ports():
    made, findings = told(said(USUAL), machine((0xffff, 0x83e8)), database(BRIDGES))
    assert [change.name for change in made] == ['br-aux-br-prv-0', 'br-aux-br-prv-1', 'eth4']
    assert findings == ['role management needs VLAN 201 on eth4, which has no full P_Key for it']


def test_ports_and_bonds_of_version_1_0_have_tags_and_trunks():
    bond = {'action': 'add-bond', 'name': 'bond0', 'bridge': 'br-aux', 'interfaces': ['eth4', 'eth5']}
    host = machine(names=('eth4', 'eth5'))
    for more, wanted in (({'tag': 201}, (201, ())), ({'trunks': [0, 201, 300]}, (None, (0, 201)))):
        text = said([bridge('br-aux'), dict(bond, **more)], [('one', 'br-aux')])
        for extra, changed in (({}, True), ({'tag': wanted[0], 'trunks': wanted[1]}, False)):
            made, findings = told(text, host, database(('br-aux',), [('br-aux', 'bond0', extra)]))
            assert made == ([SetVlans('bond0', *wanted)] if changed else [])
            assert [line for line in findings if 'limits' in line] == []
        text = said([bridge('br-aux'), port('eth4', 'br-aux', **more)], [('one', 'br-aux')])
        assert told(text, host, database(('br-aux',)))[0] == [AddPort('br-aux', 'eth4', *(wanted + (None,)))]
    tagged = said([bridge('br-aux'), dict(bond, tag=201)], [('one', 'br-aux')])
    made, findings = told(tagged, host, database(('br-aux',), [('br-aux', 'bond0', {'tag': 300})]))
    assert made == [] and 'bond0 has its own limits of VLANs' in findings[0]
