# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""A PCI device with SR-IOV: what pci-sysfs, mlx4_ib's ``iov`` and MLNX_OFED's ``sriov`` show and take.

Sources: drivers/pci/iov.c (sriov_numvfs), drivers/infiniband/hw/mlx4/{main,sysfs,alias_GUID}.c; MLNX_OFED's manual for
mlx5's ``sriov`` folder.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import re

from tests.model.netdev import TABLE_ENTRIES, text_attribute
from tests.model.sysfs import Attribute, Folder, Link, refuse

# The last entry of the table stands for "none" (caps.pkey_table_len is one less than phys_caps').
VIRTUAL_ENTRIES = TABLE_ENTRIES - 1
ADMIN_GUIDS = 128
_GUID = re.compile(r'^([0-9a-fA-F]{1,2}:){7}[0-9a-fA-F]{1,2}\n?\Z')


class Virtual(object):
    """A virtual function, as it is when it comes.

    :param driver: what is bound to it, None for nothing
    """

    def __init__(self, number, pci, ports, driver):
        self.number = number
        self.pci = pci
        self.driver = driver
        # main.c, init_pkeys: the first virtual index is the first physical one, the others lead nowhere.
        self.pkeys = dict((port, [0] + [None] * (VIRTUAL_ENTRIES - 1)) for port in ports)
        self.guids = {'node': 0, 'port': 0}
        self.seen_guids = dict(self.guids)  # by the driver, when it was bound
        self.policy = 'Down'


class Sriov(object):
    """The device.

    :param hca: the model's Hca
    :param total: virtual functions that the firmware allows, None: the device has no such capability
    """

    def __init__(self, hca, driver, total):
        self.hca = hca
        self.driver = driver
        self.total = total
        self.virtual, self._by_address = [], {}
        self.loaded_with = None
        self.admin_guids = dict((port, [0] * ADMIN_GUIDS) for port in hca.ports)

    def make(self, count):
        # type: (int) -> None
        """That many virtual functions and no other; mlx4_core's are not taken by the node itself (probe_vf 0)."""
        # As mlx4_ib names them (sysfs.c, get_name): eight to a device number.
        address = self.hca.pci.rpartition(':')[0]
        self.virtual = [Virtual(number, '{0}:{1:02x}.{2}'.format(address, (number + 1) // 8, (number + 1) % 8),
                                self.hca.ports, None if self.driver == 'mlx4_core' else self.driver)
                        for number in range(count)]
        self._by_address = dict((each.pci, each) for each in self.virtual)
        self.admin_guids = dict((port, [0] * ADMIN_GUIDS) for port in self.hca.ports)

    def boot(self, options):
        # type: (str) -> None
        """The driver is loaded with the options that modprobe's configuration has for it, None without any."""
        found = re.search(r'^options mlx4_core .*\bnum_vfs=(\S+)', options or '', re.MULTILINE)
        self.loaded_with = found.group(1) if found else '(null)'
        counts = dict(each.rpartition('-')[::2] for each in self.loaded_with.split(','))
        self.make(int(counts.get(self.hca.pci, 0)) if self.driver == 'mlx4_core' else 0)

    def device(self):
        # type: () -> Folder
        """``/sys/bus/pci/devices/<address>``."""
        entries = {'driver': Link('../../../bus/pci/drivers/' + self.driver)}
        if self.total is not None:
            entries['sriov_totalvfs'] = text_attribute(str(self.total))
            entries['sriov_numvfs'] = Attribute(lambda: '{0}\n'.format(len(self.virtual)), self._store_count)
        if self.driver == 'mlx5_core':
            entries['sriov'] = _numbered(self.virtual, lambda number: self._mlx5(self.virtual[number]))
        links = ['virtfn{0}'.format(each.number) for each in self.virtual]
        return Folder(lambda: list(entries) + links, lambda name: Link(
            '../' + self.virtual[links.index(name)].pci) if name in links else entries.get(name))

    def virtual_device(self, virtual):
        # type: (Virtual) -> Folder
        """``/sys/bus/pci/devices/<address>`` of a virtual function."""
        entries = {'physfn': Link('../' + self.hca.pci)}
        if virtual.driver:
            entries['driver'] = Link('../../../bus/pci/drivers/' + virtual.driver)
        return Folder.of(entries)

    def iov(self):
        # type: () -> Folder
        """``/sys/class/infiniband/<hca>/iov`` of mlx4."""
        def entry(name):
            if name == 'ports':
                return _ports(self.hca, lambda port: {'admin_guids': _numbered(
                    self.admin_guids[port], lambda index: self._admin_guid(port, index))})
            if name not in self._by_address:
                return None
            return Folder.of({'ports': _ports(self.hca, lambda port: self._mlx4_port(self._by_address[name], port))})
        return Folder(lambda: ['ports'] + [each.pci for each in self.virtual], entry)

    def _store_count(self, text):
        if not text.isdigit() or int(text) > 0xffff:
            refuse(errno.EINVAL)
        count = int(text)
        if count > self.total:
            refuse(errno.ERANGE)
        if count == len(self.virtual):
            return
        if self.driver == 'mlx4_core':
            refuse(errno.ENOENT)  # it has no sriov_configure
        if self.virtual and (count or any(each.driver == 'vfio-pci' for each in self.virtual)):
            refuse(errno.EBUSY)
        self.make(count)

    def _mlx4_port(self, virtual, port):
        table = virtual.pkeys[port]

        def entry(index):
            def store(text):
                if text.lower().startswith('no'):
                    table[index] = None
                    return
                try:
                    physical = int(text, 0)
                except ValueError:
                    refuse(errno.EINVAL)
                if not 0 <= physical < VIRTUAL_ENTRIES:
                    refuse(errno.EINVAL)
                table[index] = physical
            return Attribute(lambda: shown(table[index]), store)

        def shown(physical):
            return '{0}\n'.format('none' if physical is None else physical)

        # The function of the device itself is number 0 of the driver's, so this one is the next.
        return {'pkey_idx': _numbered(table, entry, lambda: dict(
                    (str(index), shown(physical)) for index, physical in enumerate(table))),
                'gid_idx': Folder.of({'0': text_attribute(str(virtual.number + 1))})}

    def _admin_guid(self, port, index):
        guids = self.admin_guids[port]

        def store(text):
            if index:  # "GUID 0 block 0 is RO": told in the log, and taken for written
                guids[index] = int(re.match(r'(0[xX])?([0-9a-fA-F]*)', text).group(2) or '0', 16)
        return Attribute(lambda: '{0:x}\n'.format(guids[index]), store)

    def _mlx5(self, virtual):
        def guid(leaf):
            def store(text):
                if not _GUID.match(text):
                    refuse(errno.EINVAL)
                virtual.guids[leaf] = int(''.join(part.zfill(2) for part in text.strip().split(':')), 16)

            def show():
                digits = '{0:016x}'.format(virtual.guids[leaf])
                return ':'.join(digits[at:at + 2] for at in range(0, 16, 2)) + '\n'
            return Attribute(show, store)

        def store_policy(text):
            if text.strip() not in ('Up', 'Down', 'Follow'):
                refuse(errno.EINVAL)
            virtual.policy = text.strip()
        return Folder.of({'node': guid('node'), 'port': guid('port'),
                          'policy': Attribute(lambda: virtual.policy + '\n', store_policy)})


class PciBus(object):
    """What is below /sys/bus and /sys/module for those of {name: Hca} that show their PCI device."""

    def __init__(self, hcas):
        self._hcas = hcas

    def folders(self):
        # type: () -> dict
        """{name: Folder} below /sys."""
        drivers = Folder.of({'mlx5_core': Folder.of({
            'bind': Attribute(store=lambda text: self._bind(text, True)),
            'unbind': Attribute(store=lambda text: self._bind(text, False))})})
        bus = Folder.of({'pci': Folder.of({'devices': Folder(self._addresses, self._device), 'drivers': drivers})})
        return {str('bus'): bus, str('module'): Folder(lambda: ['mlx4_core'], self._module)}

    def _functions(self):
        return [hca.sriov for hca in self._hcas.values() if hca.sriov]

    def _virtual(self):
        return dict((each.pci, (function, each)) for function in self._functions() for each in function.virtual)

    def _addresses(self):
        return [function.hca.pci for function in self._functions()] + list(self._virtual())

    def _device(self, address):
        for function in self._functions():
            if function.hca.pci == address:
                return function.device()
        function, virtual = self._virtual().get(address, (None, None))
        return function.virtual_device(virtual) if function else None

    def _bind(self, address, bound):
        function, virtual = self._virtual().get(address, (None, None))
        if function is None or (virtual.driver is None) != bound:
            refuse(errno.ENODEV)  # drivers/base/bus.c
        virtual.driver = function.driver if bound else None
        virtual.seen_guids = dict(virtual.guids)

    def _module(self, name):
        loaded = [function.loaded_with for function in self._functions() if function.driver == name]
        return Folder.of({'parameters': Folder.of({'num_vfs': text_attribute(loaded[0])})}) if any(loaded) else None


def _numbered(entries, node, texts=dict):
    """A folder with a node for each index of a list, made when somebody looks."""
    return Folder(lambda: [str(index) for index in range(len(entries))],
                  lambda name: node(int(name)) if name.isdigit() and int(name) < len(entries) else None, texts)


def _ports(hca, entries):
    """A folder of the HCA's ports."""
    return Folder(lambda: [str(port) for port in hca.ports],
                  lambda name: Folder.of(entries(int(name))) if name.isdigit() and int(name) in hca.ports else None)
