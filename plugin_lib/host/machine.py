# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""One look at a machine: everything that ``host`` can tell, as a :class:`plugin_lib.host.state.Host`."""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import weakref
from collections import namedtuple

from plugin_lib._compat import quoted
from plugin_lib.errors import InfinibandError
from plugin_lib.host import eipoib, hca, ipoib, storage
from plugin_lib.host.links import IFF_UP
from plugin_lib.host.state import LINK_TYPES, Host, Interface
from plugin_lib.host.sysfs import Reader, is_interface_name, problem_of


class _Seen(namedtuple('_Seen', 'listed links interfaces children')):
    """What a look at a source found that stays as long as rtnetlink lists the same.

    Drivers and the keys of children take most of the system calls of a look, and never change: another key is another
    interface, and what changes otherwise is in what is listed of it.  A child whose files are not there yet is not
    among them, since its coming is not told twice.
    """

    __slots__ = ()


_SEEN = weakref.WeakKeyDictionary()  # {source: _Seen}


def read(source, ports=None):
    # type: (object, tuple) -> Host
    """The Host that a source shows (see :mod:`plugin_lib.host.source`).

    :param ports: the Ports of an earlier look, where nothing has happened to them; None: they are read, which takes
        most of the time

    What cannot be read is left out and becomes a line in ``problems``; an interface or HCA that goes away meanwhile is
    simply absent.

    :raises InfinibandError: as :func:`links`
    """
    reader = Reader(source.tree)
    seen = _look(source, reader.problems)
    ports = hca.read(reader) if ports is None else ports
    parents, children = ipoib.read(reader, seen.links, seen.children)
    eipoibs = eipoib.read(reader, seen.interfaces, parents, ports)
    if source in _SEEN and len(children) != len(seen.children):
        _SEEN[source] = seen._replace(children=dict(
            (name, child) for name, child in children.items() if child.pkey is not None))
    links = storage.read(reader)
    return Host(seen.interfaces, ports, eipoibs, children, tuple(reader.problems), links)


def again(source, host):
    # type: (object, Host) -> Host
    """A Host of an earlier look as it is now, when since then only interfaces of others can have changed: that takes
    what rtnetlink tells, and nothing of sysfs.

    :raises InfinibandError: as :func:`links`
    """
    problems = []
    interfaces = _look(source, problems).interfaces
    if problems or any(interfaces[name].driver == eipoib.DRIVER for name in interfaces if name not in host.eipoibs):
        return read(source, host.ports)
    return host._replace(interfaces=interfaces)


def links(source):
    # type: (object) -> dict
    """The source's {name: links.Link}.

    :raises InfinibandError: when the list of interfaces cannot be had: without it nothing can be told about a machine
    """
    try:
        return source.links()
    except EnvironmentError as error:
        raise InfinibandError('cannot list the network interfaces', 'rtnetlink', error.strerror,
                              'run it again; if it stays, the kernel offers no netlink here')


def changes(source, host):
    # type: (object, Host) -> frozenset
    """(name, link type) of the interfaces that are not as an earlier look found them.

    :raises InfinibandError: as :func:`links`
    """
    there = dict((name, link) for name, link in links(source).items() if is_interface_name(name))
    found = [(name, LINK_TYPES.get(link.type)) for name, link in there.items()
             if name not in host.interfaces or not _is_same(link, host.interfaces[name])]
    gone = [(name, interface.link_type) for name, interface in host.interfaces.items() if name not in there]
    return frozenset(found + gone)


def _is_same(link, interface):
    return interface == _interface(link, interface.driver, interface.bus_info)


def _look(source, problems):
    """The _Seen of now, whose children may be missing."""
    listed = links(source)
    seen = _SEEN.get(source)
    if seen is not None and seen.listed == listed:
        return seen
    before = _SEEN.pop(source, None) or _Seen({}, {}, {}, {})
    named = dict((name, listed[name]) for name in listed if is_interface_name(name))
    problems.extend('{0}: an interface name that we do not handle'.format(quoted(name)) for name in
                    sorted(set(listed) - set(named)))
    interfaces = _interfaces(source, named, before.interfaces, problems)
    seen = _Seen(listed, dict((name, named[name]) for name in interfaces), interfaces, dict(
        (name, child) for name, child in before.children.items() if named.get(name) == before.links[name]))
    if not problems:
        _SEEN[source] = seen
    return seen


def _interfaces(source, named, before, problems):
    """{name: Interface}; drivers are asked of those alone that were not there ``before``.

    An EIPOIB interface has the name of another in its answer, which may be another one by now.
    """
    interfaces = {}
    for name in sorted(named):
        link = named[name]
        driver = bus_info = None
        known = before.get(name)
        try:
            if known and known.ifindex == link.ifindex and known.driver not in (None, eipoib.DRIVER):
                driver, bus_info = known.driver, known.bus_info
            else:
                driver, bus_info = source.drvinfo(name)
        except EnvironmentError as error:
            if error.errno == errno.ENODEV:
                continue
            problems.append(problem_of(error))
        interfaces[name] = _interface(link, driver, bus_info)
    return interfaces


def _interface(link, driver, bus_info):
    return Interface(link.name, link.ifindex, link.address, LINK_TYPES.get(link.type, str(link.type)),
                     bool(link.flags & IFF_UP), link.state, link.mtu, driver, bus_info, link.master, link.kind,
                     link.parent, link.vlan)
