# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The lab: a folder in memory, the fabric, and nodes; everything ends with the function that runs in it."""
import os
import tempfile

from tests.lab.fabric import Fabric
from tests.lab.namespaces import enclosed, mount
from tests.lab.node import Node, compile_shim

# Of a port: its HCA's, which is one less, ends in 0, as those of Mellanox do.
GUID = '0002c90300{0:05x}1'


class Lab:
    """Makes nodes on one fabric.

    :param folder: an empty folder in memory
    """

    def __init__(self, folder):
        self.folder = folder
        self._shim = compile_shim(folder)
        os.mkdir(f'{folder}/fabric')
        self.fabric = Fabric(f'{folder}/fabric')
        self.nodes = []

    def add_node(self, pkeys, functions=0):
        """A Node, named node-1, node-2..., whose port holds these P_Keys (16-bit values), and whose HCA has so many
        virtual functions.
        """
        number = len(self.nodes) + 1
        folder = f'{self.folder}/node-{number}'
        os.mkdir(folder)
        node = Node(f'node-{number}', folder, self.fabric, self._shim, pkeys, GUID.format(number),
                    functions)
        self.nodes.append(node)
        return node


def run(body):
    """Run ``body(lab)`` in a Lab of its own and return its exit status; nothing of it stays, however it ends."""
    with tempfile.TemporaryDirectory(prefix='infiniband-lab-') as folder:
        def inside():
            mount('tmpfs', folder, 'tmpfs', options='mode=755')
            return body(Lab(folder))

        return enclosed(inside)
