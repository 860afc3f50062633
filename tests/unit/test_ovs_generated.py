# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Plans for generated schemes on generated machines and databases, Linux bridges included.

After a model has applied a plan the next plan is empty, nothing that is not ours has
changed, and no limit of VLANs has become the empty set, which means all of them.
"""
from __future__ import absolute_import, print_function, unicode_literals

import re

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from plugin_lib.planning import ovs
from plugin_lib.planning.link_operations import SetMaster
from plugin_lib.planning.ovs_changes import MARK, RequestMtu, SetVlans
from tests.model import bridges as model
from tests.model.bridges import KEYS, OWNED, TRUNKS, after, bridge, changes, operations, patch, port, put, said

NAMES = ('br-a', 'br-b', 'br-c')
PORTS = ('eth4', 'eth4.201', 'eth4.202', 'eth5', 'eth5.201', 'eth5.300')
FOREIGN = ('eth4', 'eth4.201', 'eth5', 'x', 'y', 'old', 'guest')


@st.composite
def schemes(draw):
    steps = [bridge(name, draw(st.sampled_from(('ovs', 'lnx')))) for name in NAMES]
    for name in draw(st.lists(st.sampled_from(PORTS), unique=True)):
        steps.append(port(name, draw(st.sampled_from(NAMES)), **draw(st.sampled_from(({}, {}, {'mtu': 1400}, {
            'mtu': 9000}, {'trunks': [0, 201, 300]})))))
    for name in draw(st.sampled_from(((), ('inner',)))):
        steps.append(port(name, draw(st.sampled_from(NAMES)), type='internal', tag=201))
    for more in draw(st.sampled_from(((), ({},), ({'tag': 201},), ({'trunks': [0, 201]},)))):
        steps.append(dict({'action': 'add-bond', 'name': 'bond0', 'bridge': draw(st.sampled_from(NAMES)),
                           'provider': 'ovs', 'interfaces': ['eth4', 'eth5']}, **more))
    for first, second in draw(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=3)):
        steps.append(patch(first, second, tags=draw(st.sampled_from(([0, 0], [0, 201], [300, 0]))),
                           trunks=draw(st.sampled_from(([], [0], [201, 202])))))
    return said(steps, [('one', 'br-a'), ('two', 'br-b'), ('private', 'br-c')],
                private=draw(st.sampled_from((None, '1000:1000'))))


@st.composite
def databases(draw):
    found = model.database(draw(st.lists(st.sampled_from(NAMES + ('br-own',)), unique=True)))
    for name in sorted(found.bridges):
        found.bridges[name] = found.bridges[name]._replace(external_ids=draw(st.sampled_from(({}, {}, OWNED))))
    for name in draw(st.lists(st.sampled_from(FOREIGN), unique=True)):
        assume(found.bridges)
        put(found, draw(st.sampled_from(sorted(found.bridges))), name, draw(st.sampled_from((None, 201))),
            draw(st.sampled_from(((), (0, 201)))), None, {'x': 'y', 'y': 'x'}.get(name),
            draw(st.sampled_from(({}, OWNED, TRUNKS))), 'internal' if name == 'guest' else '')
    return found


@st.composite
def machines(draw, found):
    """A machine that has the interfaces of the database ``found``, and others."""
    masters = draw(st.dictionaries(st.sampled_from(('eth4', 'eth5', 'eth4.201')),
                                   st.sampled_from((None, 'ovs-system', 'br-linux'))))
    others = [model.nic(name) for name, row in found.interfaces.items() if row.type == 'internal']
    others += [each for name in draw(st.lists(st.sampled_from(NAMES), unique=True)) if name not in found.bridges
               for each in model.linux(name)]
    others += [model.nic(name) for name in sorted(found.ports) if name == 'old']
    names = set(draw(st.sampled_from((('eth4',), ('eth4', 'eth5'), ())))).union(set(found.ports) & set(PORTS))
    keys = draw(st.sampled_from((None, (), (0xffff,), KEYS, (0x80c9, 0x00ca, 0xffff))))
    return model.machine(keys, sorted(names), masters, others, draw(st.sampled_from((1500, 2044, 65520))))


@settings(max_examples=500)
@given(st.data())
def test_generated_plans_settle_and_touch_only_what_is_ours(data):
    text, before = data.draw(schemes()), data.draw(databases())
    host = data.draw(machines(before))
    plan = ovs.plan(text, host, before)
    later, then = after(host, before, plan)
    assert ovs.plan(text, later, then).steps == ()
    for name, row in before.ports.items():
        if row.external_ids.get(MARK) == 'owned' or before.bridges[row.bridge].external_ids and name == row.bridge:
            continue
        now = then.ports[name]
        assert (now.bridge, now.interfaces) == (row.bridge, row.interfaces)
        if (now.tag, now.trunks) != (row.tag, row.trunks):
            assert now.external_ids[MARK] == 'trunks' and (now.trunks or now.tag)
            assert (row.tag, row.trunks) == (None, ()) or row.external_ids.get(MARK) == 'trunks'
    for name, link in host.interfaces.items():
        if name in later.interfaces and link.master not in (None, 'ovs-system'):
            assert later.interfaces[name].master == link.master
    for change in changes(plan):
        assert re.match(r'^[A-Za-z0-9_.-]{1,15}$', change.name)
        if isinstance(change, SetVlans) and change.name in ('eth4', 'eth5') and not change.tag:
            assert change.trunks or before.ports[change.name].trunks == ()
        if isinstance(change, RequestMtu):
            assert change.mtu <= host.interfaces['ib0'].mtu
    for operation in operations(plan):
        assert not isinstance(operation, SetMaster) or operation.interface not in before.ports or (
            before.ports[operation.interface].external_ids.get(MARK) == 'owned')
