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


def fuel_infiniband(*arguments, status=0):
    """Run the command as on the master; its output."""
    done = subprocess.run([sys.executable, '-m', 'plugin_lib', *arguments], check=False, text=True,
                          stdout=subprocess.PIPE)
    assert done.returncode == status
    return done.stdout


def check(node):
    """(whether check fails on a node, [level, subject and text of everything that is not OK])."""
    done = node.run('fuel-infiniband', 'check', '--format', 'json', check=False)
    assert not done.stderr, done.stderr
    told = json.loads(done.stdout)
    assert done.returncode == (0 if told['ok'] else 1)
    return not told['ok'], [f'{finding["level"]} {finding["subject"]}: {finding["text"]}'
                            for finding in told['findings'] if finding['level'] != 'OK']


ALL_OK = False, []


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


class Story:
    """Two nodes, the subnet manager's partition file, and the VLANs of the master's networks."""

    def __init__(self, made):
        self.management, self.storage, self.private = networks.load(str(NETWORKS))
        self.tenants = range(self.private.first, self.private.last + 1)
        self.every = [self.management.first, self.storage.first, *self.tenants]
        self.table = 'ACTIVE', {0xffff, *(0x8000 | vlan for vlan in self.every)}
        self.nodes = [made.add_node([0xffff]) for _ in astute.MEMBERS]
        self.fabric = opensm.ManagedFabric(f'{made.folder}/subnet', self.nodes, opensm.partitions({}))
        self.file = Path(made.folder, 'subnet/partitions.conf')
        self.folder = made.folder

    def write_partitions(self):
        """From the networks to the tables of the ports; returns (the operator's own part, the whole file)."""
        theirs = self.file.read_text()
        source = 'partitions', '--networks', str(NETWORKS), '--file', str(self.file)
        assert '+vlan101=' in fuel_infiniband(*source)
        assert self.file.read_text() == theirs
        fuel_infiniband(*source, '--write')
        whole = self.file.read_text()
        assert whole.startswith(theirs)
        self.fabric.publish(whole)
        until_equal(lambda: [opensm.port(node) for node in self.nodes], [self.table] * 2)
        return theirs, whole

    def deploy(self):
        plugin = packages.unpack(packages.build('fuel8'), f'{self.folder}/master')
        for node, member in zip(self.nodes, astute.MEMBERS):
            hooks.deploy(node, plugin, astute.render(member, self.management.first, self.storage.first,
                                                     (self.private.first, self.private.last)))
        until_equal(lambda: [vlans(node) for node in self.nodes], [self.every] * 2)

    def try_every_vlan(self):
        for node in self.nodes:
            ports.add(node, 'br-prv', self.tenants, mac=ports.own_mac(node))
        peer = astute.MEMBERS[1]
        for address in (peer.management_address, peer.storage_address):
            assert ports.answers(self.nodes[0], address, 5)
        until_equal(lambda: ports.answering(self.nodes, self.tenants), {tuple(self.nodes): set(self.tenants)})

    def write_partitions_for_ports(self, theirs):
        """The same from what the nodes tell: the ports that need each partition, and no others."""
        told = [collect(node, f'{self.folder}/collected') for node in self.nodes]
        self.fabric.publish(theirs + fuel_infiniband('partitions', '--astute', *told, '--guids'))
        assert 'ALL_CAS' not in self.file.read_text()
        assert [opensm.port(node) for node in self.nodes] == [self.table] * 2

    def lose(self, vlan, whole):
        """A VLAN's partition is gone from the file: every check names that VLAN, and whom it is missing."""
        self.fabric.publish(without(whole, vlan))
        for node in self.nodes:
            until(lambda node=node: 0x8000 | vlan not in opensm.port(node)[1])
            fails, lines = check(node)
            assert fails
            assert [line for line in lines if line.startswith('FAIL')] == [
                f'FAIL eth4 (mlx4_0 port 1): no P_Key for VLAN {vlan}']
        *of_nodes, of_vlan = self.check_environment(f'{self.folder}/without-{vlan}')
        assert of_nodes == [f'{node.name} eth4 (mlx4_0 port 1): no P_Key for VLAN {vlan}' for node in self.nodes]
        assert of_vlan.startswith(f'VLAN {vlan} (') and 'nobody can talk' in of_vlan
        self.report_shows(vlan, f'{self.folder}/without-{vlan}')

    def report_shows(self, vlan, folder):
        """The page about the environment has the problems of both nodes, and their maps a broken row of this VLAN."""
        fuel_infiniband('report', '--environment', folder, '-o', f'{folder}/report.html')
        page = Path(folder, 'report.html').read_text()
        for node in self.nodes:
            assert f'{node.name} eth4 (mlx4_0 port 1): no P_Key for VLAN {vlan}' in page
        assert len(re.findall(f'<text [^>]*>VLAN {vlan}</text>\\s*<text [^>]*>0x[0-9a-f]{{4}}</text>\\s*'
                              '<text [^>]*>no P_Key</text>', page)) == len(self.nodes)

    def lose_for_one(self, vlan, whole):
        """One node alone is no member any more."""
        only = f'one={vlan:#x}, ipoib : {opensm.member(self.nodes[0], "full")} ;\n'
        self.fabric.publish(without(whole, vlan) + only)
        until_equal(lambda: [check(node)[0] for node in self.nodes], [False, True])

    def check_environment(self, folder):
        """What fails in the check of the whole environment, a line each."""
        for node in self.nodes:
            before = status(node)['updated'], status(node)['interfaces']
            node.run('kill', '-HUP', str(status(node)['pid']))  # the lab has no events of an HCA
            until(lambda node=node, before=before: (status(node)['updated'], status(node)['interfaces']) != before)
            collect(node, folder)
        return re.findall('^FAIL +(.*)$', fuel_infiniband('check', '--environment', folder, status=1), re.M)


def without(text, vlan):
    """A partitions.conf without the line of a VLAN's partition."""
    shorter = re.sub(f'^vlan{vlan}=.*\n', '', text, flags=re.M)
    assert shorter != text
    return shorter


def test_from_the_networks_of_a_master_to_nodes_that_are_checked():
    def body(made):
        story = Story(made)
        theirs, whole = story.write_partitions()
        story.deploy()
        story.try_every_vlan()
        assert [check(node) for node in story.nodes] == [ALL_OK] * 2
        story.write_partitions_for_ports(theirs)
        for vlan in (story.storage.first, story.private.last):
            story.lose(vlan, whole)
        story.lose_for_one(story.storage.first, whole)
        story.fabric.publish(whole)
        until_equal(lambda: [check(node) for node in story.nodes], [ALL_OK] * 2)
        story.fabric.close()

    assert lab.run(body) in (0, None), 'what failed in the lab is on stderr'
