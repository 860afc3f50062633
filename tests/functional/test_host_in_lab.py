# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``discover`` and ``capture`` in a node of the lab: emulated attributes through system calls, real interfaces."""
import json
import os
import shutil
import subprocess

import pytest

from plugin_lib.host import machine
from plugin_lib.host.source import open_root
from plugin_lib.views import discover
from tests.lab import lab

pytestmark = pytest.mark.usefixtures('level_1')

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..'))
LIBRARY = '/opt/library'
NET = '/sys/class/net'
MAC = '02:00:00:00:00:01'


def write(node, path, text):
    with open(node.path(f'{NET}/{path}'), 'w', encoding='ascii') as attribute:
        attribute.write(text)


def run_command(node, *arguments):
    """What fuel-infiniband prints in the node."""
    command = node.machine.inside('env', f'PYTHONPATH={LIBRARY}', 'python3', '-m', 'plugin_lib', *arguments)
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout


def test_a_node_is_shown_as_it_is_and_a_capture_of_it_says_the_same():
    def body(made):
        node = made.add_node([0xffff, 0x8064, 0, 0x00c8])
        shutil.copytree(f'{ROOT}/plugin_lib', node.path(f'{LIBRARY}/plugin_lib'))
        shutil.copy(f'{ROOT}/metadata.yaml', node.path(LIBRARY))
        node.run('ip', 'link', 'set', 'eth4', 'up')
        write(node, 'ib0/create_child', '0x8064')
        write(node, 'eth4/eth/slaves', '+ib0.8064')
        write(node, 'eth4/eth/vifs', f'+ib0.8064 {MAC} 100')

        shown = json.loads(run_command(node, 'discover', '--format', 'json'))
        assert (shown['infiniband'], shown['problems']) == (True, [])
        eth4 = shown['interfaces']['eth4']
        assert (eth4['driver'], eth4['bus_info'], eth4['up']) == ('eth_ipoib', 'ib0', True)
        assert eth4['eipoib'] == {'parent': 'ib0', 'hca': 'mlx4_0', 'port': 1, 'pci': '0000:03:00.0',
                                  'link_layer': 'InfiniBand', 'port_state': 'ACTIVE', 'sm_lid': 1}
        assert shown['interfaces']['ib0']['link_type'] == 'infiniband'
        assert shown['interfaces']['ib0.8064']['child'] == {'parent': 'ib0', 'pkey': '0x8064'}
        assert [(each['pkey'], each['membership'], each['vlan']) for each in shown['ports'][0]['pkeys']] == [
            ('0xffff', 'full', None), ('0x8064', 'full', 100), ('0x00c8', 'limited', 200)]

        run_command(node, 'capture', f'{LIBRARY}/capture')
        host = machine.read(open_root(node.path(f'{LIBRARY}/capture')))
        assert discover.document(host) == shown
        assert [(vif.slave, vif.mac, vif.vlan) for vif in host.eipoibs['eth4'].vifs] == [('ib0.8064', MAC, 100)]
        return 0

    assert lab.run(body) == 0, 'what failed in the lab is on stderr'
