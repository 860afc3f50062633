# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""A case of virtual functions (tests/model/case.py); ``host/machine.yaml`` has the device's functions too."""
from __future__ import absolute_import, print_function, unicode_literals

import fcntl
import os
import shutil

from plugin_lib.effect import sriov
from plugin_lib.paths import FUNCTIONS_LOCK, RUN_FOLDER
from plugin_lib.planning.operations import Binding, StartService, WriteAttribute
from plugin_lib.planning.sriov import MODPROBE_FILE
from tests.model import case

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'cases', 'sriov')
REBOOT = 'reboot the node'
LOCK = '{0}/{1}'.format(RUN_FOLDER, FUNCTIONS_LOCK)


class Case(case.Case):
    """The node of a case."""

    folder = FOLDER
    stages = ('sriov', 'vfs', 'passthrough')
    setting = 'sriov'
    shown = 'virtual.txt'
    service = None  # the descriptor of its lock while it runs

    def plug_in(self, spec):
        hca = super(Case, self).plug_in(spec)
        function = self.kernel.add_sriov(hca, spec['driver'], spec.get('total'))
        function.make(spec.get('virtual', 0))
        for number in spec.get('guests', ()):
            function.virtual[number].driver = 'vfio-pci'
        return hca

    def play(self):
        """Run, and reboot where that is asked for, until nothing is to be done; the lines that tell it."""
        told = []
        for _ in range(6):
            lines = self.run()
            told += lines
            if any(REBOOT in line for line in lines):
                told.append('== reboot')
                self.reboot()
            elif not any(line.startswith('  ') for line in lines):
                return told
        raise AssertionError('it does not come to rest')

    def reboot(self):
        """The drivers are loaded anew; what they make of the virtual functions is as new."""
        for hca in self.kernel.hcas.values():
            hca.sriov.boot(self.read(MODPROBE_FILE))
        self.stop()
        shutil.rmtree(os.path.join(self.root, 'run'), ignore_errors=True)
        self.restarted = []

    def start(self, _):
        """The service that keeps virtual functions as they should be: it holds its lock."""
        self.write(LOCK, '')
        self.service = os.open(self.root + LOCK, os.O_RDONLY)
        fcntl.flock(self.service, fcntl.LOCK_EX)

    def stop(self):
        if self.service is not None:
            os.close(self.service)
            self.service = None

    def files(self):
        found = super(Case, self).files()
        found.pop(LOCK, None)
        return found

    def state(self):
        """All that is to be the same: files and virtual functions."""
        return self.files(), self.virtual()

    def undone(self, state):
        """Where the number has to be put back, virtual functions are made again, and are as new."""
        kept, lines = state
        return kept, lines if self.node().settings.sriov else [line.split()[0] for line in lines]

    def switched_off(self, state):
        """Virtual functions are new, and there are none where we had made them before."""
        kept, lines = state
        ours = [path for path in kept if path.endswith(('sriov.json', 'fuel-infiniband-sriov.conf'))]
        return (dict((path, kept[path]) for path in kept if path not in ours),
                [line.split()[0] for line in lines if not ours])

    def virtual(self):
        """What the virtual functions really have, as lines."""
        lines = []
        for _, hca in sorted(self.kernel.hcas.items()):
            for each in hca.sriov.virtual:
                if hca.sriov.driver != 'mlx4_core':
                    lines.append('{0} node {1[node]:016x} port {1[port]:016x} {2} {3}{4}'.format(
                        each.pci, each.guids, each.policy, each.driver,
                        '' if each.guids == each.seen_guids else ', which has not seen its GUIDs'))
                    continue
                for number, port in sorted(hca.ports.items()):
                    keys = ['{0}:0x{1:04x}'.format(index, port.pkeys[physical])
                            for index, physical in enumerate(each.pkeys[number])
                            if physical is not None and port.pkeys[physical]]
                    lines.append('{0} port {1} guid {2:016x} pkeys {3}'.format(
                        each.pci, number, hca.sriov.admin_guids[number][each.number + 1], ' '.join(keys) or 'none'))
        return lines

    def more(self):
        return {StartService: lambda it: self.change(it.name, lambda: self.start(it.name)),
                WriteAttribute: lambda it: self.change(it.path, lambda: sriov.write(it, self.kernel.write)),
                Binding: lambda it: self.change(it.pci, lambda: sriov.bind(it, self.kernel.write))}
