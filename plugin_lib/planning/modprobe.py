# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""modprobe's configuration, for deployed nodes and for the discovery images: one description, two ways of writing it.

There is no port_type_array, so a port senses its link type (ConnectX-3).
"""
from __future__ import absolute_import, print_function, unicode_literals

# What a module brings with it once it is loaded. udev loads the first of a chain by the PCI alias of the hardware, and
# without the hardware none. Few releases of MLNX_OFED have eth_ipoib for a ConnectX-4 or 5; what is missing is skipped.
BRINGS = (
    ('mlx4_core', ('mlx4_en', 'mlx4_ib')),
    ('mlx4_ib', ('ib_ipoib',)),
    ('mlx5_core', ('mlx5_ib',)),
    ('mlx5_ib', ('ib_ipoib',)),
    ('ib_ipoib', ('eth_ipoib',)),
)
SOFTDEP = 'softdep'
INSTALL = 'install'


def text(queue_size, form=SOFTDEP):
    # type: (int, str) -> str
    """The configuration for an IPoIB queue of ``queue_size`` entries.

    :param form: SOFTDEP for kmod; INSTALL for the module-init-tools of CentOS 6, which do not know softdep
    """
    line = _softdep if form == SOFTDEP else _install
    lines = ['# Written by the Fuel plugin infiniband; its settings are in the Fuel UI.',
             'options ib_ipoib recv_queue_size={0} send_queue_size={0}'.format(queue_size)]
    return '\n'.join(lines + [line(first, then) for first, then in BRINGS]) + '\n'


def _softdep(first, then):
    # Each link of the chain has its own line: kmod does not keep the order of what one "post:" names.
    return 'softdep {0} post: {1}'.format(first, ' '.join(then))


def _install(first, then):
    # What fails behind it must not fail the module itself, which is loaded by then.
    return 'install {0} /sbin/modprobe --ignore-install {0} $CMDLINE_OPTS && {{ {1} true; }}'.format(
        first, ' '.join('/sbin/modprobe -q {0};'.format(name) for name in then))
