# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What a level needs, and nodes with Open vSwitch; what was started is stopped also after a failure."""
import contextlib
import os
import shutil
import subprocess
import sys

import pytest

from tests.functional.switches import AS_USER, Node
from tests.lab import requirements

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PYTHON27 = os.path.join(CHECKOUT, '.venv27', 'bin', 'python')
UNSHARE = ['unshare', '--user', '--map-root-user', '--net', '--mount', '--']


@pytest.fixture(scope='session')
def level_1():
    missing = requirements.missing()
    if missing:
        pytest.skip('level 1 of the lab cannot run here: ' + '; '.join(missing))


@pytest.fixture(params=[sys.executable, PYTHON27], ids=['python3', 'python2.7'])
def unshared(request):
    """Runs a script in network and mount namespaces of its own, under Python 3 and 2.7; what it prints."""
    if not os.path.exists(request.param):
        pytest.skip('no Python 2.7 environment here')
    if not shutil.which('ip'):
        pytest.skip('iproute2 is not installed')
    if subprocess.run([*UNSHARE, 'true'], check=False).returncode:
        pytest.skip('neither root nor user namespaces: no network namespace to work in')

    def run(script):
        done = subprocess.run([*UNSHARE, request.param, '-c', script], cwd=CHECKOUT, capture_output=True, text=True,
                              env=dict(os.environ, LC_ALL='C'), check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout
    return run


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
