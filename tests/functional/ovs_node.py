# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What test_ovs runs under each Python: plan and apply Open vSwitch below a root folder, as the hook does.

    python -m tests.functional.ovs_node ROOT ASTUTE PKEY...

The EIPOIB interface eth4 over a port with these P_Keys is made up here; the
database is real.  Prints JSON: the changes that were made, the findings, and
the changes of a second plan; an error is printed as the command line does.
"""
from __future__ import absolute_import, print_function, unicode_literals

import json
import sys

from plugin_lib import published
from plugin_lib.effect import ovsdb as effect
from plugin_lib.errors import InfinibandError
from plugin_lib.host import ovsdb
from plugin_lib.host.state import Eipoib, Host, Interface, Port
from plugin_lib.pkey import PKey
from plugin_lib.planning import ovs

TIME_LIMIT = 5
MAC = '02:00:00:00:00:04'


def host(pkeys):
    """A machine with eth4 over port 1 of mlx4_0."""
    port = Port('mlx4_0', 1, '0000:03:00.0', 'ACTIVE', 'InfiniBand', 1, 1, '40 Gb/sec (4X QDR)',
                tuple(PKey.parse(text) for text in pkeys), None)
    eth4 = Interface('eth4', 4, MAC, 'ethernet', True, 'up', 1500, 'eth_ipoib', 'ib0')
    return Host({'eth4': eth4}, (port,), {'eth4': Eipoib('eth4', 'ib0', 'mlx4_0', 1, MAC, True, (), (), True)}, {}, ())


def lines(plan):
    """The lines that describe a plan's changes."""
    return [line for step in plan.steps for each in step.operations for line in each.describe().splitlines()]


def main(root, astute, *pkeys):
    """Plan, apply, plan again."""
    said, machine = published.read(astute), host(pkeys)
    plan = ovs.plan(said, machine, ovsdb.read(root, TIME_LIMIT))
    for step in plan.steps:
        for operation in step.operations:
            effect.apply(operation, root, TIME_LIMIT)
    again = ovs.plan(said, machine, ovsdb.read(root, TIME_LIMIT))
    print(json.dumps({'made': lines(plan), 'findings': plan.findings, 'again': lines(again)}))


if __name__ == '__main__':
    try:
        main(*sys.argv[1:])
    except InfinibandError as error:
        print('\n'.join(error.lines()), file=sys.stderr)
        sys.exit(error.exit_status)
