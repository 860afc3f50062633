# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""A case of storage over RDMA (tests/model/case.py), on a node that eipoibd has served.

In ``host/machine.yaml`` ``datagram: true`` is an HCA whose IPoIB has no connected mode.
"""
from __future__ import absolute_import, print_function, unicode_literals

import io
import os

from plugin_lib.daemon.convergence import converge
from plugin_lib.effect.executor import Executor
from plugin_lib.effect.files import make_folder
from plugin_lib.effect.ledger import Ledger
from plugin_lib.paths import STORAGE_NOTES
from plugin_lib.planning.operations import LoadModule
from tests.model import case
from tests.model.listener import Listener


class Case(case.Case):
    """The node of a case."""

    folder = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'cases', 'storage')
    stages = ('storage', 'rdma')
    setting = 'storage_rdma'
    shown = 'interfaces.txt'

    def __init__(self, folder, root):
        super(Case, self).__init__(folder, root)
        self.source = _Source(self.kernel, self.root)
        self.serve()
        self.kernel.listener = _Watch(self)

    def plug_in(self, spec):
        hca = super(Case, self).plug_in(spec)
        for netdev in self.kernel.of_kind('ipoib'):
            netdev.is_connectable = not spec.get('datagram')
        return hca

    def serve(self):
        """A pass of eipoibd; the outcomes of its steps."""
        ledger = Ledger(self.root + '/run/eipoibd/children.json')
        return converge(self.source, Executor(self.kernel.tree, self.kernel.write, self.kernel), ledger).outcomes

    def play(self):
        """What the stages, and netconfig after them, do; the lines that tell it."""
        lines = self.run()
        for netdev in self.kernel.netdevs.values():
            netdev.addresses = []
        for name, address in self.addresses():
            self.kernel.netdevs[name].addresses = [address]
        return lines

    def meanwhile(self):
        self.serve()

    def addresses(self):
        """[(interface, address)] of the storage that was noted, on interfaces of the model."""
        return [(link.name, address) for link in self.source.notes() for address in link.addresses
                if link.name in self.kernel.netdevs]

    def state(self):
        """All that is to be the same: files and interfaces."""
        kept = dict((path, text) for path, text in self.files().items() if not path.startswith(('/run/', '/sys/')))
        return kept, self.interfaces()

    def interfaces(self):
        """The IPoIB interfaces, as lines."""
        return ['{0.name} {0.mode} mtu {0.mtu} {1}{2}{3}'.format(
            netdev, 'up' if netdev.up else 'down', ' in ' + netdev.master if netdev.master else '',
            ''.join(' ' + address for address in netdev.addresses))
            for _, netdev in sorted(self.kernel.netdevs.items()) if netdev.is_ipoib]

    def more(self):
        return {LoadModule: lambda it: self.change(it.name, lambda: make_folder(self.root + '/sys/module/' + it.name))}


class _Source(object):
    """The modelled kernel, and the node's own notes among its files."""

    def __init__(self, kernel, root):
        self.tree = _Tree(kernel.tree, root)
        self.links, self.drvinfo, self.modules = kernel.links, kernel.drvinfo, kernel.modules

    def notes(self):
        from plugin_lib.host import storage
        from plugin_lib.host.sysfs import Reader
        return storage.read(Reader(self.tree))


class _Tree(object):
    def __init__(self, tree, root):
        self._tree, self._root = tree, root

    def read(self, path):
        if path != STORAGE_NOTES:
            return self._tree.read(path)
        with io.open(os.path.join(self._root, path.lstrip('/')), encoding='utf-8') as stream:
            return stream.read()

    def __getattr__(self, name):
        return getattr(self._tree, name)


class _Watch(Listener):
    """Changes of the kernel are writes too."""

    def __init__(self, node):
        self._node = node

    def before(self, verb, target, text):
        self._node.before_write(target)

    def after(self, verb, target, text):
        self._node.after_write()
