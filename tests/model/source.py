# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Machines to read: a modelled one with an EIPOIB interface, and one that answers some paths otherwise."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib.host.tree import AnyTree
from tests.model.kernel import Kernel
from tests.model.sysfs import refuse


def kernel_with_eipoib(**options):
    kernel = Kernel(**options)
    port = kernel.add_hca('mlx4_0', ports=2).ports[2]
    kernel.add_ipoib('ib1', port)
    kernel.add_eipoib('eth5', 'ib1')
    kernel.link_up('eth5')
    return kernel, port


class Source(AnyTree):
    """A source whose tree answers some paths differently: ``{path: text, or errno}``."""

    def __init__(self, kernel, answers):
        self.links, self.drvinfo, self.tree, self._tree, self._answers = (
            kernel.links, kernel.drvinfo, self, kernel.tree, answers)

    def read(self, path):
        return self._answer(self._tree.read, path)

    def names(self, path):
        return self._answer(self._tree.names, path)

    def link(self, path):
        return self._answer(self._tree.link, path)

    def exists(self, path):
        return self._tree.exists(path)

    def _answer(self, ask, path):
        answer = self._answers.get(path)
        if isinstance(answer, int):
            refuse(answer, path)
        return ask(path) if answer is None else answer
