# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The hooks under real ``puppet apply``, in exec resources shaped like those that Fuel 9 makes of shell tasks.

On a node of the lab: the whole list of the 4.0.0 package from start to end, and a hook that fails.
"""
import shutil

import pytest

from tests.lab import astute, hooks, lab, netconfig, requirements

TASKS = '/etc/puppet/shell_manifests'
# puppet apply --detailed-exitcodes
CHANGED, FAILED = 2, 4

MANIFEST = """
notice('MODULAR: {name}')

exec {{ '{name}_shell':
  path      => '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  command   => '/bin/bash "{tasks}/{name}.sh"',
  logoutput => true,
  timeout   => {timeout},
}}
"""


@pytest.fixture
def plugin(built):
    missing = requirements.missing()
    if not shutil.which('puppet'):
        missing.append('program puppet (package puppet-agent or puppet)')
    if missing:
        pytest.skip(f'the lab and puppet need: {"; ".join(missing)}')
    return built['fuel8']


def apply(node, plugin, task):
    """Run a task as Fuel 9 does; returns what puppet exited with and what it logged."""
    node.write(f'{TASKS}/{task.name}.sh',
               f'#!/bin/bash\ncd /etc/fuel/plugins/{plugin.name} && {task.command}\n', mode=0o755)
    node.write(f'{TASKS}/{task.name}.pp',
               MANIFEST.format(name=task.name, tasks=TASKS, timeout=task.timeout))
    done = node.run('puppet', 'apply', '--detailed-exitcodes', '--color=false', f'{TASKS}/{task.name}.pp', check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_whole_list_then_a_failure(plugin):
    def deploy(made):
        node = made.add_node(astute.PKEYS)
        hooks.install_plugin(node, plugin, astute.render(astute.MEMBERS[0]))
        names = []
        for task in hooks.tasks(plugin):
            if task == hooks.NETCONFIG:
                netconfig.configure(node)
                continue
            status, log = apply(node, plugin, task)
            print(log)
            assert status == CHANGED, task  # an exec that ran and succeeded is a change
            names.append(task.name)
        assert names == [f'infiniband-{name}' for name in (
            'install', 'preflight', 'drivers', 'vlans', 'sriov', 'storage', 'ovs', 'verify', 'rdma', 'passthrough')]

        node.write('/etc/astute.yaml', 'network_scheme: [\n')
        preflight = hooks.tasks(plugin)[1]
        status, log = apply(node, plugin, preflight)
        print(log)
        assert status & FAILED
        assert '/etc/astute.yaml' in log  # the message of the hook reaches Fuel's log
        assert 'Traceback' not in log

    assert lab.run(deploy) == 0, 'what failed stands above'
