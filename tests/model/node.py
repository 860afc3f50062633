# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""A node on the modelled kernel: one HCA port, ib0, eth4 on the bridge br0 of its Open vSwitch, and everything that
eipoibd needs to work on it."""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import os

from plugin_lib.daemon.config import DEFAULTS
from plugin_lib.daemon.convergence import converge, flush
from plugin_lib.daemon.history import Withdrawals
from plugin_lib.effect.executor import Executor
from plugin_lib.effect.ledger import Ledger
from plugin_lib.pkey import PKey
from plugin_lib.planning import talkers
from plugin_lib.planning.operations import AddVif, CreateChild, Enslave, Step
from tests.model.kernel import Kernel
from tests.model.listener import Listener
from tests.model.network import Network

# The MAC of its EIPOIB interface, and the step that serves VLAN 100 there.
MAC = '00:02:c9:00:00:01'
KEY = PKey(100, True)
SERVE = Step('vlans', 'eth4 vlan 100', 'a test', (
    CreateChild('ib0', KEY, 'ib0.8064'), Enslave('eth4', 'ib0.8064'), AddVif('eth4', 'ib0.8064', MAC, 100)))
GRACE, MASS_HOLD = DEFAULTS.removal_grace, DEFAULTS.mass_removal_hold


class Node(object):
    """The node.

    :param folder: where its ledger is
    :param pkeys: the P_Key table to begin with
    :param options: of the Kernel
    """

    def __init__(self, folder, pkeys=(0xffff,), **options):
        self.kernel = Kernel(**options)
        self.plug(pkeys)
        self.ledger = Ledger(os.path.join(str(folder), 'children.json'))
        self.now = 0.0
        self.settings = DEFAULTS
        self.network = Network(())
        self.network.add_switch('br0')
        self.network.plug('br0', 'eth4')
        self.start()

    def plug(self, pkeys=(0xffff,)):
        # type: (tuple) -> None
        """Plug in the HCA, whose drivers then make ib0 and eth4."""
        self.port = self.kernel.add_hca('mlx4_0').ports[1]
        self.port.set_pkeys(pkeys)
        self.kernel.add_ipoib('ib0', self.port)
        self.eipoib = self.kernel.add_eipoib('eth4', 'ib0')

    def start(self):
        # type: () -> None
        """A new process of eipoibd: what it had in memory is forgotten."""
        self.executor = Executor(self.kernel.tree, self.kernel.write, self.kernel)
        self.withdrawals = Withdrawals(lambda: self.now)

    def once(self):
        # type: () -> object
        """A pass as ``eipoibd --once`` makes it; the Result."""
        return converge(self.kernel, self.executor, self.ledger, settings=self.settings, talk=self._talk)

    def serve(self, after=0):
        # type: (float) -> object
        """A pass as the service makes it, ``after`` seconds after the one before; the Result."""
        self.now += after
        return converge(self.kernel, self.executor, self.ledger, self.withdrawals.decide, settings=self.settings,
                        talk=self._talk)

    def _talk(self, eipoibs):
        return talkers.find(self.network.topology(), eipoibs)

    def flush(self):
        # type: () -> tuple
        return flush(self.kernel, self.executor, self.ledger)

    def vlans(self):
        # type: () -> list
        """VLANs that are really served with the interface's own MAC, by a slave of the same P_Key; -1: untagged."""
        return sorted(vlan for _, mac, vlan, pkey in self.kernel.vifs(self.eipoib.name)
                      if mac == self.eipoib.address and pkey == (0xffff if vlan == -1 else 0x8000 | vlan))

    def children(self):
        # type: () -> list
        return sorted(netdev.name for netdev in self.kernel.of_kind('child'))


class NoMemory(Listener):
    """No memory for a child."""

    def before(self, verb, target, text):
        if target == 'ib0.8064':
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM), target)
