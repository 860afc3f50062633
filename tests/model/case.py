# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""A case: a folder with what Fuel publishes and what the host has, played on the modelled kernel.

``astute.yaml``; ``host/machine.yaml``: the HCAs, as the arguments of the model; beside it the host's files.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import io
import os
import shutil

import yaml

from plugin_lib import stages
from plugin_lib.effect import files
from plugin_lib.effect.apply import apply
from plugin_lib.effect.executor import Executor
from plugin_lib.errors import ApplyError
from plugin_lib.planning.operations import RemoveFile, RestartService, WriteFile
from plugin_lib.stages import Node
from tests.model.kernel import Kernel
from tests.model.sysfs import refuse

MACHINE = 'machine.yaml'


class Killed(BaseException):
    """The process ends here."""


def names(folder):
    # type: (str) -> tuple
    """Paths of the cases in a folder: (those that are done, those that are refused)."""
    paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    refused = [path for path in paths if os.path.basename(path).startswith('refused-')]
    return [path for path in paths if path not in refused], refused


def expected(folder, path):
    # type: (str, str) -> str
    """The text of one of a case's expected files."""
    with io.open(os.path.join(folder, 'expected', path), encoding='utf-8') as stream:
        return stream.read()


def expected_files(folder, before):
    # type: (str, dict) -> dict
    """{path: text} of the files that are expected: those of before, as far as the case does not change them."""
    found = dict(before)
    top = os.path.join(folder, 'expected', 'host')
    for place, _, each in os.walk(top):
        for name in each:
            path = os.path.join(place, name)[len(top):]
            found[path] = expected(folder, 'host' + path)
    return found


class Case(object):
    """The node of a case.

    :param folder: of the case
    :param root: an empty folder that becomes the node's ``/``
    """

    stages = ()  # what run() does
    setting = ''  # which switches it on
    shown = ''  # name of the expected file with the lines of state()

    def __init__(self, folder, root):
        self.root = os.path.join(str(root), 'node')
        shutil.copytree(os.path.join(folder, 'host'), self.root)
        shutil.copy(os.path.join(folder, 'astute.yaml'), self.root)
        with io.open(os.path.join(self.root, MACHINE), encoding='utf-8') as stream:
            self.hcas = yaml.safe_load(stream)
        os.unlink(os.path.join(self.root, MACHINE))
        self.kernel = Kernel()
        for spec in self.hcas:
            self.plug_in(spec)
        self.source = self.kernel
        self.restarted = []
        self.writes_left = None  # before the process is killed, None: for ever
        self.next_failing = None  # which write of a step fails, None: none
        self._until_failure = None
        self.failing = {}        # {path: errno that a write to it gives}

    def plug_in(self, spec):
        """The HCA of an entry of MACHINE; returns it."""
        hca = self.kernel.add_hca(spec['name'], spec['pci'], len(spec['ports']), spec['guid'])
        for number, port in spec['ports'].items():
            hca.ports[number].set_pkeys(port['pkeys'])
            if 'ipoib' in port:
                self.kernel.add_ipoib(port['ipoib'], hca.ports[number])
            if 'eipoib' in port:
                self.kernel.add_eipoib(port['eipoib'], port['ipoib'])
        return hca

    def switch(self, setting, value, of='true'):
        """Change one of the plugin's settings in the published data."""
        self.switch_text('  {0}: {1}\n'.format(setting, of), '  {0}: {1}\n'.format(setting, value))

    def switch_text(self, of, to):
        """Replace some text of the published data."""
        before = self.read('/astute.yaml')
        assert of in before
        self.write('/astute.yaml', before.replace(of, to))

    def write(self, path, text):
        """Replace one of the node's files."""
        files.write_atomically(self.root + path, text, 0o644)

    def node(self):
        """The stages.Node."""
        node = Node(self.root, os.path.join(self.root, 'astute.yaml'))
        node._source = self.source
        return node

    def run(self):
        """What the hooks do, once; the lines that tell it.  Raises the first error."""
        return [line for stage in self.stages for line in self.run_stage(stage)]

    def run_stage(self, stage):
        """The same for one stage."""
        told, planned = [], stages.plan(self.node(), stage)
        for step in planned.steps:
            told += ['{0}: {1} ({2})'.format(step.stage, step.subject, step.reason)]
            told += ['  ' + operation.describe() for operation in step.operations]
            self.before_step = self.state()
            self._until_failure = self.next_failing
            for outcome in apply((step,), self._executor()):
                if outcome.error:
                    self.failed = outcome
                    raise outcome.error
            if self.next_failing is not None:
                self.next_failing = 0
        return told + ['found: ' + finding for finding in planned.findings]

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

    def play(self):
        """Run until it comes to rest; the lines that tell it."""
        raise NotImplementedError

    def meanwhile(self):
        """What else works on the node does its work."""

    def go_on(self):
        """Play again where a run was cut short."""
        self.meanwhile()
        self.play()
        self.meanwhile()

    def state(self):
        """All that is to be the same: {path: text} of files, and lines about devices."""
        raise NotImplementedError

    def undone(self, state):
        """What of a state is there again when a step that led away from it was undone."""
        return state

    def switched_off(self, state):
        """What is there of a state when the setting is off again: what was there before us."""
        return state

    def more(self):
        """{operation type: how it is done here}, beside the Executor's own and those of files and services."""
        return {}

    def _executor(self):
        more = {WriteFile: lambda it: self.change(it.path, lambda: files.write_atomically(
                    self.root + it.path, it.text, it.mode)),
                RemoveFile: lambda it: self.change(it.path, lambda: files.remove(self.root + it.path)),
                RestartService: lambda it: self.change(it.name, lambda: self.restarted.append(it.name))}
        more.update(self.more())
        return Executor(self.kernel.tree, self.kernel.write, self.kernel, more=more)

    def change(self, path, change):
        """Do a change, unless the process is killed before it or it is to fail."""
        self.before_write(path)
        change()
        self.after_write()

    def before_write(self, target):
        """Where the process may be killed, and a write fail."""
        if self.writes_left == 0:
            raise Killed()
        if self._until_failure == 0:
            self._until_failure = None  # what is written to undo it does not fail
            self.next_failing += 1
            refuse(errno.EIO, target)
        if target in self.failing:
            refuse(self.failing[target], target)

    def after_write(self):
        if self.writes_left is not None:
            self.writes_left -= 1
        if self._until_failure is not None:
            self._until_failure -= 1


def writes(node):
    # type: (Case) -> int
    """How many writes it takes to play it; it is played."""
    node.writes_left = most = 1000
    node.play()
    done, node.writes_left = most - node.writes_left, None
    assert done > 3
    return done


def killed(node):
    # type: (Case) -> bool
    """Whether the process was killed while it was played."""
    try:
        node.play()
    except Killed:
        node.writes_left = None
        return True
    return False


def failed(node):
    # type: (Case) -> bool
    """Whether a change could not be applied while it was played."""
    try:
        node.play()
    except ApplyError:
        return True
    return False
