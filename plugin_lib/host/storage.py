# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The interfaces that storage over RDMA uses: what the stage ``storage`` noted for eipoibd, ifupdown and itself."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib._compat import integer_types, string_types
from plugin_lib.errors import InputError
from plugin_lib.host.ipoib import NET
from plugin_lib.host.state import StorageLink
from plugin_lib.host.sysfs import is_interface_name
from plugin_lib.paths import STORAGE_NOTES
from plugin_lib.pkey import PKey

_FORMAT = 1
_CONNECTED_FLAG = 0x80  # of the first byte of an address, ib_ipoib's ipoib.h
_TYPES = {'name': string_types, 'parent': string_types, 'mode': string_types, 'was_mode': string_types,
          'mtu': integer_types, 'was_mtu': integer_types, 'pkey': integer_types, 'addresses': list}


def read(reader):
    # type: (object) -> tuple
    """The StorageLinks of a machine; notes that make no sense become a line in ``reader.problems``.

    :param reader: a :class:`plugin_lib.host.sysfs.Reader`
    """
    text = reader.read(STORAGE_NOTES)
    try:
        return parse(text)
    except InputError as error:
        reader.problems.append('{0}: {1}'.format(error.where, error.why))
        return ()


def parse(text):
    # type: (str) -> tuple
    """The StorageLinks of the text of STORAGE_NOTES; none of None, no file.

    :raises InputError: when it is not what :func:`text_of` wrote
    """
    if text is None:
        return ()
    import json  # late: most nodes have no such notes
    try:
        document = json.loads(text)
        if document['format'] != _FORMAT:
            raise ValueError(document['format'])
        return tuple(_link(facts) for facts in document['links'])
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError, InputError):
        raise InputError('cannot tell what storage uses', STORAGE_NOTES, 'it is not what this plugin writes',
                         'remove it, and the interfaces that the plugin made for storage, and deploy again')


def text_of(links):
    # type: (tuple) -> str
    """The text of STORAGE_NOTES."""
    import json
    facts = [dict(link._asdict(), pkey=link.pkey.full_value if link.pkey else None) for link in links]
    return json.dumps({'format': _FORMAT, 'links': facts}, indent=1, sort_keys=True, separators=(',', ': ')) + '\n'


def modes(tree, names):
    # type: (object, list) -> dict
    """{name: ``connected`` or ``datagram``} of those of the interfaces ``names`` that tell.

    :param tree: a source's tree
    """
    return _attributes(tree, names, 'mode')  # children that rtnetlink made have no such file


def connectable(tree, names):
    # type: (object, list) -> frozenset
    """Those of the IPoIB interfaces ``names`` that can do connected mode; the address tells (IPOIB_FLAGS_RC)."""
    return frozenset(name for name, address in _attributes(tree, names, 'address').items()
                     if int(address[:2] or '0', 16) & _CONNECTED_FLAG)


def _attributes(tree, names, leaf):
    found = {}
    for name in names:
        try:
            found[name] = tree.read('{0}/{1}/{2}'.format(NET, name, leaf))
        except EnvironmentError:
            continue
    return found


def _link(facts):
    link = StorageLink(**dict((str(name), value) for name, value in facts.items()))
    for field, types in _TYPES.items():
        value = getattr(link, field)
        if value is not None and (isinstance(value, bool) or not isinstance(value, types)):
            raise ValueError(field)
    if not all(is_interface_name(name) for name in (link.name, link.parent or link.name)):
        raise ValueError(link.name)
    return link._replace(pkey=PKey.from_value(link.pkey) if link.pkey else None, addresses=tuple(link.addresses))
