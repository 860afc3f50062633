# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""A case of virtual functions: a folder with what Fuel publishes and what the host has, played on the modelled kernel.

``astute.yaml``; ``host/machine.yaml``: the HCAs, as the arguments of the model; beside it the host's files.
"""
from __future__ import absolute_import, print_function, unicode_literals

import io
import os
import shutil

import yaml

from plugin_lib import stages
from plugin_lib.effect import files, sriov
from plugin_lib.effect.apply import apply
from plugin_lib.effect.executor import Executor
from plugin_lib.planning.operations import Binding, RemoveFile, RestartService, WriteAttribute, WriteFile
from plugin_lib.planning.sriov import MODPROBE_FILE
from tests.model.kernel import Kernel
from tests.model.sysfs import refuse

STAGES = ('sriov', 'vfs', 'passthrough')
MACHINE = 'machine.yaml'
REBOOT = 'reboot the node'


class Killed(BaseException):
    """The process ends here."""


class Case(object):
    """The node of a case.

    :param folder: of the case
    :param root: an empty folder that becomes the node's ``/``
    """

    def __init__(self, folder, root):
        self.root = os.path.join(str(root), 'node')
        shutil.copytree(os.path.join(folder, 'host'), self.root)
        shutil.copy(os.path.join(folder, 'astute.yaml'), self.root)
        with io.open(os.path.join(self.root, MACHINE), encoding='utf-8') as stream:
            self.hcas = yaml.safe_load(stream)
        os.unlink(os.path.join(self.root, MACHINE))
        self.kernel = Kernel()
        for spec in self.hcas:
            _plug_in(self.kernel, spec)
        self.restarted = []
        self.writes_left = None  # before the process is killed, None: for ever
        self.failing = {}        # {path: errno that a write to it gives}

    def switch(self, setting, value, of='true'):
        """Change one of the plugin's settings in the published data."""
        path = os.path.join(self.root, 'astute.yaml')
        before = self.read('/astute.yaml')
        after = before.replace('  {0}: {1}\n'.format(setting, of), '  {0}: {1}\n'.format(setting, value))
        assert after != before
        files.write_atomically(path, after, 0o644)

    def run(self):
        """What the hooks do, once; the lines that tell it.  Raises the first error."""
        told = []
        for stage in STAGES:
            node = stages.Node(self.root, os.path.join(self.root, 'astute.yaml'))
            node._source = self.kernel
            planned = stages.plan(node, stage)
            for step in planned.steps:
                told += ['{0}: {1} ({2})'.format(step.stage, step.subject, step.reason)]
                told += ['  ' + operation.describe() for operation in step.operations]
                self.before_step = self.state()
                for outcome in apply((step,), self._executor()):
                    if outcome.error:
                        raise outcome.error
            told += ['found: ' + finding for finding in planned.findings]
        return told

    def settle(self):
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
        shutil.rmtree(os.path.join(self.root, 'run'), ignore_errors=True)
        self.restarted = []

    def read(self, path):
        """The text of one of the node's files, None without it."""
        try:
            with io.open(self.root + path, encoding='utf-8') as stream:
                return stream.read()
        except EnvironmentError:
            return None

    def files(self):
        """{path: text} of the node's files, but for what Fuel publishes."""
        found = {}
        for folder, _, names in os.walk(self.root):
            for name in names:
                path = os.path.join(folder, name)[len(self.root):]
                found[path] = self.read(path)
        del found['/astute.yaml']
        return found

    def state(self):
        """All that is to be the same: files and virtual functions."""
        return self.files(), self.virtual()

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

    def _executor(self):
        return Executor(self.kernel.tree, self.kernel.write, self.kernel, more={
            WriteFile: lambda it: self._change(it.path, lambda: files.write_atomically(
                self.root + it.path, it.text, it.mode)),
            RemoveFile: lambda it: self._change(it.path, lambda: files.remove(self.root + it.path)),
            WriteAttribute: lambda it: self._change(it.path, lambda: sriov.write(it, self.kernel.write)),
            Binding: lambda it: self._change(it.pci, lambda: sriov.bind(it, self.kernel.write)),
            RestartService: lambda it: self._change(it.name, lambda: self.restarted.append(it.name))})

    def _change(self, path, change):
        if self.writes_left == 0:
            raise Killed()
        if path in self.failing:
            refuse(self.failing[path], path)
        change()
        if self.writes_left is not None:
            self.writes_left -= 1


def _plug_in(kernel, spec):
    hca = kernel.add_hca(spec['name'], spec['pci'], len(spec['ports']), spec['guid'])
    for number, port in spec['ports'].items():
        hca.ports[number].set_pkeys(port['pkeys'])
        if 'ipoib' in port:
            kernel.add_ipoib(port['ipoib'], hca.ports[number])
        if 'eipoib' in port:
            kernel.add_eipoib(port['eipoib'], port['ipoib'])
    function = kernel.add_sriov(hca, spec['driver'], spec.get('total'))
    function.make(spec.get('virtual', 0))
    for number in spec.get('guests', ()):
        function.virtual[number].driver = 'vfio-pci'
