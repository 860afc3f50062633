# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""One list of operations for the real kernel and for the model of it, and what both are asked after each."""
import errno
import itertools
import os
import random

from plugin_lib.effect import rtnetlink
from plugin_lib.host import eipoib, ipoib
from plugin_lib.host.links import IFF_UP
from plugin_lib.host.source import Live
from tests.model.kernel import Kernel
from tests.model.netdev import netdev_or_refuse
from tests.vm import inside

NET = '/sys/class/net'
ARPHRD_INFINIBAND = ipoib.ARPHRD_INFINIBAND
_CHILD_TEXTS = ('0x8001', '0x8002\n', '0x0003', '32772', '0x8001 junk', '0x8005.1', '0', '0x8000', '0x7fff', '0xffff',
                '65536', '0x18001', '-1', 'text', '', ' 0x8006', '0x', '010', '.1', '0x8001.0')
_MAC = '00:02:c9:00:00:01'


class Modelled:
    """The model, as a machine that operations are performed on."""

    def __init__(self):
        self.source = self._kernel = Kernel()
        hca = self._kernel.add_hca('mlx4_0', ports=2)
        self._ports = hca.ports
        for number in (1, 2):
            self._kernel.add_ipoib(f'ib{number - 1}', hca.ports[number])
        for number in (0, 1):
            self._kernel.add_eipoib(f'eth{number}', f'ib{number}')
        self._kernel.add_ethernet('lo', '00:00:00:00:00:00')
        self.write = self._kernel.write
        self.add_link = self._kernel.add_link
        self.delete_link = self._kernel.delete_link
        self.up = self._kernel.link_up
        self.rename = self._kernel.rename

    def delete_child(self, parent, text):
        self.write(f'{NET}/{parent}/delete_child', text)
        self._kernel.settle()

    def down(self, name):
        self._kernel.set_up(netdev_or_refuse(self._kernel.netdevs, name), False)

    def program(self, number, values):
        self._ports[number].set_pkeys(values)


class Real:
    """The kernel that this runs on."""

    write = staticmethod(inside.write)
    add_link = staticmethod(rtnetlink.add_link)
    delete_link = staticmethod(rtnetlink.delete_link)
    up = staticmethod(rtnetlink.link_up)
    program = staticmethod(inside.program)

    def __init__(self):
        self.source = Live()

    @staticmethod
    def delete_child(parent, text):
        """Wait for what ib_ipoib does later: legacy children go one at a time."""
        before = set(inside.children())
        inside.write(f'{NET}/{parent}/delete_child', text)
        inside.until(lambda: len(before - set(inside.children())) == 1)

    @staticmethod
    def down(name):
        if not os.path.exists(f'{NET}/{name}'):
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV), name)
        inside.must('ip', 'link', 'set', name, 'down')

    @staticmethod
    def rename(name, new_name):
        inside.must('ip', 'link', 'set', name, 'name', new_name)


def _slaves(eipoib_name, *texts):
    return [['write', [f'{NET}/{eipoib_name}/eth/slaves', text]] for text in texts]


def _vifs(eipoib_name, *texts):
    return [['write', [f'{NET}/{eipoib_name}/eth/vifs', text]] for text in texts]


def _sysfs_children():
    return [['program', [1, [0xffff, 0x8001, 0, 0x0002]]],
            *(['write', [f'{NET}/ib0/create_child', text]] for text in _CHILD_TEXTS),
            *(['delete_child', ['ib0', text]]
              for text in ('0x8001', '0x8001', '0x0003', '0x9999', 'text', '0', '0xffff'))]


def _rtnetlink_children():
    return [*(['add_link', [parent, name, pkey]] for parent, name, pkey in (
                ('ib0', 'ib0.8001', 0x8001), ('ib0', 'ib0.8001', 0x8001), ('ib0', 'second', 0x8001),
                ('ib0', 'ib0.1', 0xffff), ('ib0', 'ib0.none', 0), ('ib0', 'ib0.full', 0x8000), ('ib0', 'ib0.9', 0x0009),
                ('ib0.8001', 'ib0.grand', 0x8007), ('ib7', 'ib7.1', 0x8001), ('eth0', 'eth0.1', 0x8001),
                ('lo', 'lo.1', 0x8001), ('ib1', 'ib1.8001', 0x8001))),
            ['write', [f'{NET}/ib0/create_child', '0x8001']],  # of a key that only rtnetlink's children have
            ['delete_child', ['ib0', '0x8001']],
            *(['delete_link', [name]] for name in ('ib0.none', 'ib0', 'eth0', 'lo', 'ib0.9'))]


def _enslaving():
    return [*_slaves('eth0', '+ib0.1'), ['up', ['eth0']],
            *_slaves('eth0', '+ib0.1', '+ib0.1', '+none', '+lo', '+eth1', '+second', '+second', '-second', '-none', '',
                     '+', '-', 'ib0.1', '*ib0.1', '+ib1.8001', '+ib1.8001', ' +ib0.8001', '+ib0', '-ib0',
                     '+ib0.1234567890123456'),
            *_slaves('eth1', '+ib0.1'), ['up', ['eth1']], *_slaves('eth1', '+ib0.1', '+ib1.8001')]


def _serving():
    return [*_vifs('eth0', f'+ib0.1 {_MAC}', f'+ib0.1 {_MAC}', f'+ib0.1 {_MAC} 5', f'+ib0.8001 {_MAC}',
                   f'+ib0.8001 {_MAC} 0', f'+none {_MAC} 1', '+ib0.1', '+ib0.8001 00:00:00:00:00:00 1',
                   '+ib0.8001 01:02:c9:00:00:01 1', '+ib0.8001 text 1', '+ib0.8001 0:2:c9:0:0:1 1',
                   f'-ib0.1 {_MAC}', '-none', f'ib0.1 {_MAC}', '+', '-'),
            *_slaves('eth0', '-ib0.8001', '+ib0.8001'), *_vifs('eth0', f'+ib0.8001 {_MAC} 1 more'),
            ['delete_link', ['ib0.8001']]]


def _renaming():
    return [['down', ['eth0']], ['rename', ['eth0', 'eipoib0']], *_slaves('eipoib0', '+ib0.8002'),
            ['up', ['eipoib0']], *_slaves('eipoib0', '+ib0.8002'), ['delete_child', ['ib0', '0x8002']],
            *(['write', [path, '+ib0.1']] for path in (f'{NET}/eth0/eth/slaves', f'{NET}/ib0/pkey',
                                                       f'{NET}/eipoib0/eth/neighs', f'{NET}/ib0.1/create_child'))]


def by_hand():
    """Operations, [name, arguments], that together see every answer that the two drivers have."""
    return _sysfs_children() + _rtnetlink_children() + _enslaving() + _serving() + _renaming()


def full_page():
    """More vifs than a page shows."""
    operations = [['up', ['eth0']], ['program', [1, [0xffff]]]]
    for vlan in range(978, 978 + 100):
        name = f'ib0.{0x8000 | vlan:04x}'
        operations += [['add_link', ['ib0', name, 0x8000 | vlan]], *_slaves('eth0', f'+{name}'),
                       *_vifs('eth0', f'+{name} {_MAC} {vlan}')]
    return operations


def at_random(seed, count):
    """``count`` operations drawn so that most of them meet something that the ones before made."""
    dice = random.Random(seed)
    children = [f'ib{number}.{0x8000 | key:04x}' for number, key in itertools.product((0, 1), (1, 2, 3))]

    def draw():
        child, eth = dice.choice(children), dice.choice(['eth0', 'eth1'])
        text = f'0x{child[4:]}'
        mac = f'00:02:c9:00:00:0{dice.randint(1, 2)}'
        return dice.choice([
            ['add_link', [child[:3], child, int(text, 0)]],
            ['write', [f'{NET}/{child[:3]}/create_child', text]],
            ['delete_child', [child[:3], text]],
            ['delete_link', [child]],
            ['write', [f'{NET}/{eth}/eth/slaves', f'+{child}']],
            ['write', [f'{NET}/{eth}/eth/slaves', f'+{child}']],
            ['write', [f'{NET}/{eth}/eth/slaves', f'-{child}']],
            ['write', [f'{NET}/{eth}/eth/vifs', f'+{child} {mac} {dice.randint(1, 3)}']],
            ['write', [f'{NET}/{eth}/eth/vifs', f'+{child} {mac} {dice.randint(1, 3)}']],
            ['up', [eth]],
            ['down', [dice.choice([eth, child])]]])
    return [draw() for _ in range(count)]


def perform(machine, operations, every=1):
    """What the machine answers to each operation, and what it is after every so many: [[answer, state or None]]."""
    return [[_answer(getattr(machine, name), arguments), None if number % every else state(machine.source)]
            for number, (name, arguments) in enumerate(operations, 1)]


def perform_here(operations, every):
    """In the guest: :func:`perform` on the kernel itself."""
    return perform(Real(), operations, every)


def _answer(method, arguments):
    try:
        method(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno]
    return 'ok'


def state(source):
    """All that a Source tells of IPoIB and EIPOIB interfaces, but for numbers that no two machines share."""
    found = {'interfaces': _read(source, f'{NET}/eth_ipoib_interfaces')}
    for name, link in source.links().items():
        driver, bus = source.drvinfo(name)
        if link.type != ARPHRD_INFINIBAND and driver != eipoib.DRIVER:
            continue
        folder = f'{NET}/{name}'
        names = source.tree.names(folder)
        found[name] = {
            'link': [bool(link.flags & IFF_UP), link.parent, link.master, link.kind, link.pkey],
            'drvinfo': [driver, bus],
            'files': {leaf: _read(source, f'{folder}/{leaf}')
                      for leaf in ('pkey', 'parent', 'eth/slaves', 'eth/vifs', 'eth/neighs', 'eth/served')},
            'links': sorted([leaf, os.path.basename(source.tree.link(f'{folder}/{leaf}'))] for leaf in names
                            if leaf == 'eth_parent' or leaf.startswith('slave_')),
        }
        if driver == eipoib.DRIVER:
            found[name]['address'] = link.address
    return found


def _read(source, path):
    try:
        return source.tree.read(path)
    except OSError as error:
        return errno.errorcode[error.errno]
