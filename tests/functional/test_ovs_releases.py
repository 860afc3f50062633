# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The plan of the stage ovs for real astute.yaml files of every Fuel release in which InfiniBand occurs.

On a node that has its EIPOIB interfaces, their P_Keys and an empty Open vSwitch the plan is the text of
tests/fixtures/plans/, read by eye; with UPDATE_PLANS=1 it is written anew. After l23network it is empty.
"""
import os
from pathlib import Path

import pytest

from plugin_lib import published
from plugin_lib.planning import ovs
from plugin_lib.views import plan as view
from tests.functional.test_published_releases import ASTUTE, ROOT
from tests.functional.test_published_releases import pytestmark as needs_reference_material
from tests.model.bridges import configured, database, machine, nic, settled

pytestmark = needs_reference_material
# The same environment in every release gives the same plan.
SAME = {'derived_6.1__ipoib_two_nics_vlan.controller.yaml': 'one-interface',
        'derived_9.2__bond_two_ipoib_same_bus.compute.yaml': 'bond', 'nailgun_9.2__bond.compute-cinder.yaml': 'bond'}
PLANS = Path(ROOT) / 'tests' / 'fixtures' / 'plans'
KEYS = [0xffff] + [0x8000 | vlan for vlan in (101, 102, 201, 202, *range(1000, 1031))]


def cases():
    """Names of the files with ports that l23network knows for InfiniBand's."""
    return sorted(path.name for path in ASTUTE.glob('*.yaml') if b'eth_ipoib' in path.read_bytes())


def node_of(text):
    """The node before netconfig."""
    infiniband = [each.name for each in text.interfaces.values() if each.mode == 'infiniband']
    return machine(KEYS, infiniband, others=[nic(name) for name in text.interfaces if name not in infiniband])


def test_there_are_files_of_every_release():
    assert {name.split('_')[1] for name in cases()} == {'6.1', '7.0', '8.0', '9.2'}


@pytest.mark.parametrize('name', cases())
def test_before_netconfig(name):
    text = published.read(str(ASTUTE / name))
    golden = PLANS / f'{SAME.get(name, "two-interfaces")}.txt'
    found = view.table([ovs.plan(text, node_of(text), database())])
    if os.environ.get('UPDATE_PLANS'):
        golden.write_text(found)
    assert found == golden.read_text()
    settled(text, node_of(text), database())


@pytest.mark.parametrize('name', cases())
def test_after_netconfig_nothing_is_left_to_do(name):
    text = published.read(str(ASTUTE / name))
    host, snapshot = configured(text, node_of(text))
    assert settled(text, host, snapshot) == ((), ())
