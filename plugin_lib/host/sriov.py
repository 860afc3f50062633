# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""SR-IOV: a PCI device, its virtual functions, and the P_Keys and GUIDs that each of them has.

mlx4 keeps these below the HCA's ``iov`` (drivers/infiniband/hw/mlx4/sysfs.c): a virtual function has P_Key tables of
its own, of which each entry is an index into the port's.  mlx5 keeps GUIDs and link policy below the PCI device's
``sriov`` (MLNX_OFED only); its virtual functions share the port's P_Key table, of which the subnet manager gives each
what it may use.
"""
from __future__ import absolute_import, print_function, unicode_literals

import re
from collections import namedtuple

from plugin_lib.errors import InputError
from plugin_lib.host import hca as hcas
from plugin_lib.host.tree import numbers
from plugin_lib.pkey import PKey

DEVICES = '/sys/bus/pci/devices'
MLX4, MLX5 = 'mlx4_core', 'mlx5_core'
LOADED_WITH = '/sys/module/mlx4_core/parameters/num_vfs'

_ADDRESS = re.compile(r'^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]\Z')
_NUMBER = re.compile(r'^[0-9]{1,9}\Z')
_GUID = re.compile(r'^[0-9a-fA-F]{1,16}\Z')
_VIRTUAL = re.compile(r'^virtfn([0-9]{1,3})\Z')


class Function(namedtuple('Function', 'pci driver hca total loaded_with virtual node_guid ports')):
    """A PCI device and its virtual functions.

    :param pci: its address with the domain, ``0000:03:00.0``
    :param driver: ``mlx4_core``, ``mlx5_core``..., None without one
    :param hca: the HCA that the driver made of it, None without one
    :param total: how many virtual functions its firmware allows, None when it offers none
    :param loaded_with: mlx4_core's option num_vfs as it is in force, None where it is not loaded
    :param virtual: tuple of VirtualFunctions, by number
    :param node_guid: as a number, None where it has none, or was not read: see :func:`with_tables`
    :param ports: {number: PhysicalPort}, likewise
    """

    __slots__ = ()


class PhysicalPort(namedtuple('PhysicalPort', 'guid keys')):
    """A port as its virtual functions share it: its GUID (a number, or None) and {PKey: index in its table}, None where
    the table cannot be read.
    """

    __slots__ = ()


class VirtualFunction(namedtuple('VirtualFunction', 'number pci driver ports guids')):
    """A virtual function.

    :param number: from 0, N of ``virtfnN``
    :param driver: what has it: None nobody, ``vfio-pci`` or ``pci-stub`` a guest
    :param ports: mlx4: {number: VirtualPort}; read by :func:`with_tables`
    :param guids: mlx5: Guids, None where its driver shows none; likewise
    """

    __slots__ = ()


class VirtualPort(namedtuple('VirtualPort', 'indexes guid_index guid')):
    """A port of a virtual function of mlx4.

    :param indexes: tuple: the index in the physical P_Key table for each index of its own, None where it has no key
    :param guid_index: which of the port's ``admin_guids`` is its, None where that is not told
    :param guid: what stands there, as a number; 0: the subnet manager assigns one
    """

    __slots__ = ()


class Guids(namedtuple('Guids', 'node port policy')):
    """GUIDs (numbers) of a virtual function of mlx5, and its link's policy: ``Follow``, ``Up`` or ``Down``."""

    __slots__ = ()


def is_address(text):
    # type: (str) -> bool
    """Whether ``text`` is a PCI address with its domain; only such may enter a path."""
    return bool(text) and bool(_ADDRESS.match(text))


def read(reader, pci):
    # type: (object, str) -> Function
    """The Function at a PCI address without its tables, None when there is no such device.

    :param reader: a :class:`plugin_lib.host.sysfs.Reader`
    """
    device = '{0}/{1}'.format(DEVICES, pci)
    names = reader.names(device)
    if names is None:
        return None
    hca = next((name for name in reader.names(hcas.CLASS) or () if reader.link_name(
        '{0}/{1}/device'.format(hcas.CLASS, name)) == pci), None)
    driver = reader.link_name(device + '/driver')
    numbers = sorted(int(match.group(1)) for match in (_VIRTUAL.match(name) for name in names) if match)
    virtual = [_virtual(reader, device, number) for number in numbers]
    return Function(pci, driver, hca, _number(reader.read(device + '/sriov_totalvfs')), reader.read(LOADED_WITH),
                    tuple(each for each in virtual if each), None, {})


def read_all(reader, addresses):
    # type: (object, list) -> dict
    """{PCI address: Function} of those addresses at which there is a device; as :func:`read`."""
    found = [read(reader, pci) for pci in sorted(addresses)]
    return dict((function.pci, function) for function in found if function)


def with_tables(reader, function):
    # type: (object, Function) -> Function
    """The Function with the P_Keys and GUIDs of its ports and virtual functions: thousands of attributes."""
    if function.hca is None:
        return function
    return function._replace(
        node_guid=_guid(reader.read('{0}/{1}/node_guid'.format(hcas.CLASS, function.hca))),
        ports=_ports(reader, function),
        virtual=tuple(virtual_with_tables(reader, function, each) for each in function.virtual))


def virtual_with_tables(reader, function, virtual):
    # type: (object, Function, VirtualFunction) -> VirtualFunction
    """One of the VirtualFunctions of a Function, which has an HCA, with its P_Keys and GUIDs as they are now."""
    return virtual._replace(
        ports=_virtual_ports(reader, '{0}/{1}/iov'.format(hcas.CLASS, function.hca), virtual.pci),
        guids=_guids(reader, '{0}/{1}/sriov/{2}'.format(DEVICES, function.pci, virtual.number)))


def _ports(reader, function):
    # type: (object, Function) -> dict
    """{number: PhysicalPort} of a Function's HCA as they are now."""
    folder = '{0}/{1}/ports'.format(hcas.CLASS, function.hca)
    return dict((number, PhysicalPort(_guid((reader.read('{0}/{1}/gids/0'.format(folder, number)) or '')[-19:]),
                                      _keys(reader, '{0}/{1}/pkeys'.format(folder, number))))
                for number in numbers(reader.names(folder) or ()))


def _keys(reader, folder):
    table, keys = reader.table(folder), {}
    if table is None:
        return None
    for index, text in table:
        try:
            pkey = PKey.of_table_entry(text)
        except InputError:
            return None  # why is told by whoever reads the ports
        if pkey is not None:
            keys.setdefault(pkey, index)
    return keys


def _virtual(reader, device, number):
    pci = reader.link_name('{0}/virtfn{1}'.format(device, number))
    if not is_address(pci):
        return None
    return VirtualFunction(number, pci, reader.link_name('{0}/{1}/driver'.format(DEVICES, pci)), {}, None)


def _guids(reader, folder):
    texts = [reader.read('{0}/{1}'.format(folder, leaf)) for leaf in ('node', 'port', 'policy')]
    return None if None in texts else Guids(_guid(texts[0]), _guid(texts[1]), texts[2].strip())


def _virtual_ports(reader, iov, pci):
    found = {}
    for port in numbers(reader.names('{0}/{1}/ports'.format(iov, pci)) or ()):
        folder = '{0}/{1}/ports/{2}'.format(iov, pci, port)
        table = reader.table(folder + '/pkey_idx')
        if table is None:
            continue
        guid_index = _number(reader.read(folder + '/gid_idx/0'))
        guid = None if guid_index is None else _guid(reader.read(
            '{0}/ports/{1}/admin_guids/{2}'.format(iov, port, guid_index)))
        found[port] = VirtualPort(tuple(_number(text) for _, text in table), guid_index, guid)
    return found


def _number(text):
    """A number, None for ``none`` and for what is not there."""
    return int(text) if text is not None and _NUMBER.match(text.strip()) else None


def _guid(text):
    """The number of a GUID as mlx4 (``2c90300a1b2c3``), ib_core and mlx5 (with colons) print it."""
    digits = (text or '').strip().replace(':', '')
    return int(digits, 16) if _GUID.match(digits) else None
