# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What test_ovs* run under each Python: plan and apply the stage ovs below a root folder, as the hook does.

    python -m tests.functional.ovs_node ROOT ASTUTE PKEY...

Database and interfaces are real; that eth4 and eth5 are EIPOIB interfaces, and the P_Keys under them, are made up
here.  Prints JSON: what was made, the findings, and what a second plan would make; an error is printed as the command
line does.
"""
from __future__ import absolute_import, print_function, unicode_literals

import json
import sys

from plugin_lib import published
from plugin_lib.effect import ovsdb as effect
from plugin_lib.effect.apply import apply
from plugin_lib.effect.executor import Executor
from plugin_lib.errors import InfinibandError
from plugin_lib.host import addresses, ovsdb
from plugin_lib.host.links import IFF_UP, Links
from plugin_lib.host.state import Eipoib, Host, Interface, Port
from plugin_lib.pkey import PKey
from plugin_lib.planning import ovs
from plugin_lib.planning.ovs_changes import OvsTransaction

TIME_LIMIT = 10
MAC = '02:00:00:00:00:04'


def host(pkeys):
    """The machine, with eth4, and eth5 where there is one, over port 1 of mlx4_0."""
    port = Port('mlx4_0', 1, '0000:03:00.0', 'ACTIVE', 'InfiniBand', 1, 1, '40 Gb/sec (4X QDR)',
                tuple(PKey.parse(text) for text in pkeys), tuple(range(len(pkeys))), None)
    nics = dict((name, Interface(name, link.ifindex, link.address, 'ethernet', bool(link.flags & IFF_UP), link.state,
                                 link.mtu, None, None, link.master, link.kind, link.parent, link.vlan))
                for name, link in Links().read().items())
    # Without one, a test looks at the database alone.
    nics.setdefault('eth4', Interface('eth4', 4, MAC, 'ethernet', True, 'up', 1500, 'eth_ipoib', 'ib0'))
    eipoibs = dict((name, Eipoib(name, 'ib0', 'mlx4_0', 1, MAC, True, (), (), True)) for name in ('eth4', 'eth5')
                   if name in nics)
    return Host(nics, (port,), eipoibs, {}, ())


def look(root, said, pkeys):
    """The Plan on what is there now."""
    machine = host(pkeys)
    return ovs.plan(said, machine, ovsdb.read(root, TIME_LIMIT), addresses.read(machine.interfaces))


def lines(plan):
    """The lines that describe a plan's changes."""
    return [line for step in plan.steps for each in step.operations for line in each.describe().splitlines()]


def main(root, astute, *pkeys):
    """Plan, apply, plan again."""
    said = published.read(astute)
    plan = look(root, said, pkeys)
    executor = Executor(more={OvsTransaction: lambda it: effect.apply(it, root, TIME_LIMIT)})
    for outcome in apply(plan.steps, executor):
        if outcome.error:
            raise outcome.error
    print(json.dumps({'made': lines(plan), 'findings': plan.findings, 'again': lines(look(root, said, pkeys))}))


if __name__ == '__main__':
    try:
        main(*sys.argv[1:])
    except InfinibandError as error:
        print('\n'.join(error.lines()), file=sys.stderr)
        sys.exit(error.exit_status)
