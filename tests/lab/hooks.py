# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Brings a built plugin package to the nodes and runs its tasks there, as Fuel 9 does."""
import graphlib
import os
import shutil
import subprocess
import time
from typing import NamedTuple

import yaml

from tests.lab import netconfig
from tests.lab.namespaces import TASK_ENVIRONMENT

NETCONFIG = 'netconfig'
_MASTER = '/var/www/nailgun/plugins'
_STANDINS = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'standins')


class Task(NamedTuple):
    """A task of the plugin.

    :param command: as the package declares it, for a shell in the task's folder
    :param timeout: seconds
    """

    name: str
    command: str
    timeout: int


class Result(NamedTuple):
    """How a task ended on one node: its exit status (124: the time was up), seconds, and all that it printed."""

    status: int
    seconds: float
    output: str


def tasks(plugin):
    """The hooks of a package's deployment_tasks.yaml in an order that its edges allow, NETCONFIG among them.

    Not the reboot: the lab's nodes have their virtual functions from the beginning.

    :param plugin: the plugin's folder on the master
    """
    with open(f'{plugin}/deployment_tasks.yaml', encoding='utf-8') as file:
        declared = {task['id']: task for task in yaml.safe_load(file)}
    graph = graphlib.TopologicalSorter()
    for name, task in declared.items():
        graph.add(name, *task.get('requires', ()))
        for later in task.get('required_for', ()):
            graph.add(later, name)
    known = {name: Task(name, task['parameters']['cmd'], task['parameters']['timeout'])
             for name, task in declared.items() if task['type'] == 'shell'}
    known[NETCONFIG] = NETCONFIG
    return [known[name] for name in graph.static_order() if name in known]


def install_plugin(node, plugin, astute):
    """Make a node what it is when Fuel starts the plugin's first task on it.

    :param plugin: the plugin's folder on the master; a file: source stands in for the master's web server
    :param astute: text of /etc/astute.yaml
    """
    name = os.path.basename(plugin)
    shutil.copytree(plugin, node.path(f'{_MASTER}/{name}'))
    shutil.copytree(f'{plugin}/deployment_scripts', node.path(f'/etc/fuel/plugins/{name}'))
    # Only the plugin's own source: the node has no way to this machine's.
    node.run('rm', '-rf', '/etc/apt/sources.list', '/etc/apt/sources.list.d')
    node.write(f'/etc/apt/sources.list.d/{name}.list', f'deb file:{_MASTER}/{name}/repositories/ubuntu /\n')
    # There is one user in the node's user namespace, so apt cannot change to another.
    node.write('/etc/apt/apt.conf.d/99lab', 'APT::Sandbox::User "root";\n')
    node.write('/etc/astute.yaml', astute, mode=0o600)
    with open(f'{_STANDINS}/systemctl', encoding='utf-8') as file:
        node.write('/usr/local/sbin/systemctl', file.read(), mode=0o755)
    os.makedirs(node.path('/run/systemd/system'))


def deploy(node, plugin, astute):
    """Make a node what it is when Fuel has deployed it.  RuntimeError when a task fails."""
    install_plugin(node, plugin, astute)
    for task in tasks(plugin):
        if task == NETCONFIG:
            netconfig.configure(node)
        else:
            result = run_everywhere([node], plugin, task, lambda: None)[node.name]
            if result.status:
                raise RuntimeError(f'{task.name}: exit {result.status}\n{result.output}')


def run_everywhere(nodes, plugin, task, tick):
    """Run a task on all nodes at once; {node name: Result}.

    :param plugin: the plugin's folder on the master
    :param tick: called without arguments ten times a second while tasks run
    """
    folder = f'/etc/fuel/plugins/{os.path.basename(plugin)}'
    running, results = {}, {}
    started = time.monotonic()
    for node in nodes:
        # A file, not a pipe: a daemon that the task started may hold it open for ever.
        with open(node.path('/run/task-output'), 'w', encoding='utf-8') as output:
            running[node.name] = node, subprocess.Popen(
                node.machine.inside('timeout', str(task.timeout), 'bash', '-c', f'cd {folder} && {task.command}'),
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=TASK_ENVIRONMENT)
    ticks = 0
    while running:
        for name, (node, process) in list(running.items()):
            status = process.poll()
            if status is not None:
                results[name] = Result(status, time.monotonic() - started, node.read('/run/task-output'))
                del running[name]
        time.sleep(0.005)
        ticks += 1
        if ticks % 20 == 0:
            tick()
    return results
