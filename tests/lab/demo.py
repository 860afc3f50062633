# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``./dev demo``: two virtual InfiniBand nodes, deployed end to end from the built package.

Exit status 0 only if everything that is shown held.
"""
import os
import sys
import time

from tests.lab import astute, hooks, lab, level0, netconfig, requirements, snapshot
from tests.lab.emulator import EIPOIB
from tools import packages

# In the range of no tenant, and no port of the fabric holds its P_Key.
ABSENT_VLAN = 1003
TENANT_VLAN = astute.PRIVATE_VLANS[0] + 1


class Screen:
    """What the demo prints, and whether everything held so far."""

    def __init__(self):
        self.held = True
        self._started = time.monotonic()
        self._animated = sys.stdout.isatty()

    def title(self, text):
        print(f'\n{text}\n{"-" * len(text)}', flush=True)

    def text(self, text):
        print(text.rstrip('\n'), flush=True)

    def step(self, name, held, text):
        """A line about something that is done: seconds since the start, name, ok or FAILED, and text."""
        self.held = self.held and held
        clear = '\r\033[K' if self._animated else ''
        print(f'{clear}{time.monotonic() - self._started:6.1f} s  {"ok    " if held else "FAILED"}  {name:<24} {text}',
              flush=True)

    def busy(self, name):
        """Show that something is under way, on a terminal."""
        if self._animated:
            print(f'\r\033[K{time.monotonic() - self._started:6.1f} s  ...     {name}', end='', flush=True)


def main():
    screen = Screen()
    screen.text('Two virtual nodes with emulated InfiniBand ports, deployed from the built package.')
    missing = requirements.missing()
    if missing:
        screen.text('\nThis machine lacks what level 1 of the lab needs:')
        for line in missing:
            screen.text(f'  {line}')
        screen.text('\nSo this is level 0: the product\'s pass over a kernel model in memory.')
        level0.show(screen)
        screen.text('\nNothing of the deployment was shown: exit status 1.')
        return 1
    rpms = {}
    for flavour in packages.FLAVOURS:
        screen.busy(f'package {flavour}')
        rpms[flavour] = packages.build(flavour)
        screen.step(f'package {flavour}', True, os.path.relpath(rpms[flavour], packages.TOP))
    return lab.run(lambda made: deploy(screen, made, rpms['fuel8']))


def deploy(screen, made, rpm):
    """Deploy the nodes of a Lab from a package; returns the exit status."""
    plugin = packages.unpack(rpm, f'{made.folder}/master')
    for member in astute.MEMBERS:
        screen.busy(member.name)
        node = made.add_node(astute.PKEYS)
        hooks.install_plugin(node, plugin, astute.render(member))
        screen.step(node.name, True, f'{", ".join(member.roles)}; HCA port with {len(astute.PKEYS)} P_Keys')
    nodes = made.nodes

    for node in nodes:
        _plug(node, 'br-probe', astute.MANAGEMENT_VLAN, 'bridge')
    _ping(screen, nodes, 'no vifs yet', _tagged_address(astute.MANAGEMENT_VLAN, 2), passes=False)
    for node in nodes:
        node.run('ovs-vsctl', 'del-br', 'br-probe')
        node.run('ip', 'link', 'set', EIPOIB, 'down')

    screen.title('The plugin\'s tasks, in the order and with the commands of its deployment_tasks.yaml')
    tasks = hooks.tasks(plugin)
    for task in tasks:
        if task == hooks.NETCONFIG:
            screen.busy(task)
            for node in nodes:
                netconfig.configure(node)
            screen.step(task, True, 'stand-in for l23network: bridges, addresses')
        elif not _run(screen, nodes, plugin, task):
            return 1

    screen.title('The same tasks again: nothing changes')
    for task in tasks:
        if task != hooks.NETCONFIG:
            before = [snapshot.take(node) for node in nodes]
            _run(screen, nodes, plugin, task)
            for node, then in zip(nodes, before):
                for line in snapshot.difference(then, snapshot.take(node)):
                    screen.step(f'{task.name} {node.name}', False, line)

    for node in nodes:
        screen.title(f'{node.name}: fuel-infiniband roles, fuel-infiniband status')
        for command in ('roles', 'status'):
            shown = node.run('fuel-infiniband', command, check=False)
            screen.text(shown.stdout + shown.stderr)
            screen.held = screen.held and shown.returncode == 0

    screen.title('Pings from node-1 to node-2')
    for node in nodes:
        for vlan in (TENANT_VLAN, ABSENT_VLAN):
            _plug(node, 'br-prv', vlan)
    peer = astute.MEMBERS[1]
    _ping(screen, nodes, f'management, VLAN {astute.MANAGEMENT_VLAN}', peer.management_address, passes=True)
    _ping(screen, nodes, f'storage, VLAN {astute.STORAGE_VLAN}', peer.storage_address, passes=True)
    _ping(screen, nodes, f'private, VLAN {TENANT_VLAN}', _tagged_address(TENANT_VLAN, 2), passes=True)
    _ping(screen, nodes, f'no P_Key, VLAN {ABSENT_VLAN}', _tagged_address(ABSENT_VLAN, 2), passes=False)

    screen.text('\nEverything held.' if screen.held else '\nNot everything held: see the lines with FAILED.')
    return 0 if screen.held else 1


def _run(screen, nodes, plugin, task):
    """Run one task on every node, print a line or what it printed where it failed; whether it succeeded."""
    results = hooks.run_everywhere(nodes, plugin, task, lambda: screen.busy(task.name))
    held = all(result.status == 0 for result in results.values())
    screen.step(task.name, held, '  '.join(f'{name} {result.seconds:.2f} s' for name, result in sorted(results.items())))
    for name, result in sorted(results.items()):
        if result.status:
            screen.text(f'{name}: exit status {result.status}\n{result.output}')
    return held


def _tagged_address(vlan, uid):
    return f'10.{vlan >> 8}.{vlan & 255}.{uid}'


def _plug(node, bridge, vlan, create=None):
    """Give a bridge of a node a port with an address in a VLAN, as Neutron gives one to a router."""
    port = f'test{vlan}'
    if create:
        node.run('ip', 'link', 'set', EIPOIB, 'up')
        node.run('ovs-vsctl', 'add-br', bridge, '--', 'set', 'bridge', bridge, 'datapath_type=netdev',
                 '--', 'add-port', bridge, EIPOIB)
    node.run('ovs-vsctl', 'add-port', bridge, port, f'tag={vlan}', '--', 'set', 'interface', port, 'type=internal')
    uid = int(node.name.rpartition('-')[2])
    node.run('ip', 'address', 'add', f'{_tagged_address(vlan, uid)}/24', 'dev', port)
    node.run('ip', 'link', 'set', port, 'up')


def _ping(screen, nodes, name, address, passes):
    attempts = ('-c', '5', '-i', '0.2', '-W', '1') if passes else ('-c', '3', '-i', '0.2', '-W', '0.5')
    answered = nodes[0].run('ping', *attempts, address, check=False).returncode == 0
    screen.step(name, answered == passes, f'ping {address}: {"an answer" if answered else "no answer"}, as it should be'
                if answered == passes else f'ping {address}: {"an answer" if answered else "no answer"}')


if __name__ == '__main__':
    try:
        sys.exit(main())
    except (RuntimeError, packages.BuildError) as error:
        sys.exit(f'error: {error}')
