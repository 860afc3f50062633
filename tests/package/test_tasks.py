# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The task lists: the same hooks in both packages, and their place in Fuel's own task graph.

The graph tests lay the tasks of the 4.0.0 package over the core tasks of Fuel 8.0 and 9.2, on clusters of one and of
three controllers.
"""
import copy
import itertools
import os
from graphlib import CycleError

import pytest
import yaml

from tests.package.taskgraph import TaskGraph
from tools.packages import TOP

HOOKS = ['install', 'preflight', 'drivers', 'vlans', 'sriov', 'storage', 'ovs', 'verify', 'rdma', 'passthrough']
BEFORE_NETCONFIG = HOOKS[:6]
RELEASES = ['8.0', '9.2']

OTHERS = {'compute': {'compute'}, 'storage': {'cinder', 'ceph-osd'}, 'plugin': {'role-of-another-plugin'},
          'host': {'virt'}, 'plain': {'base-os'}}
ONE_CONTROLLER = dict(OTHERS, first={'primary-controller'})
THREE_CONTROLLERS = dict(ONE_CONTROLLER, second={'controller'}, third={'controller'})
CLUSTERS = {'one controller': ONE_CONTROLLER, 'three controllers': THREE_CONTROLLERS}


def load(path):
    return yaml.safe_load((TOP / path).read_text())


def hook(task):
    """The hook that a task runs."""
    command, name = task['parameters']['cmd'].split(' ./')
    assert command == 'sh'
    return name


LEGACY = load('tasks.yaml')
ALL_TASKS = load('fuel8/deployment_tasks.yaml')
TASKS = [task for task in ALL_TASKS if task['type'] == 'shell']
(REBOOT,) = [task for task in ALL_TASKS if task not in TASKS]


@pytest.fixture(scope='module', params=list(itertools.product(RELEASES, CLUSTERS)), ids=' '.join)
def graph(request, core_tasks):
    release, cluster = request.param
    return TaskGraph(core_tasks(release) + ALL_TASKS, CLUSTERS[cluster])


def test_both_packages_have_the_same_hooks_in_the_same_order_with_the_same_timeouts():
    def summary(tasks):
        return [(hook(task), task['type'], task['parameters']['timeout']) for task in tasks]

    assert summary(LEGACY) == summary(TASKS)
    assert [hook(task) for task in TASKS] == HOOKS


def test_each_hook_is_an_executable_and_nothing_else_is():
    folder = TOP / 'deployment_scripts'
    assert sorted(path.name for path in folder.iterdir() if path.suffix != '.sha256') == sorted(HOOKS)
    assert all(os.access(folder / name, os.X_OK) for name in HOOKS)


def test_legacy_hooks_run_in_order_around_netconfig():
    stages = [task['stage'].split('/') for task in LEGACY]
    assert [name for name, number in stages] == ['pre_deployment'] * 6 + ['post_deployment'] * 4
    assert [int(number) for name, number in stages] == sorted({int(number) for name, number in stages})


@pytest.mark.parametrize('release', ['6.1', '7.0'])
def test_legacy_hooks_run_where_netconfig_does(core_tasks, release):
    (netconfig,) = [task for task in core_tasks(release) if task['id'] == 'netconfig']
    for task in LEGACY:
        assert set(netconfig['groups']) <= set(task['role'])


def test_every_deployment_task_is_one_that_every_release_schedules():
    assert {task['version'] for task in ALL_TASKS} == {'2.1.0'}  # 9.1 and 9.2 refuse less than 2.0.0
    assert not any('condition' in task for task in TASKS)
    assert load('fuel8/tasks.yaml') == []  # 9.1 and 9.2 refuse any task there


@pytest.mark.parametrize('release', RELEASES)
def test_hooks_run_again_whenever_netconfig_does(core_tasks, release):
    (netconfig,) = [task for task in core_tasks(release) if task['id'] == 'netconfig']
    assert all(task['reexecute_on'] == netconfig['reexecute_on'] for task in TASKS)


@pytest.mark.parametrize('release', RELEASES)
def test_every_id_named_exists(core_tasks, release):
    known = {task['id'] for task in core_tasks(release) + ALL_TASKS}
    named = {name for task in ALL_TASKS for name in task['requires'] + task['required_for']}
    assert named <= known  # Fuel drops an unknown one without a word
    assert not {task['id'] for task in ALL_TASKS} & {task['id'] for task in core_tasks(release)}


def test_the_graph_has_no_cycle(graph):
    graph.order()


def test_every_node_that_configures_networks_runs_every_hook(graph):
    for task in TASKS:
        assert graph.nodes_of(task['id']) == graph.nodes_of('infiniband-install')
    assert graph.nodes_of('infiniband-install') >= graph.nodes_of('netconfig') - {'plain'}
    assert 'plain' not in graph.nodes_of('infiniband-install')


def test_each_hook_waits_for_the_one_before(graph):
    ids = [task['id'] for task in TASKS]
    for node in graph.nodes_of('netconfig') - {'plain'}:
        for earlier, later in zip(ids, ids[1:]):
            assert graph.waits_for((node, later), (node, earlier))


def test_hooks_before_netconfig_really_are_before_it_and_have_repositories_and_data(graph):
    for node in graph.nodes_of('netconfig') - {'plain'}:
        for name in BEFORE_NETCONFIG:
            assert graph.waits_for((node, 'netconfig'), (node, f'infiniband-{name}'))
            assert graph.waits_for((node, f'infiniband-{name}'), (node, 'setup_repositories'))
            assert graph.waits_for((node, f'infiniband-{name}'), (node, 'globals'))


def test_networks_are_complete_before_what_needs_them(graph):
    for node in graph.nodes_of('netconfig') - {'plain'}:
        for name in ('ovs', 'verify'):
            assert graph.waits_for((node, f'infiniband-{name}'), (node, 'netconfig'))
            for later in ('connectivity_tests', 'firewall', 'hosts'):
                if node in graph.nodes_of(later) & graph.nodes_of('connectivity_tests'):
                    assert graph.waits_for((node, later), (node, f'infiniband-{name}'))


def test_services_are_configured_after_they_were_deployed(graph):
    for node, services in (('compute', 'top-role-compute'), ('storage', 'top-role-cinder')):
        assert node in graph.nodes_of(services)
        assert graph.waits_for((node, 'infiniband-rdma'), (node, services))
        assert graph.waits_for((node, 'infiniband-passthrough'), (node, services))
    for services in ('openstack-network-server-config', 'openstack-controller', 'primary-openstack-controller'):
        if 'first' in graph.nodes_of(services):
            assert graph.waits_for(('first', 'infiniband-passthrough'), ('first', services))


def test_only_new_compute_nodes_with_virtual_functions_are_rebooted_before_they_have_networks(graph):
    assert graph.nodes_of(REBOOT['id']) == {'compute'}
    assert graph.waits_for(('compute', REBOOT['id']), ('compute', 'infiniband-sriov'))
    assert graph.waits_for(('compute', 'netconfig'), ('compute', REBOOT['id']))
    assert graph.waits_for(('compute', 'infiniband-storage'), ('compute', REBOOT['id']))  # it would take its interface
    assert 'reexecute_on' not in REBOOT
    # 8.0 answers 500 to a mapping; text is an expression like the restrictions of the settings, in 9.x too.
    assert REBOOT['condition'] == 'settings:infiniband.sriov.value == true'


def test_virtual_machines_that_are_nodes_start_on_complete_networks(graph):
    assert graph.nodes_of('generate_vms') == {'host'}
    for name in ('ovs', 'verify'):
        assert graph.waits_for(('host', 'generate_vms'), ('host', f'infiniband-{name}'))


@pytest.mark.parametrize('release', RELEASES)
def test_the_model_knows_the_cycle_of_a_task_without_version(core_tasks, release):
    """Seen on real masters: with two or more controllers such a task in front of netconfig closes a cycle."""
    old = copy.deepcopy(ALL_TASKS)
    for task in old:
        del task['version']
    TaskGraph(core_tasks(release) + old, ONE_CONTROLLER).order()
    with pytest.raises(CycleError):
        TaskGraph(core_tasks(release) + old, THREE_CONTROLLERS).order()
