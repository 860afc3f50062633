# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``./dev demo``: two virtual InfiniBand nodes, deployed end to end from the built package.

Exit status 0 only if everything that is shown held.
"""
import os
import signal
import sys
import time

from plugin_lib.pkey import KEY_MASK
from tests.lab import astute, hooks, lab, level0, netconfig, neutron, opensm, ports, requirements, snapshot, vifs
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

    def deploy(made):
        try:
            return Demo(screen, made, rpms['fuel8']).run()
        except RuntimeError as error:
            screen.text(f'\nerror: {error}')
            return 1
        except BrokenPipeError:  # whoever reads this has seen enough
            return 1

    status = lab.run(deploy)
    if status > 128:
        screen.text('\nStopped. The nodes and everything in them are gone.')
    return status


class Demo:
    """The deployment of the nodes of a Lab from a package, on a Screen."""

    def __init__(self, screen, made, rpm):
        self._screen = screen
        self._plugin = packages.unpack(rpm, f'{made.folder}/master')
        self._tasks = hooks.tasks(self._plugin)
        self._nodes = made.nodes
        lacking = requirements.missing_for_opensm()
        for member in astute.MEMBERS:
            screen.busy(member.name)
            node = made.add_node(astute.PKEYS if lacking else astute.PKEYS[:1])
            hooks.install_plugin(node, self._plugin, astute.render(member))
            screen.step(node.name, True, ', '.join(member.roles))
        if lacking:
            screen.step('no subnet manager', True, f'{lacking[0]} is not here: the ports hold what OpenSM would give')
        else:
            self._manage_subnet(f'{made.folder}/subnet')

    def run(self):
        """Show everything; returns the exit status."""
        screen = self._screen
        self._ping_without_vifs()
        screen.title('The plugin\'s tasks, in the order and with the commands of its deployment_tasks.yaml')
        screen.text('Stand-ins: netconfig for l23network, systemctl for systemd, a folder for the repository.')
        if not all(self._run(task) for task in self._tasks):
            return 1
        screen.title('The same tasks again: nothing changes')
        for task in self._tasks:
            if task != hooks.NETCONFIG:
                self._run_again(task)
        self._show_nodes()
        screen.title('Pings from node-1 to node-2')
        self._ping_networks()
        self._ping_routers()
        screen.text('\nEverything held.' if screen.held else '\nNot everything held: see the lines with FAILED.')
        return 0 if screen.held else 1

    def _manage_subnet(self, folder):
        """Have a real OpenSM give the ports their P_Keys."""
        self._screen.busy('OpenSM')
        vlans = [pkey & KEY_MASK for pkey in astute.PKEYS[1:]]
        fabric = opensm.ManagedFabric(folder, self._nodes, opensm.partitions(dict.fromkeys(vlans, opensm.EVERY_HCA)))
        wanted = 'ACTIVE', set(astute.PKEYS)
        deadline = time.monotonic() + 30
        while not (held := all(opensm.port(node) == wanted for node in self._nodes)) and time.monotonic() < deadline:
            self._screen.busy('OpenSM')
            time.sleep(0.05)
        self._screen.step(fabric.manager.version(), held,
                          f'on a simulated subnet: its partitions.conf gives every HCA port {len(astute.PKEYS)} P_Keys')

    def _run(self, task):
        """Run one task on every node; whether it succeeded."""
        if task == hooks.NETCONFIG:
            self._screen.busy(task)
            for node in self._nodes:
                netconfig.configure(node)
            self._screen.step(task, True, 'stand-in for l23network: bridges and addresses')
            return True
        results = hooks.run_everywhere(self._nodes, self._plugin, task, lambda: self._screen.busy(task.name))
        held = all(result.status == 0 for result in results.values())
        self._screen.step(task.name, held, '  '.join(f'{name} {result.seconds:.2f} s'
                                                     for name, result in sorted(results.items())))
        for name, result in sorted(results.items()):
            if result.status:
                self._screen.text(f'{name}: exit status {result.status}\n{result.output}')
        return held

    def _run_again(self, task):
        before = [snapshot.take(node) for node in self._nodes]
        self._run(task)
        for node, then in zip(self._nodes, before):
            for line in snapshot.difference(then, snapshot.take(node)):
                self._screen.step(f'{task.name} {node.name}', False, line)

    def _show_nodes(self):
        for node in self._nodes:
            self._screen.title(f'{node.name}: fuel-infiniband roles, fuel-infiniband status')
            for command in ('roles', 'status'):
                shown = node.run('fuel-infiniband', command, check=False)
                self._screen.text(shown.stdout + shown.stderr)
                self._screen.held = self._screen.held and shown.returncode == 0

    def _ping_without_vifs(self):
        """The cable is there and the port holds the P_Key, but nothing serves the VLAN: eipoibd is what is missing."""
        for node in self._nodes:
            node.run('ip', 'link', 'set', EIPOIB, 'up')
            node.run('ovs-vsctl', 'add-br', 'br-probe', '--', 'set', 'bridge', 'br-probe', 'datapath_type=netdev',
                     '--', 'add-port', 'br-probe', EIPOIB)
            ports.add(node, 'br-probe', [astute.MANAGEMENT_VLAN], ports.own_mac(node))
        vlan = astute.MANAGEMENT_VLAN
        self._ping('before', f'VLAN {vlan}', ports.address(self._nodes[1], vlan), passes=False)
        for node in self._nodes:
            node.run('ovs-vsctl', 'del-br', 'br-probe')
            node.run('ip', 'link', 'set', EIPOIB, 'down')

    def _ping_networks(self):
        for node in self._nodes:
            ports.add(node, 'br-prv', [ABSENT_VLAN])
        peer = astute.MEMBERS[1]
        self._ping('management', f'VLAN {astute.MANAGEMENT_VLAN}', peer.management_address, passes=True)
        self._ping('storage', f'VLAN {astute.STORAGE_VLAN}', peer.storage_address, passes=True)
        self._ping('without a P_Key', f'VLAN {ABSENT_VLAN}', ports.address(self._nodes[1], ABSENT_VLAN), passes=False)

    def _ping_routers(self):
        """A router's MAC is no node's: eipoibd finds it in the database of Open vSwitch, and makes it a vif."""
        node, peer = self._nodes
        for each in self._nodes:
            neutron.bridge_physical_network(each, 'br-prv')
        # Each node counts its networks for itself.
        router, _ = [neutron.add_router(each, 'br-prv', TENANT_VLAN, tag) for tag, each in enumerate(self._nodes, 1)]
        network = f'VLAN {TENANT_VLAN}', ports.address(peer, TENANT_VLAN)
        self._ping('router', *network, passes=True, inside=router.inside)
        node.run('systemctl', 'stop', 'eipoibd')
        for child, mac, vlan in vifs.shown(node):
            if (mac, vlan) == (router.mac, str(TENANT_VLAN)):
                vifs.release(node, child)
        self._ping('without its vif', *network, passes=False, inside=router.inside)
        node.run('systemctl', 'start', 'eipoibd')
        self._ping('with eipoibd again', *network, passes=True, inside=router.inside)

    def _ping(self, name, what, address, passes, inside=()):
        self._screen.busy(name)
        deadline = time.monotonic() + 20
        while (answered := ports.answers(self._nodes[0], address, 5 if passes else 1, inside)) != passes:
            if time.monotonic() > deadline:
                break
        self._screen.step(name, answered == passes, f'{what}: {"an answer" if answered else "no answer"} from {address}'
                          f'{", as it must be" if answered == passes else ""}')


if __name__ == '__main__':
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except packages.BuildError as error:
        sys.exit(f'error: {error}')
