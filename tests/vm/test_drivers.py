# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Real kmod on Debian's real module tree, with the modprobe configuration of the plugin.

Covered: a machine without the hardware gets no Mellanox or InfiniBand module and eipoibd has nothing to do there; the
card's PCI alias loads the whole chain in order, with the options; the drivers make both ports' interfaces.
"""
import re

from plugin_lib.host.state import EIPOIB_MODULES
from tests.vm import eipoibd, inside, machine

INFINIBAND = re.compile(r'mlx|^ib_|^rdma|eth_ipoib')


def test_without_the_hardware_nothing_is_loaded_and_with_it_everything(guest_kernel):
    with machine.boot(guest_kernel) as guest:
        guest.call(inside.configure)
        guest.call(inside.cold_plug)
        modules = guest.call(inside.loaded)
        assert 'e1000' in modules, 'what the machine has is loaded'
        assert [name for name in modules if INFINIBAND.search(name)] == []
        assert guest.call(inside.run, ['test', '-e', '/sys/class/net/eth_ipoib_interfaces'])['status'] == 1
        assert guest.call(eipoibd.once) == {'status': 0, 'output': 'no EIPOIB interface here: nothing to do\n'}

        guest.call(inside.plug_in)
        assert [name for name in guest.call(inside.loaded) if name in EIPOIB_MODULES] == list(EIPOIB_MODULES)
        assert guest.call(inside.eipoibs) == {'eth1': 'ib0', 'eth2': 'ib1'}, 'eth0 is the Ethernet card'
        assert guest.call(inside.read, '/sys/module/ib_ipoib/parameters/recv_queue_size') == '128\n'
        assert guest.call(inside.run, ['ls', '/dev/infiniband'])['output'] == 'uverbs0\n'


def test_a_bare_alias_is_resolved_as_udev_does(guest):
    alias = guest.call(inside.read, inside.CARD).strip()
    assert guest.call(inside.run, ['modprobe', '-R', alias]) == {'status': 0, 'output': 'mlx4_core\n'}
