# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``fuel-infiniband bootstrap restart-nodes``: which nodes it restarts, and what it says of each.

Covered: nodes of every status; one that does not run a discovery image any more, one that cannot be reached, one that
is offline or has no address; all at once; no nodes; the list cannot be had. ``fuel`` and ``ssh`` stand in, and the
command that ssh is given is run by a real shell.
"""
import json
import os
import subprocess
import sys
import time

import pytest

from tools.packages import TOP

PYTHONS = [sys.executable, str(TOP / '.venv27/bin/python')]
# The machine at the other end: what it runs, and where it notes that it was rebooted.
SSH = '''#!/bin/sh
for word; do address=$command; command=$word; done
address=${address#root@}
[ -e "$HOME/$address" ] || { echo "ssh: connect to host $address port 22: No route to host"; exit 255; }
bin=$HOME/bin-$address
mkdir "$bin"
for turn in $(seq 200); do  # as many at the same time as the test says
    [ "$(ls -d "$HOME"/bin-* | wc -l)" -lt "$(cat "$HOME/expected")" ] || break
    [ "$turn" -lt 200 ] || exit 255
    sleep 0.05
done
echo "echo rebooted > $HOME/$address" > "$bin/reboot"; chmod +x "$bin/reboot"
PATH=$bin:$PATH sh -c "$(echo "$command" | sed "s#/etc/nailgun_systemtype#$HOME/$address#")"
'''


@pytest.fixture(params=PYTHONS, ids=['python3', 'python2.7'])
def master(request, tmp_path):
    """restart(nodes, machines) -> CompletedProcess; machines is {address: what runs there}."""
    if not os.path.exists(request.param):
        pytest.skip('no environment for Python 2.7 (.venv27) here')
    programs = tmp_path / 'programs'
    programs.mkdir()

    def restart(nodes, machines=None, fuel=None, at_once=1):
        (tmp_path / 'expected').write_text(str(at_once))
        listing = tmp_path / 'nodes.json'
        listing.write_text(nodes if isinstance(nodes, str) else json.dumps(nodes))
        for address, system in (machines or {}).items():
            (tmp_path / address).write_text(f'{system}\n')
        for name, text in (('ssh', SSH), ('fuel', fuel or f'#!/bin/sh\necho "$*" > {tmp_path}/asked; cat {listing}\n')):
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        return subprocess.run([request.param, '-m', 'plugin_lib', 'bootstrap', 'restart-nodes'], cwd=TOP,
                              capture_output=True, text=True,
                              env={'PATH': f'{programs}:{os.environ["PATH"]}', 'HOME': str(tmp_path)})
    restart.folder = tmp_path
    return restart


def node(number, status='discover', **facts):
    return dict({'id': number, 'status': status, 'ip': f'10.20.0.{number}', 'online': True, 'name': 'x'}, **facts)


def until_rebooted(folder, address):
    for _ in range(100):
        if (folder / address).read_text() == 'rebooted\n':
            return True
        time.sleep(0.05)
    return False


def test_only_nodes_that_wait_to_be_deployed_are_restarted(master):
    others = ['provisioning', 'provisioned', 'deploying', 'ready', 'error', 'stopped', 'removing']
    nodes = [node(3), node(4)] + [node(number, status) for number, status in enumerate(others, 10)]
    done = master(nodes, {entry['ip']: 'bootstrap' for entry in nodes})
    assert (done.returncode, sorted(done.stdout.splitlines()), done.stderr) == (
        0, ['node-3 10.20.0.3 restarts', 'node-4 10.20.0.4 restarts'], '')
    assert all(until_rebooted(master.folder, f'10.20.0.{number}') for number in (3, 4))
    assert all((master.folder / entry['ip']).read_text() == 'bootstrap\n' for entry in nodes[2:])
    assert (master.folder / 'asked').read_text() == '--json node list\n'


def test_what_keeps_a_node_from_it_is_told_and_the_others_restart(master):
    nodes = [node(1), node(2), node(3), node(4, online=False), node(5, ip='x; reboot'), node(6, ip=None)]
    done = master(nodes, {'10.20.0.1': 'target', '10.20.0.3': 'bootstrap'})
    assert done.returncode == 3
    assert sorted(done.stdout.splitlines()) == [
        'node-1 10.20.0.1 is left alone: it does not run a discovery image',
        'node-2 10.20.0.2 does not restart: ssh: connect to host 10.20.0.2 port 22: No route to host',
        'node-3 10.20.0.3 restarts', 'node-4 10.20.0.4 is offline: it boots the image when it is switched on',
        'node-5 x; reboot has no address', 'node-6 None has no address']
    assert until_rebooted(master.folder, '10.20.0.3')
    assert (master.folder / '10.20.0.1').read_text() == 'target\n'


def test_many_nodes_at_once(master):
    nodes = [node(number) for number in range(1, 19)]
    done = master(nodes, {entry['ip']: 'bootstrap' for entry in nodes}, at_once=18)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 18), done.stdout


@pytest.mark.parametrize('nodes', [[], [node(1, 'ready')]])
def test_nothing_to_restart(master, nodes):
    done = master(nodes)
    assert (done.returncode, done.stdout) == (0, 'no node has the status discover: nothing to restart\n')


@pytest.mark.parametrize('answer', ['', '{', '{"a": 1}', '[1]', 'null'])
def test_a_list_that_makes_no_sense(master, answer):
    done = master(answer)
    assert done.returncode == 3 and done.stderr.startswith('error: cannot list the nodes\n')


def test_fuel_fails(master):
    done = master([], fuel='#!/bin/sh\necho Unauthorized >&2; exit 1\n')
    assert done.returncode == 3 and 'Unauthorized' in done.stderr
