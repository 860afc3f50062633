# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The environment that the lab deploys, as Fuel 9.2 would publish it to each node."""
import os
from typing import NamedTuple

import jinja2

from tests.lab.emulator import EIPOIB, PARENT
from tests.lab.node import ETHERNET, ETHERNET_DRIVER, ETHERNET_PCI

MANAGEMENT_VLAN = 201
STORAGE_VLAN = 202
PRIVATE_VLANS = (1000, 1002)

# What the subnet manager of the lab gives every port: the default P_Key and a full one for each VLAN.
PKEYS = [0xffff] + [0x8000 | vlan for vlan in (MANAGEMENT_VLAN, STORAGE_VLAN,
                                               *range(PRIVATE_VLANS[0], PRIVATE_VLANS[1] + 1))]


class Member(NamedTuple):
    """A node of the environment: its ``uid`` is the last number of its addresses too."""

    uid: int
    roles: tuple

    @property
    def name(self):
        return f'node-{self.uid}'

    @property
    def management_address(self):
        return f'192.168.0.{self.uid}'

    @property
    def storage_address(self):
        return f'192.168.1.{self.uid}'


MEMBERS = (Member(1, ('primary-controller', 'cinder')), Member(2, ('compute',)))


def render(member, management_vlan=MANAGEMENT_VLAN, storage_vlan=STORAGE_VLAN, private_vlans=PRIVATE_VLANS):
    """The text of a Member's /etc/astute.yaml."""
    loader = jinja2.FileSystemLoader(os.path.dirname(os.path.abspath(__file__)))
    template = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined).get_template('astute.yaml.j2')
    return template.render(node=member, nodes=MEMBERS, management_vlan=management_vlan, storage_vlan=storage_vlan,
                           private_vlans='{}:{}'.format(*private_vlans),
                           ethernet=ETHERNET, ethernet_driver=ETHERNET_DRIVER, ethernet_bus_info=ETHERNET_PCI,
                           eipoib=EIPOIB, parent=PARENT)
