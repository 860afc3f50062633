# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The demo as a test: ``python -m tests.lab.demo`` holds, without privilege too, and leaves nothing when it is stopped.

Covered: the whole deployment as root and in user namespaces; Ctrl-C, SIGTERM and SIGKILL at several points leave no
process, namespace, mount or folder; a machine on which namespaces cannot be made is told so and gets level 0; one
without OpenSM is told so.
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tests.lab import requirements
from tools.packages import TOP

DEMO = (sys.executable, '-m', 'tests.lab.demo')
# Nothing but what it takes to stay user 0, to whom this machine's files belong, in a user namespace.
WITHOUT_CAPABILITIES = ('setpriv', '--bounding-set=-all,+setfcap', '--inh-caps=-all', '--no-new-privs')


@pytest.fixture
def start(tmp_path):
    """Starts the demo with a folder of its own for temporary files, and ends it with the test."""
    started = []

    def start(*before, argv=DEMO):
        environment = dict(os.environ, TMPDIR=str(tmp_path), PYTHONDONTWRITEBYTECODE='1')
        started.append(subprocess.Popen([*before, *argv], cwd=TOP, env=environment, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        start_new_session=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def assert_whole_demo(process):
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    assert 'FAILED' not in output and output.endswith('Everything held.\n')
    if requirements.missing_for_opensm():
        assert re.search('ok +no subnet manager', output)
    else:
        assert re.search('ok +OpenSM [0-9.]+ .* gives every HCA port 6 P_Keys', output)
    for line in ('infiniband-install', 'infiniband-preflight', 'infiniband-drivers', 'infiniband-vlans',
                 'infiniband-ovs', 'infiniband-verify'):
        assert len(re.findall(rf'ok +{line} +node-1 [0-9.]+ s  node-2 [0-9.]+ s', output)) == 2, f'{line}, twice'
    assert 'mlx4_0 port 1 0x80c9 full ==> ib0.80c9 vlan 201 eth4 ok' in output
    assert 'VLAN 201: an answer from' in output and 'VLAN 1003: no answer from' in output
    for name, answer in (('router', 'an'), ('without its vif', 'no'), ('with eipoibd again', 'an')):
        assert re.search(f'ok +{name} +VLAN 1001: {answer} answer from 10.3.233.2, as it must be', output)


def test_the_demo_holds(level_1, start, tmp_path):
    assert_whole_demo(start())
    assert not os.listdir(tmp_path)


def test_the_demo_holds_in_user_namespaces(level_1, start):
    if os.geteuid() != 0:
        pytest.skip('not root: test_the_demo_holds has just shown it')
    if subprocess.run([*WITHOUT_CAPABILITIES, 'unshare', '-U', 'true'], capture_output=True, check=False).returncode:
        pytest.skip('this kernel allows no user namespaces to unprivileged processes')
    assert_whole_demo(start(*WITHOUT_CAPABILITIES))


def test_a_machine_without_namespaces_is_told_and_gets_level_0(start):
    unshare = ['unshare', '--user', '--map-root-user']
    if subprocess.run([*unshare, 'true'], capture_output=True, check=False).returncode:
        pytest.skip('a machine without namespaces is played in a user namespace, and this kernel allows none')
    process = start(*unshare, 'sh', '-c', 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"', 'sh',
                    *WITHOUT_CAPABILITIES)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert 'root, or user namespaces' in output and 'Traceback' not in output
    assert 'mlx4_0 port 1 0x80c9 full ==> ib0.80c9 vlan 201 eth4 ok' in output


class Traces:
    """What a running demo has made, as seen from outside: its processes and their namespaces."""

    def __init__(self, pid):
        running = processes()
        ours, size = {pid}, 0
        while size != len(ours):
            size = len(ours)
            ours |= {child for child, (parent, _) in running.items() if parent in ours}
        self.processes = {(each, running[each][1]) for each in ours}
        self.namespaces = {name for each in ours for name in namespaces(each)} - set(namespaces('self'))

    def left(self):
        """What of it is still there."""
        now = {(each, start) for each, (_, start) in processes().items()}
        return sorted(map(str, self.processes & now)) + sorted(
            {name for each, _ in now for name in namespaces(each)} & self.namespaces)


def processes():
    """{pid: (parent, start time)} of every process that has not ended."""
    found = {}
    for name in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{name}/stat', encoding='utf-8', errors='replace') as file:
                words = file.read().rpartition(')')[2].split()
        except OSError:
            continue  # it has ended meanwhile
        if words[0] != 'Z':
            found[int(name)] = int(words[1]), words[19]
    return found


def namespaces(pid):
    for name in ('mnt', 'net', 'pid', 'uts', 'user'):
        try:
            yield os.readlink(f'/proc/{pid}/ns/{name}')
        except OSError:
            return


@pytest.mark.parametrize('moment, number', [
    ('node-1', signal.SIGINT), ('before', signal.SIGTERM), ('infiniband-vlans', signal.SIGINT),
    ('infiniband-install', signal.SIGTERM), ('netconfig', signal.SIGKILL)])
def test_a_stopped_demo_leaves_nothing(level_1, start, tmp_path, moment, number):
    process = start()
    for line in process.stdout:
        if f' {moment} ' in line:
            break
    traces = Traces(process.pid)
    assert len(traces.processes) > 5 and len(traces.namespaces) >= 4, 'the lab was up'
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does
    else:
        process.send_signal(number)
    process.stdout.read()
    assert process.wait(timeout=60) == (-number if number == signal.SIGKILL else 128 + number)
    deadline = time.monotonic() + 60
    while traces.left() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not traces.left()
    with open('/proc/self/mountinfo', encoding='utf-8') as mounts:
        assert str(tmp_path) not in mounts.read()
    if number == signal.SIGKILL:
        for path in tmp_path.iterdir():  # nobody was left to remove it
            shutil.rmtree(path)
    assert not os.listdir(tmp_path)


def test_a_demo_without_opensm_says_so_and_goes_on(level_1, start):
    without_opensm = ('import sys; from tests.lab import demo, requirements; '
                      'requirements.missing_for_opensm = lambda: ["program opensm"]; sys.exit(demo.main())')
    process = start(argv=(sys.executable, '-c', without_opensm))
    for line in process.stdout:
        if ' infiniband-preflight ' in line:
            break
        if ' no subnet manager ' in line:
            told = line
    assert 'program opensm is not here' in told and ' ok ' in line


def test_a_demo_in_which_something_does_not_hold_fails(level_1, start):
    without_a_private_vlan = ('import sys; from tests.lab import astute, demo; '
                              'astute.PKEYS.remove(0x8000 | astute.PRIVATE_VLANS[0]); sys.exit(demo.main())')
    process = start(argv=(sys.executable, '-c', without_a_private_vlan))
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 1
    assert re.search(r'FAILED +infiniband-preflight', output)
    assert 'VLAN 1000' in output and 'infiniband-drivers' not in output and 'Traceback' not in output
