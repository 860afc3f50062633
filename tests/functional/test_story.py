# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The operator's story: from an environment's networks to nodes that talk in every VLAN, and a check that says why not.

The networks are an answer of a real Fuel 9.2 master.  ``fuel-infiniband partitions`` makes partitions of them, a real
OpenSM programs two virtual nodes, the plugin's tasks deploy them, and every VLAN is tried.
"""
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from plugin_lib.published import networks
from tests.functional.eipoibd_node import status, until, until_equal, vlans
from tests.lab import astute, hooks, lab, opensm, ports, requirements
from tools import packages

NETWORKS = Path(os.environ.get('FUEL_INFINIBAND_SHARED', packages.TOP.parent / 'shared')) / (
    'nailgun/network_configuration-9.2.json')


@pytest.fixture(scope='module', autouse=True)
def able():
    missing = requirements.missing() or requirements.missing_for_opensm()
    if missing:
        pytest.skip('the lab with OpenSM cannot run here: ' + '; '.join(missing))
    if not NETWORKS.exists():
        pytest.skip(f'no reference material: {NETWORKS} is missing (set FUEL_INFINIBAND_SHARED)')


def fuel_infiniband(*arguments):
    """Run the command as on the master; its output."""
    return subprocess.run([sys.executable, '-m', 'plugin_lib', *arguments], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def failures(node):
    """(whether check fails on a node, [subject: text] of everything that is not OK)."""
    done = node.run('fuel-infiniband', 'check', '--format', 'json', check=False)
    assert not done.stderr, done.stderr
    told = json.loads(done.stdout)
    assert done.returncode == (0 if told['ok'] else 1)
    return not told['ok'], [f'{finding["level"]} {finding["subject"]}: {finding["text"]}'
                            for finding in told['findings'] if finding['level'] != 'OK']


def collect(node, folder):
    """Copy what the master needs of a node; the path of its astute.yaml."""
    there = Path(folder, node.name)
    there.mkdir(parents=True)
    told = status(node)
    # A tap has an address of 6 bytes, in which there is no room for the GUID that an IPoIB interface has there.
    told['interfaces']['eth4']['guid'] = f'0x{node.guid}'
    (there / 'status.json').write_text(json.dumps(told))
    (there / 'astute.yaml').write_text(node.read('/etc/astute.yaml'))
    return str(there / 'astute.yaml')


def environment(nodes, folder):
    """What fails in the check of the whole environment, a line each."""
    for node in nodes:
        before = status(node)['updated'], status(node)['interfaces']
        node.run('kill', '-HUP', str(status(node)['pid']))  # the lab has no events of an HCA
        until(lambda node=node, before=before: (status(node)['updated'], status(node)['interfaces']) != before)
        collect(node, folder)
    done = subprocess.run([sys.executable, '-m', 'plugin_lib', 'check', '--environment', folder], check=False, text=True,
                          stdout=subprocess.PIPE)
    assert done.returncode == 1
    return re.findall('^FAIL +(.*)$', done.stdout, re.M)


def without(text, vlan):
    """A partitions.conf without the line of a VLAN's partition."""
    shorter = re.sub(f'^vlan{vlan}=.*\n', '', text, flags=re.M)
    assert shorter != text
    return shorter


def test_from_the_networks_of_a_master_to_nodes_that_are_checked():
    management, storage, private = networks.load(str(NETWORKS))
    tenants = range(private.first, private.last + 1)
    every = [management.first, storage.first, *tenants]

    def body(made):
        nodes = [made.add_node([0xffff]) for _ in astute.MEMBERS]
        fabric = opensm.ManagedFabric(f'{made.folder}/subnet', nodes, opensm.partitions({}))
        partitions = f'{made.folder}/subnet/partitions.conf'
        theirs = Path(partitions).read_text()
        assert '+vlan101=' in fuel_infiniband('partitions', '--networks', str(NETWORKS), '--file', partitions)
        assert Path(partitions).read_text() == theirs
        fuel_infiniband('partitions', '--networks', str(NETWORKS), '--file', partitions, '--write')
        wanted = Path(partitions).read_text()
        assert wanted.startswith(theirs)
        fabric.publish(wanted)
        table = 'ACTIVE', {0xffff, *(0x8000 | vlan for vlan in every)}
        until_equal(lambda: [opensm.port(node) for node in nodes], [table] * 2)

        plugin = packages.unpack(packages.build('fuel8'), f'{made.folder}/master')
        for node, member in zip(nodes, astute.MEMBERS):
            hooks.deploy(node, plugin, astute.render(member, management.first, storage.first,
                                                     (private.first, private.last)))
        until_equal(lambda: [vlans(node) for node in nodes], [every] * 2)
        for node in nodes:
            ports.add(node, 'br-prv', tenants, mac=ports.own_mac(node))
        peer = astute.MEMBERS[1]
        assert [ports.answers(nodes[0], address, 5) for address in (peer.management_address, peer.storage_address)] == [
            True, True]
        until_equal(lambda: ports.answering(nodes, tenants), {tuple(nodes): set(tenants)})
        assert [failures(node) for node in nodes] == [(False, [])] * 2

        # The same from what the nodes tell: the ports that need each partition, and no others.
        told = [collect(node, f'{made.folder}/collected') for node in nodes]
        fabric.publish(theirs + fuel_infiniband('partitions', '--astute', *told, '--guids'))
        assert 'ALL_CAS' not in Path(partitions).read_text()
        assert [opensm.port(node) for node in nodes] == [table] * 2

        for vlan in (storage.first, private.last):
            fabric.publish(without(wanted, vlan))
            for node in nodes:
                until(lambda node=node, pkey=0x8000 | vlan: pkey not in opensm.port(node)[1])
                is_failed, lines = failures(node)
                assert is_failed
                assert [line for line in lines if line.startswith('FAIL')] == [
                    f'FAIL eth4 (mlx4_0 port 1): no P_Key for VLAN {vlan}']
            *of_nodes, of_vlan = environment(nodes, f'{made.folder}/without-{vlan}')
            assert of_nodes == [f'{node.name} eth4 (mlx4_0 port 1): no P_Key for VLAN {vlan}' for node in nodes]
            assert of_vlan.startswith(f'VLAN {vlan} (') and 'nobody can talk' in of_vlan
        # For one node alone.
        only = f'one={storage.first:#x}, ipoib : {opensm.member(nodes[0], "full")} ;\n'
        fabric.publish(without(wanted, storage.first) + only)
        until(lambda: 0x8000 | storage.first in opensm.port(nodes[0])[1])
        until_equal(lambda: [failures(node)[0] for node in nodes], [False, True])
        fabric.publish(wanted)
        until_equal(lambda: [failures(node) for node in nodes], [(False, [])] * 2)
        fabric.close()

    assert lab.run(body) in (0, None), 'what failed in the lab is on stderr'
