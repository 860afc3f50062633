# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The stage ``storage``: from what storage has on a node to what was decided (planning.storage), step by step.

What is done is noted before it is done and forgotten after it is undone, so that a run that was killed is finished by
the next.  Interfaces come first and Hiera last: netconfig runs after this stage and finds both or none.
"""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib.errors import InputError, InputErrors
from plugin_lib.host.storage import text_of
from plugin_lib.paths import HIERA_GLOBALS_FILE, STORAGE_NOTES
from plugin_lib.planning import hiera
from plugin_lib.planning.file_operations import rewritten
from plugin_lib.planning.operations import (
    CreateChild,
    DeleteChild,
    DiscardChild,
    LinkUp,
    Plan,
    Release,
    RemoveAddress,
    SetMode,
    SetMtu,
    Step,
)
from plugin_lib.planning.storage import DATAGRAM

STAGE = 'storage'


def interface_file(name):
    # type: (str) -> str
    """ifupdown's file that netconfig (l23network) writes for an interface."""
    return '/etc/network/interfaces.d/ifcfg-{0}'.format(name)


def files(release, links):
    # type: (str, tuple) -> list
    """The files whose texts :func:`plan` needs.

    :param links: tuple of the StorageLinks of the machine
    """
    return [STORAGE_NOTES, hiera.file_of(release), HIERA_GLOBALS_FILE] + [interface_file(link.name) for link in links]


def plan(published, decision, host, mode_of, texts):
    # type: (object, object, object, dict, dict) -> Plan
    """The Plan that leads to a Decision.

    :param decision: of storage.on_host
    :param mode_of: {interface: its IPoIB mode}, of the host's storage and of those in the decision
    :param texts: {path: text or None} of :func:`files`
    :raises InputErrors: when anything is wrong; nothing is to be changed then
    """
    problems = decision.problems + hiera.problems(published, [move for move, _ in decision.moves])
    wanted = {}
    for path, make in ((hiera.file_of(published.release),
                        lambda text: hiera.override(text, published, decision.moves)),
                       (HIERA_GLOBALS_FILE, hiera.globals_text)):
        try:
            wanted[path] = make(texts[path])
        except InputError as error:
            problems.append(error)
    if problems:
        raise InputErrors(problems)
    links = tuple(link for _, link in decision.moves)
    operations, noted, remaining, left = (), texts[STORAGE_NOTES], host.storage, []
    for link in host.storage:
        if _place(link) not in [_place(other) for other in links]:
            remaining = tuple(other for other in remaining if other != link)
            after = text_of(remaining) if remaining else None
            operations += _withdrawn(link, published, host, mode_of, texts)
            operations += rewritten(STORAGE_NOTES, noted, after)
            noted = after
            left.append('storage leaves {0}'.format(link.name))
    operations += rewritten(STORAGE_NOTES, noted, text_of(links) if links else None)
    for link in links:
        operations += _provided(link, host, mode_of)
    for path in sorted(wanted):
        operations += rewritten(path, texts[path], wanted[path])
    if not operations:
        return Plan((), decision.notes)
    moved = ['{0} moves to {1}'.format(move.endpoint, link.name) for move, link in decision.moves]
    reason = ', '.join(left + moved) or 'storage stays on its bridge'
    # One step: when Hiera's file cannot be written, storage has its interface and its address back.
    return Plan((Step(STAGE, 'storage', reason, operations),), decision.notes)


def links_up(links, host, mode_of):
    # type: (tuple, object, dict) -> tuple
    """The Steps that make the interfaces of storage as they were noted: after a reboot, before ifupdown does more.

    :param links: those of the host's StorageLinks that are needed
    """
    found = [(link.name, _provided(link, host, mode_of)) for link in links]
    return tuple(Step(STAGE, name, 'storage is on it', operations) for name, operations in found if operations)


def _place(link):
    return link.name, link.parent, link.pkey


def _withdrawn(link, published, host, mode_of, texts):
    """What takes storage from an interface: its address is on two of them otherwise, and comes back with a reboot.

    Where Fuel itself has come to put an address there it stays: nobody may run netconfig after this.
    """
    endpoint = published.scheme.endpoints.get(link.name)
    addresses = [address for address in link.addresses if not (endpoint and address in endpoint.ip)]
    operations = tuple(RemoveAddress(link.name, address) for address in addresses)
    if addresses:
        operations += rewritten(interface_file(link.name), texts[interface_file(link.name)], None)
    if link.parent:
        there = host.interfaces.get(link.name)
        if there:
            again = _readied(link, DATAGRAM, None, not there.up)
            operations += (DeleteChild(link.parent, link.pkey, link.name, True, again),)
        return operations
    mode = mode_of.get(link.name)
    if link.was_mode and mode not in (None, link.was_mode):
        operations += (SetMode(link.name, link.was_mode, mode),)
    if link.was_mtu and link.name in host.interfaces and host.interfaces[link.name].mtu != link.was_mtu:
        operations += (SetMtu(link.name, link.was_mtu, host.interfaces[link.name].mtu),)
    return operations


def _provided(link, host, mode_of):
    """What makes an IPoIB interface ready for storage.  An Ethernet one is netconfig's."""
    if link.mode is None:
        return ()
    there, mode = host.interfaces.get(link.name), mode_of.get(link.name)
    operations = ()
    if link.parent:
        if there and not _is_ready(link, host, mode):
            holders = [eipoib.name for eipoib in host.eipoibs.values() if link.name in eipoib.slaves]
            operations += tuple(Release(name, link.name) for name in sorted(holders))
            operations += (DiscardChild(link.parent, link.pkey, link.name),)
            there = None
        if not there:
            operations += (CreateChild(link.parent, link.pkey, link.name, True),)
            mode = DATAGRAM
        if not (link.parent in host.interfaces and host.interfaces[link.parent].up):
            operations += (LinkUp(link.parent),)
    return operations + _readied(link, mode or DATAGRAM, there and there.mtu, bool(there and there.up))


def _readied(link, mode, mtu, is_up):
    """What leads from that mode, MTU (None: it is new) and state of an interface to those that storage needs."""
    operations = ()
    if link.mode != mode:
        operations += (SetMode(link.name, link.mode, mode),)
    if link.mtu and link.mtu != mtu:
        operations += (SetMtu(link.name, link.mtu, mtu),)
    return operations if is_up else operations + (LinkUp(link.name),)


def _is_ready(link, host, mode):
    """Whether the child is the one that storage needs: of the right key, in no EIPOIB interface, its mode to be set."""
    child = host.children.get(link.name)
    if child is None or (child.parent, child.pkey) != (link.parent, link.pkey):
        return False
    return not any(link.name in eipoib.slaves for eipoib in host.eipoibs.values()) and (
        mode is not None or link.mode == DATAGRAM)
