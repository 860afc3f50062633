# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""A node's vifs, looked at and changed by hand."""
import os

from tests.lab.emulator import EIPOIB, PARENT
from tests.lab.ports import own_mac
from tests.model.netdev import PAGE_SIZE

NET = '/sys/class/net'


def write(node, path, text):
    """0, or the errno of a write to an attribute of an interface."""
    file = os.open(node.path(f'{NET}/{path}'), os.O_WRONLY)
    try:
        os.write(file, text.encode())
    except OSError as error:
        return error.errno
    finally:
        os.close(file)
    return 0


def serve(node, vlan, mac=None, index=''):
    """Make a child and a vif; returns the child's name.

    :param vlan: 0 for untagged
    :param mac: None: the EIPOIB interface's
    :param index: ``.1`` and so on for one more child of the VLAN's P_Key
    """
    child = f'{PARENT}.{0x8000 | vlan:04x}{index}' if vlan else f'{PARENT}{index or ".1"}'
    pkey = f'{0x8000 | vlan:#06x}{index}' if vlan else index or '.1'
    assert [write(node, f'{PARENT}/create_child', pkey), write(node, f'{EIPOIB}/eth/slaves', f'+{child}'),
            write(node, f'{EIPOIB}/eth/vifs', f'+{child} {mac or own_mac(node)} {vlan or ""}'.rstrip())] == [0, 0, 0]
    return child


def release(node, child):
    """Take a child, and with it its vif, from the EIPOIB interface."""
    assert write(node, f'{EIPOIB}/eth/slaves', f'-{child}') == 0


def shown(node):
    """{(child, MAC, VLAN as text, N/A for untagged)}, as far as the driver's page reaches: the row that it cuts is no
    whole one."""
    page = node.read(f'{NET}/{EIPOIB}/eth/vifs')
    rows = [dict(word.split('=', 1) for word in line.split()) for line in page.splitlines()]
    if len(page) >= PAGE_SIZE - 1:
        rows.pop()
    return {(row['SLAVE'], row['MAC'], row['VLAN']) for row in rows}
