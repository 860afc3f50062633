# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What the stages about storage over RDMA look at before they plan: see stages.py, whose part this is."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib.host import files
from plugin_lib.host.seen import Noted
from plugin_lib.host.state import RDMA_MODULES
from plugin_lib.paths import RDMA_MODULES_FILE, STORAGE_NOTES
from plugin_lib.planning.operations import Plan

NOTHING = Plan((), ())


def storage(node):
    # type: (object) -> Plan
    """The Plan of the stage ``storage`` for a stages.Node; errors as of planning.storage_steps."""
    from plugin_lib.host import storage as notes
    from plugin_lib.planning import hiera
    from plugin_lib.planning import storage as planning
    release, on = node.published.release, node.settings.storage_rdma
    noted = notes.parse(files.read(node.root, STORAGE_NOTES))
    if not (on or noted or hiera.MARK in (files.read(node.root, hiera.file_of(release)) or '')):
        return NOTHING
    from plugin_lib.daemon import convergence
    from plugin_lib.daemon import main as eipoibd
    from plugin_lib.planning import storage_steps
    host, ours = convergence.look(node.source, eipoibd.ledger(node.root))
    tree, parents = Noted(node.source.tree), [eipoib.parent for eipoib in host.eipoibs.values() if eipoib.parent]
    decision = planning.decide(node.published) if on else planning.NOTHING
    decision = planning.on_host(decision, host, ours, notes.modes(tree, parents), notes.connectable(tree, parents),
                                node.settings.sm_check)
    names = [link.name for link in host.storage] + [link.name for _, link in decision.moves]
    texts = dict((path, files.read(node.root, path)) for path in storage_steps.files(release, host.storage))
    return storage_steps.plan(node.published, decision, host, notes.modes(tree, names), texts)


def rdma(node):
    # type: (object) -> Plan
    """The Plan of the stage ``rdma``, likewise."""
    on, modules_text = node.settings.storage_rdma, files.read(node.root, RDMA_MODULES_FILE)
    if not (on or modules_text):
        return NOTHING
    from plugin_lib.host import modules
    from plugin_lib.planning import iser, services
    from plugin_lib.planning import storage as planning
    moves = planning.decide(node.published).moves if on else ()
    pending = frozenset(name for name in (iser.CINDER_SERVICE,)
                        if files.read(node.root, services.marker(name)) is not None)
    return iser.plan(node.published, moves, files.read(node.root, iser.CINDER_FILE), pending, modules_text,
                     modules.loaded(node.root, RDMA_MODULES))


def problems(node):
    # type: (object) -> list
    """InputErrors that say why storage cannot use RDMA, as published data and the files to edit tell; empty where it
    can, or need not.
    """
    if not node.settings.storage_rdma:
        return []
    from plugin_lib.planning import hiera, ini_edit, iser
    from plugin_lib.planning import storage as planning
    decision = planning.decide(node.published)
    found = decision.problems + hiera.problems(node.published, decision.moves)
    shared = hiera.file_of(node.published.release)
    found += hiera.file_problems(files.read(node.root, shared), node.published, decision.moves)
    found += files.unwritable(node.root, [shared, iser.CINDER_FILE])
    return found + ini_edit.problems({iser.CINDER_FILE: files.read(node.root, iser.CINDER_FILE)})
