# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What a level needs, and nodes with Open vSwitch; what was started is stopped also after a failure."""
import contextlib
import subprocess

import pytest

from tests.functional.switches import AS_USER, Node
from tests.lab import requirements


@pytest.fixture(scope='session')
def level_1():
    missing = requirements.missing()
    if missing:
        pytest.skip('level 1 of the lab cannot run here: ' + '; '.join(missing))


@pytest.fixture
def nodes(tmp_path):
    """Starts nodes; stops what it started, also after a failure."""
    with contextlib.ExitStack() as started:
        def start(number=1):
            folder = tmp_path / f'n{number}'
            folder.mkdir()
            node = Node(folder, number)
            started.callback(node.close)
            return node
        yield start


@pytest.fixture
def two(nodes):
    """Two nodes, eth4 joined to eth4, with the bridges of their astute.yaml, addresses and guests' ports."""
    first, second = nodes(1), nodes(2)
    subprocess.run(['nsenter', f'--target={first.pid}', '--net', *AS_USER, '--', 'ip', 'link', 'add', 'eth4', 'type',
                    'veth', 'peer', 'name', 'eth4', 'netns', str(second.pid)], check=True)
    for node in (first, second):
        node('ip', 'link', 'set', 'eth4', 'up')
        node.bridges('br-mgmt', 'br-storage', 'br-prv', 'br-aux')
        node.address('br-mgmt', f'192.168.0.{node.number}/24')
        node.address('br-storage', f'192.168.1.{node.number}/24')
        for vlan in (1000, 1001):
            node.private_port(vlan)
    return first, second
