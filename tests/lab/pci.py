# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``/sys/bus/pci/devices`` of a node: the HCA and its virtual functions as plain files, which nothing answers to.

mlx4_core makes virtual functions when it is loaded, so nothing is written there; what is written below the HCA's
``iov`` is the emulator's.
"""
import os

from plugin_lib.host.sriov import DEVICES
from tests.lab.namespaces import mount
from tests.model.kernel import Kernel
from tests.model.sysfs import Link


def add_hca(kernel, name, address, guid, functions):
    """Plug an HCA with so many virtual functions into a model; returns it."""
    hca = kernel.add_hca(name, address, guid=guid)
    if functions:
        kernel.add_sriov(hca, total=functions).make(functions)
    return hca


def lay_out(root, name, address, functions):
    """Mount the files of such an HCA below ``root``."""
    kernel = Kernel()
    add_hca(kernel, name, address, '0' * 16, functions)
    mount('tmpfs', root + DEVICES, 'tmpfs', options='mode=755')
    for device in kernel.tree.names(DEVICES):
        os.mkdir(f'{root}{DEVICES}/{device}')
        for entry in kernel.tree.names(f'{DEVICES}/{device}'):
            path = f'{DEVICES}/{device}/{entry}'
            if isinstance(kernel.tree.node(path), Link):
                os.symlink(kernel.tree.link(path), root + path)
            else:
                with open(root + path, 'w', encoding='ascii') as file:
                    file.write(kernel.tree.show(path))
