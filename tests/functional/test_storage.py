# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Storage over RDMA on a node of the lab, through its hook: Fuel 9.2, tagged, on an EIPOIB interface.

Covered: from a node that eipoibd serves to one whose storage is on the child, with the real hiera telling the stand-in
for netconfig; the second run; eipoibd beside it; after a reboot ifupdown's script makes it again; and everything back.
"""
import os

import pytest

from plugin_lib.host import storage
from plugin_lib.host.state import StorageLink
from plugin_lib.paths import STORAGE_NOTES
from tests import hiera
from tests.functional.eipoibd_node import PROGRAM, eipoibd, install, served, status
from tests.lab import astute, lab, netconfig, requirements

CHILD = f'ib0.{0x8000 | astute.STORAGE_VLAN:04x}'
MEMBER = astute.MEMBERS[0]
NET = '/sys/class/net'


@pytest.fixture(scope='module', autouse=True)
def able():
    missing = [*requirements.missing(), *filter(None, [hiera.missing()])]
    if missing:
        pytest.skip('level 1 of the lab cannot run here: ' + '; '.join(missing))


def publish(node, storage_rdma):
    text = astute.render(MEMBER).replace('storage_rdma: false', f'storage_rdma: {str(storage_rdma).lower()}')
    node.write('/etc/astute.yaml', text, 0o600)
    hiera.lay_out(node.path(''), '9.2')


def fuel_infiniband(node, *argv):
    return node.run(f'{PROGRAM}/fuel-infiniband', *argv, check=False)


def hook(node, name='storage'):
    done = fuel_infiniband(node, 'hook', name)
    assert (done.returncode, done.stderr) == (0, ''), done.stdout + done.stderr
    return done.stdout


def addresses(node):
    """{interface: IPv4 addresses} as the kernel has them."""
    found = {}
    for line in node.run('ip', '-4', '-o', 'address').stdout.splitlines():
        found.setdefault(line.split()[1], []).append(line.split()[3])
    return found


def test_storage_moves_to_the_child_and_back():
    def inside(made):
        node = made.add_node(astute.PKEYS)
        install(node)
        node.write(f'{PROGRAM}/fuel-infiniband', '#!/usr/bin/python3\nimport sys\n'
                   'from plugin_lib.cli import main\nsys.exit(main())\n', 0o755)
        publish(node, True)
        assert eipoibd(node, '--once').returncode == 0
        vlan = f'VLAN={astute.STORAGE_VLAN}'
        assert vlan in served(node)

        assert CHILD in hook(node)
        assert vlan not in served(node)
        assert node.read(f'{NET}/{CHILD}/mode') == 'connected\n'
        scheme = hiera.network_scheme(node.path(''), '9.2')
        netconfig.configure(node, scheme)
        assert addresses(node)[CHILD] == [f'{MEMBER.storage_address}/24']
        assert 'br-storage' not in addresses(node)
        assert node.read(f'{NET}/{CHILD}/mtu') == '65520\n'
        assert hook(node) == 'storage: nothing to do\n'

        assert fuel_infiniband(node, 'capture', '/root/captured').returncode == 0
        replayed = fuel_infiniband(node, 'plan', '--root', '/root/captured', '--astute', '/etc/astute.yaml')
        assert 'storage: ' not in replayed.stdout and replayed.returncode == 0

        once = eipoibd(node, '--once')
        assert once.returncode == 0
        assert f'{CHILD} vlan {astute.STORAGE_VLAN} eth4 storage' in once.stdout and 'nothing to do' in once.stdout
        assert status(node)['interfaces']['eth4']['storage'] == [astute.STORAGE_VLAN]
        assert 'does not serve' not in fuel_infiniband(node, 'check').stdout

        node.run('ip', 'link', 'set', CHILD, 'down')  # a reboot takes the child; ifupdown asks for it by name
        with open(node.path(f'{NET}/ib0/delete_child'), 'w', encoding='ascii') as file:
            file.write(f'0x{0x8000 | astute.STORAGE_VLAN:04x}')
        assert fuel_infiniband(node, 'prepare', CHILD).returncode == 0
        assert node.read(f'{NET}/{CHILD}/mode') == 'connected\n'
        assert node.read(f'{NET}/{CHILD}/mtu') == '65520\n'

        # A VLAN interface is made by a script of ifupdown's that comes after ours: it is not waited for.
        notes = node.read(STORAGE_NOTES)
        node.write(STORAGE_NOTES, storage.text_of((StorageLink('ens5.202', None, None, None, None, None, None, ()),)))
        node.run('timeout', '20', f'{PROGRAM}/fuel-infiniband', 'prepare', 'ens5.202')
        node.write(STORAGE_NOTES, notes)

        publish(node, False)
        hook(node)
        assert not os.path.exists(node.path(f'{NET}/{CHILD}'))
        assert not os.path.exists(node.path('/etc/hiera/plugins/infiniband.yaml'))
        netconfig.configure(node, hiera.network_scheme(node.path(''), '9.2'))
        assert addresses(node)['br-storage'] == [f'{MEMBER.storage_address}/24']
        assert eipoibd(node, '--once').returncode == 0
        assert vlan in served(node)
        assert 'not switched on' in hook(node)
        return 0

    assert lab.run(inside) == 0, 'what failed in the lab is on stderr'
