# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The ports of the HCAs and their P_Key tables: /sys/class/infiniband."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib.errors import InputError
from plugin_lib.host.state import Port
from plugin_lib.host.sysfs import problem_of
from plugin_lib.host.tree import numbers
from plugin_lib.memo import remembering
from plugin_lib.pkey import PKey

CLASS = '/sys/class/infiniband'


def read(reader):
    # type: (object) -> tuple
    """Every Port, by HCA and number; empty on a machine without InfiniBand.

    :param reader: a :class:`plugin_lib.host.sysfs.Reader`
    """
    return tuple(port for hca in reader.names(CLASS) or () for port in _ports_of(reader, hca))


def _ports_of(reader, hca):
    pci = reader.link_name('{0}/{1}/device'.format(CLASS, hca))
    numbers = _numbers(reader.names('{0}/{1}/ports'.format(CLASS, hca)) or ())
    return [port for port in (_port(reader, hca, number, pci) for number in numbers) if port]


def _port(reader, hca, number, pci):
    folder = '{0}/{1}/ports/{2}'.format(CLASS, hca, number)
    state, link_layer, lid, sm_lid, rate = (
        reader.read('{0}/{1}'.format(folder, leaf)) for leaf in ('state', 'link_layer', 'lid', 'sm_lid', 'rate'))
    pkeys, places, problem = _table(reader.tree, folder + '/pkeys')
    if pkeys is None and not reader.tree.exists(folder):
        return None  # unplugged while it was read
    if problem:
        reader.problems.append(problem)
    if _state(state) == 'ACTIVE':
        # A port that goes down loses its table: only between two looks that find it ACTIVE the table was that of an
        # active port.
        state = reader.read('{0}/state'.format(folder))
    return Port(hca, number, pci, _state(state), link_layer, _lid(lid), _lid(sm_lid), rate, pkeys, places,
                problem)


def _table(tree, folder):
    """``(PKeys or None, their indexes likewise, why they are missing or incomplete or None)``."""
    try:
        indexes = _numbers(tree.names(folder))
        texts = tree.read_each(_entries(folder, indexes))
    except EnvironmentError as error:
        return None, None, problem_of(error)
    return _pkeys(folder, indexes, texts)


@remembering
def _pkeys(folder, indexes, texts):
    found, problem, known = [], None, {'0x0000': None}  # most slots are empty
    for index, text in zip(indexes, texts):
        try:
            pkey = known[text] if text in known else PKey.of_table_entry(text)
        except InputError as error:
            problem = '{0}/{1}: {2}'.format(folder, index, error.what)
            continue
        if pkey:
            found.append((pkey, index))
    return tuple(pkey for pkey, _ in found), tuple(index for _, index in found), problem


@remembering
def _entries(folder, indexes):
    return ['{0}/{1}'.format(folder, index) for index in indexes]


_numbers = remembering(numbers)


def _state(text):
    """``ACTIVE`` of ``4: ACTIVE``."""
    return text.rpartition(':')[2].strip() if text else None


def _lid(text):
    """The LID as a number; drivers/infiniband/core/sysfs.c prints it in hexadecimal."""
    try:
        return int(text, 16)
    except (TypeError, ValueError):
        return None
