# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The network mode of a port follows from its driver."""
from __future__ import absolute_import, print_function, unicode_literals

INFINIBAND = 'infiniband'
ETHERNET = 'ethernet'
OTHER = 'other'
MIXED = 'mixed'
NONE = 'none'

# eth_ipoib is MLNX_OFED's Ethernet over IPoIB; the others are Mellanox's Ethernet drivers
# (mlx5_core registers the netdev itself, some releases of the agent report mlx5_en).
OF_DRIVER = {'eth_ipoib': INFINIBAND, 'mlx4_en': ETHERNET, 'mlx5_core': ETHERNET, 'mlx5_en': ETHERNET}


def may_name_infiniband(raw):
    # type: (bytes) -> bool
    """Whether published data, as raw bytes, can hold an InfiniBand port at all.

    Without the name of its driver it cannot: a node without InfiniBand is told
    apart before YAML, which takes longer to import than such a hook to run.
    """
    return any(driver.encode('ascii') in raw for driver, mode in OF_DRIVER.items() if mode == INFINIBAND)


def of_driver(driver):
    # type: (str) -> str
    """``infiniband``, ``ethernet`` (both on Mellanox ports) or ``other``; ``driver`` None is unknown."""
    return OF_DRIVER.get(driver, OTHER)


def together(modes):
    # type: (list) -> str
    """The mode of several ports: theirs when they agree, ``mixed``, or ``none`` without ports."""
    distinct = set(modes)
    if not distinct:
        return NONE
    return distinct.pop() if len(distinct) == 1 else MIXED
