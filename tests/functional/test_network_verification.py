# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Fuel's network verification over EIPOIB interfaces: it sees exactly the VLANs whose P_Keys both ends hold.

The checker is Fuel's own: nailgun-net-check with the scapy that it asks for, from PyPI, under Python 2.7, which is
all it runs on.  As on nodes that Fuel has discovered, eipoibd is at work and nothing else uses the interfaces.  Two
things of the lab are kept from the checker: that there is no syslog, and that eth4 has a peer (``eth4@if7``), since it
knows no such interface.

Covered: tagged and untagged, both ways, P_Keys at one end only and limited ones; what changes after the subnet manager
changed a table; nothing is seen without eipoibd.
"""
import contextlib
import json
import os
import shutil
import signal
import subprocess

import pytest

from tests.functional.eipoibd_node import CHECKOUT, CONFIG, Service, install, until, vlans
from tests.lab import lab

PYTHON = f'{CHECKOUT}/.venv27/bin/python'
PACKAGES = '/opt/net-check'
CAPTURES = '/run/pcap_dir'  # the checker's default, but for /var
NET_PROBE = '''
import logging, re
from logging import handlers
handlers.SysLogHandler = lambda address: logging.NullHandler()
from network_checker.net_check import api
run = api.Actor._execute
api.Actor._execute = lambda self, argv, **more: [re.sub('@if[0-9]+:', ':', line) for line in run(self, argv, **more)]
api.main()
'''
ASKED = '0,100-105'


def interpreter():
    """(the Python 2.7 under .venv27, its folder, the folder of the packages), or an empty tuple."""
    show = ('import os, sys, network_checker, scapy; prefix = sys.real_prefix; '
            'print(os.path.join(prefix, "bin/python2.7")); print(prefix); '
            'print(os.path.dirname(os.path.dirname(scapy.__file__)))')
    if not os.path.exists(PYTHON):
        return ()
    done = subprocess.run([PYTHON, '-c', show], capture_output=True, text=True, check=False)
    return done.stdout.split() if done.returncode == 0 else ()


@pytest.fixture(scope='module', autouse=True)
def able(level_1):
    if not shutil.which('tcpdump'):
        pytest.skip('nailgun-net-check listens with tcpdump, which is not installed')
    if not interpreter():
        pytest.skip('nailgun-net-check needs Python 2.7: there is no .venv27 with it')


class Checker:
    """The checker on a node: listening from the start, until :meth:`heard`."""

    def __init__(self, node):
        self._node = node
        self._python, home, packages = interpreter()
        for folder, seen_as in ((home, home), (packages, PACKAGES)):
            os.makedirs(node.path(seen_as), exist_ok=True)
            subprocess.run(node.machine.beside('mount', '--bind', folder, f'{node.root}{seen_as}'), check=True)

    def _run(self, **config):
        # For so many seconds it sends again and again: tcpdump shows frames up to one second after they came.
        config = dict(config, interfaces={'eth4': ASKED}, duration=2)
        self._node.write(f'/run/{config["action"]}.json', json.dumps(config))
        return subprocess.Popen(self._node.machine.inside(
            'env', f'PYTHONPATH={PACKAGES}', self._python, '-c', NET_PROBE, '-c', f'/run/{config["action"]}.json'),
            stdout=subprocess.DEVNULL)

    @contextlib.contextmanager
    def listening(self):
        """While it listens; yields a dict that is then {uid of a sender: VLANs it was heard in}."""
        heard = {}
        process = self._run(action='listen', dump_file='/run/heard', ready_address='127.0.0.1')
        captures = [self._node.path(f'{CAPTURES}/{name}') for name in ('eth4.pcap', 'vlan_eth4.pcap')]
        until(lambda: all(map(os.path.exists, captures)))
        yield heard
        pid, = os.listdir(self._node.path('/run/net_probe'))
        self._node.run('kill', f'-{signal.SIGINT.value}', pid)
        assert process.wait(timeout=60) == 0
        for vlan, uids in json.loads(self._node.read('/run/heard'))['eth4'].items():
            for uid in uids:
                heard.setdefault(uid, set()).add(int(vlan))
        shutil.rmtree(self._node.path(CAPTURES))

    def generate(self):
        """Send frames in each VLAN that is asked for; the sender's uid is the node's name."""
        return self._run(action='generate', uid=self._node.name)


def verify(checkers):
    """As Fuel does it: all listen, all send; [{uid of a sender: VLANs in which this node heard it}]."""
    with contextlib.ExitStack() as listening:
        heard = [listening.enter_context(checker.listening()) for checker in checkers]
        assert [sender.wait(timeout=60) for sender in [checker.generate() for checker in checkers]] == [0, 0]
    return heard


def test_the_checker_sees_the_vlans_whose_pkeys_both_ends_hold():
    def body(made):
        tables = [0xffff, 0x8064, 0x8065, 0x8066], [0x8065, 0xffff, 0x8066, 0x0064, 0x8067]
        nodes = [made.add_node(table) for table in tables]
        checkers = [Checker(node) for node in nodes]
        for node in nodes:
            node.run('ip', 'link', 'set', 'eth4', 'up')
            install(node)
            node.write(CONFIG, '[eipoibd]\nresync_interval = 1\nremoval_grace = 0\nmass_removal_hold = 0\n')
        alone = [{node.name: {0, 100, 101, 102, 103, 104, 105}} for node in nodes]  # it hears itself, too
        assert verify(checkers) == alone, 'nothing passes before eipoibd is there'
        with Service(nodes[0]), Service(nodes[1]):
            until(lambda: [vlans(node) for node in nodes] == [[100, 101, 102], [101, 102, 103]])
            first, second = verify(checkers)
            assert first['node-2'] == second['node-1'] == {0, 101, 102}
            nodes[0].emulator.program([0xffff, 0x8066, 0x8067])
            until(lambda: vlans(nodes[0]) == [102, 103])
            first, second = verify(checkers)
            assert first['node-2'] == second['node-1'] == {0, 102, 103}

    assert lab.run(body) in (0, None), 'what failed in the lab is on stderr'
