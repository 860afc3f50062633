# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What eipoibd does on a node of the lab, done by hand."""
import os

from tests.lab.ports import own_mac

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
    child = f'ib0.{0x8000 | vlan:04x}{index}' if vlan else f'ib0{index or ".1"}'
    pkey = f'{0x8000 | vlan:#06x}{index}' if vlan else index or '.1'
    assert [write(node, 'ib0/create_child', pkey), write(node, 'eth4/eth/slaves', f'+{child}'),
            write(node, 'eth4/eth/vifs', f'+{child} {mac or own_mac(node)}{f" {vlan}" if vlan else ""}')] == [0, 0, 0]
    return child


def release(node, child):
    """Take a child, and with it its vif, from the EIPOIB interface."""
    assert write(node, 'eth4/eth/slaves', f'-{child}') == 0
