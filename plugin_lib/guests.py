# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What the stages about guests look at before they plan: see stages.py, whose part this is."""
from __future__ import absolute_import, print_function, unicode_literals

import os

from plugin_lib.host import files
from plugin_lib.paths import FUNCTIONS_LOCK, PASSTHROUGH_NOTE, RUN_FOLDER, SRIOV_MEMORY
from plugin_lib.planning.operations import Plan

NOTHING = Plan((), ())


def sriov(node):
    # type: (object) -> Plan
    """The Plan of the stage ``sriov`` for a stages.Node; errors as of planning.sriov."""
    memory = files.read(node.root, SRIOV_MEMORY)
    if not node.settings.sriov and memory is None:
        return NOTHING
    from plugin_lib.planning import sriov as planning
    modprobe = planning.MODPROBE_FILE
    found = planning.Files(memory, files.read(node.root, modprobe), files.others(node.root, modprobe))
    host = node.host()
    return planning.plan(node.published, node.settings, host, _functions(node, host, planning.recall(memory)), found)


def vfs(node):
    # type: (object) -> Plan
    """The Plan of the stage ``vfs``, likewise."""
    if not node.settings.sriov:
        return NOTHING
    from plugin_lib.daemon import locks
    from plugin_lib.planning import vfs as planning
    running = locks.is_held(os.path.join(node.root, RUN_FOLDER.lstrip('/')), FUNCTIONS_LOCK)
    host = node.host()
    return planning.plan(node.published, node.settings, host, tables(node, host), running)


def tables(node, host):
    # type: (object, object) -> dict
    """{PCI address: host.sriov.Function} with tables of the devices under the private network.

    The tables are not noted for a receipt: the service watches them.
    """
    from plugin_lib.host import sriov as functions
    from plugin_lib.host.sysfs import Reader
    reader = Reader(node.source.tree)
    return dict((pci, functions.with_tables(reader, function))
                for pci, function in _functions(node, host).items())


def passthrough(node):
    # type: (object) -> Plan
    """The Plan of the stage ``passthrough``, likewise."""
    note = files.read(node.root, PASSTHROUGH_NOTE)
    if not node.settings.sriov and note is None:
        return NOTHING
    from plugin_lib.host import mechanisms
    from plugin_lib.planning import passthrough as planning
    from plugin_lib.planning import services
    host = node.host()
    pending = frozenset(name for name in planning.READERS if files.read(node.root, services.marker(name)) is not None)
    installed = mechanisms.read(node.root) if planning.is_controller(node.published) else frozenset()
    found = planning.Services(files.read(node.root, planning.NOVA), files.read(node.root, planning.ML2), note,
                              installed, pending)
    return planning.plan(node.published, node.settings, host, _functions(node, host), found)


def problems(node):
    # type: (object) -> list
    """InputErrors that say why guests cannot have virtual functions; empty where they can, or need not."""
    if not node.settings.sriov:
        return []
    from plugin_lib.planning import ini_edit, passthrough
    from plugin_lib.planning import sriov as planning
    host = node.host()
    found = planning.problems(node.published, node.settings, host, _functions(node, host),
                              files.others(node.root, planning.MODPROBE_FILE))
    edited = passthrough.NOVA, passthrough.ML2
    found += files.unwritable(node.root, edited)
    return found + ini_edit.problems(dict((path, files.read(node.root, path)) for path in edited))


def _functions(node, host, more=()):
    """{PCI address: host.sriov.Function} of the devices under the private network and at the addresses ``more``."""
    from plugin_lib.host import sriov as functions
    from plugin_lib.host.seen import Noted
    from plugin_lib.host.sysfs import Reader
    from plugin_lib.planning import sriov as planning
    addresses = set(carrier.pci for carrier in planning.carriers(node.published, host) if carrier.pci).union(more)
    return functions.read_all(Reader(Noted(node.source.tree)), addresses)
