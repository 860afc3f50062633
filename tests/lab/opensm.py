# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""A real OpenSM whose P_Keys drive the nodes: what it programs on a simulated subnet is what their ports hold.

    fabric = ManagedFabric(folder, lab.nodes, partitions({101: EVERY_HCA}))
    fabric.publish(partitions({101: EVERY_HCA, 102: member(node_1, 'full')}))
    fabric.simulator.unlink('node-2')
    fabric.close()
"""
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

from tests.lab.emulator import HCA
from tests.lab.ibsim import FIRST_NODE_PORT, TABLE_ENTRIES, Simulator, end

EVERY_HCA = 'ALL_CAS'

_PATIENCE = 30.0
_DEFAULT_PARTITION = 'Default=0x7fff, ipoib, defmember=full : ALL, ALL_SWITCHES=full, SELF=full ;\n'


def partitions(members):
    """Text of a partitions.conf with the default partition and one for each VLAN.

    :param members: {VLAN: members as OpenSM writes them}; EVERY_HCA is one of them
    """
    return _DEFAULT_PARTITION + ''.join(f'vlan{vlan}={vlan:#x}, ipoib, defmember=full : {who} ;\n'
                                        for vlan, who in members.items())


def member(node, membership):
    """A node as a member of a partition.

    :param membership: ``full``, ``limited``, or ``both`` where OpenSM allows both P_Keys
    """
    return f'0x{node.guid}={membership}'


class OpenSM:
    """An OpenSM that can be started on a Simulator as often as wanted.

    :param partitions_text: of its partitions.conf
    :param allow_both_pkeys: its option of that name
    """

    def __init__(self, simulator, partitions_text, allow_both_pkeys=False):
        self._simulator = simulator
        self._folder = simulator.folder
        self._process = None
        self.write(partitions_text)
        with open(f'{self._folder}/opensm.conf', 'w', encoding='ascii') as file:
            file.write(f'partition_config_file {self._folder}/partitions.conf\nlog_file {self._folder}/opensm.log\n'
                       f'sweep_interval 0\nforce_log_flush TRUE\nallow_both_pkeys {str(allow_both_pkeys).upper()}\n')

    def write(self, partitions_text):
        """Replace partitions.conf, or remove it (None); OpenSM reads it when it is told to."""
        path = f'{self._folder}/partitions.conf'
        if partitions_text is None:
            os.remove(path)
            return
        with open(path, 'w', encoding='latin-1', newline='') as file:
            file.write(partitions_text)

    def start(self):
        """Start it, and return when it has brought the subnet up."""
        before = self.sweeps()
        with open(f'{self._folder}/opensm.out', 'ab') as output:
            self._process = self._simulator.client('opensm', '-F', 'opensm.conf', stdout=output, stderr=output)
        self.wait_for_sweep(before)

    def reload(self):
        """Have it read partitions.conf again, and return when it has brought the subnet up with that."""
        before = self.sweeps()
        self._process.send_signal(signal.SIGHUP)
        self.wait_for_sweep(before)

    def kill(self):
        """End it without a chance to clean up; its place as one of the simulator's ten clients stays taken."""
        self._process.kill()
        self._process.wait()

    def stop(self):
        """End it, if it runs."""
        if self._process and self._process.poll() is None:
            end(self._process)

    def log(self):
        """All that it has logged."""
        path = f'{self._folder}/opensm.log'
        if not os.path.exists(path):
            return ''
        with open(path, encoding='utf-8', errors='replace') as file:
            return file.read()

    def version(self):
        """``OpenSM 3.3.23``, as it calls itself in its log."""
        return re.search('OpenSM [0-9.]+', self.log()).group()

    def sweeps(self):
        """How often it has brought the subnet up."""
        return self.log().count('SUBNET UP')

    def wait_for_sweep(self, before):
        """Return when it has brought the subnet up more often than ``before``."""
        deadline = time.monotonic() + _PATIENCE
        while self.sweeps() == before:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f'OpenSM did not bring the subnet up:\n{self.log()}')
            time.sleep(0.005)


class ManagedFabric:
    """Nodes whose HCA ports hold what a real OpenSM gives them.

    :param folder: path of a folder to make
    :param nodes: Nodes; from now on nobody else may program their emulators
    :param partitions_text: OpenSM's partitions.conf
    :param options: of OpenSM
    """

    def __init__(self, folder, nodes, partitions_text, **options):
        os.mkdir(folder)
        self._nodes = dict(enumerate(nodes, FIRST_NODE_PORT))
        self.simulator = Simulator(folder, {node.name: node.guid for node in nodes})
        self.manager = OpenSM(self.simulator, partitions_text, **options)
        self._watcher = self.simulator.client(sys.executable, '-m', 'tests.lab.smp', str(FIRST_NODE_PORT),
                                              str(len(nodes)), text=True, stdout=subprocess.PIPE)
        self._follower = threading.Thread(target=self._follow, daemon=True)
        self._follower.start()
        self.manager.start()

    def publish(self, partitions_text):
        """Edit partitions.conf and tell OpenSM."""
        self.manager.write(partitions_text)
        self.manager.reload()

    def close(self):
        """End everything, in the order that does not hang; the ports stay as they are."""
        end(self._watcher)
        self._follower.join()
        self.manager.stop()
        self.simulator.close()

    def _follow(self):
        for line in self._watcher.stdout:
            now = json.loads(line)
            self._nodes[now['port']].emulator.program(now['pkeys'], now['state'])


def port(node):
    """(state, {16-bit P_Keys in use}) of a node's HCA port, as the node sees it."""
    folder = f'/sys/class/infiniband/{HCA}/ports/1'
    values = {int(node.read(f'{folder}/pkeys/{index}'), 16) for index in range(TABLE_ENTRIES)}
    return node.read(f'{folder}/state').split()[-1], values - {0}
