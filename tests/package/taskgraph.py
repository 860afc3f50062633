# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""A small model of how Fuel 8.0 to 9.2 orders deployment tasks: who waits for whom, node by node.

A vertex is (node, task id); a stage such as deploy_start is one vertex for the whole cluster, of node ``None``.
``requires`` and ``required_for`` join tasks of the same node, ``cross-depends`` and ``cross-depended-by`` tasks of
the nodes that the relation's role names.  An id that names no task of a node is dropped, as Fuel does.
"""
import re
from graphlib import TopologicalSorter

CONTROLLERS = ('primary-controller', 'controller')

# The relations that core tasks of 9.2 compute with YAQL, for the roles that are modelled here (all but mongo): role
# set -> relations.
_YAQL = {
    ('cluster', 'cross-depends'): lambda roles: [{'name': 'primary-cluster'}],
    ('hiera_default_route', 'cross-depends'): lambda roles: [{'name': 'tools', 'role': 'self'}],
    ('hiera_default_route', 'cross-depended-by'): lambda roles: [{'name': 'netconfig', 'role': 'self'}],
    ('netconfig', 'cross-depends'): lambda roles: (
        [] if roles & set(CONTROLLERS) else [{'name': 'virtual_ips', 'role': list(CONTROLLERS)}]),
}


def matches(pattern, name):
    """Whether a role or task name of a relation, ``controller``, ``/regex/`` or ``*``, means ``name``."""
    if len(pattern) > 1 and pattern.startswith('/') and pattern.endswith('/'):
        return re.match(f'^{pattern[1:-1]}$', name) is not None
    return pattern in ('*', name)


class TaskGraph:
    """The tasks of a cluster.

    :param tasks: list of dicts as in deployment_tasks.yaml
    :param nodes: {node name: set of roles}
    """

    def __init__(self, tasks, nodes):
        self._nodes = nodes
        self._groups = {task['id']: task for task in tasks if task['type'] == 'group'}
        self._tasks = [task for task in tasks if task['type'] != 'group']
        self._stages = {task['id'] for task in self._tasks if task['type'] == 'stage'}
        self._before = {(node, task['id']): set() for task in self._tasks for node in self._homes(task)}
        for task in self._tasks:
            for node in self._homes(task):
                self._connect(task, node)

    def order(self):
        """The vertices in an order that Fuel could run them in.

        :raises graphlib.CycleError: when there is none
        """
        return list(TopologicalSorter(self._before).static_order())

    def nodes_of(self, task_id):
        """Names of the nodes that run a task."""
        return {node for node, name in self._before if name == task_id}

    def waits_for(self, later, earlier):
        """Whether vertex ``later`` cannot start before ``earlier`` is done."""
        seen, waiting = set(), [later]
        while waiting:
            for vertex in self._before[waiting.pop()] - seen:
                seen.add(vertex)
                waiting.append(vertex)
        return earlier in seen

    def _homes(self, task):
        """The nodes that run a task.

        What tells the nodes of some core tasks of 9.2 is no part of the data: they are put on every node, which can
        only add edges.
        """
        if task['type'] == 'stage':
            return [None]
        patterns = task.get('roles') or task.get('groups') or task.get('role') or ['*']
        patterns = [patterns] if isinstance(patterns, str) else patterns
        if patterns == ['master']:
            return ['master']
        return [node for node, roles in self._nodes.items()
                if any(matches(pattern, role) for pattern in patterns for role in roles)]

    def _connect(self, task, node):
        vertex = (node, task['id'])
        for name in task.get('requires', ()):
            self._wait(vertex, self._place(node, name))
        for name in task.get('required_for', ()):
            self._wait(self._place(node, name), vertex)
        for relation in self._relations(task, node, 'cross-depends'):
            for other in self._targets(relation, node):
                self._wait(vertex, other)
        for relation in self._relations(task, node, 'cross-depended-by'):
            for other in self._targets(relation, node):
                self._wait(other, vertex)
        if node and task['type'] != 'stage' and 'version' not in task:
            self._wait_for_earlier_groups(vertex)

    def _wait_for_earlier_groups(self, vertex):
        """A task without version belongs to the old order: whole groups of nodes one after the other."""
        for role in self._nodes.get(vertex[0], ()):
            for earlier in self._groups.get(role, {}).get('requires', ()):
                for other in self._before:
                    if other[0] != vertex[0] and earlier in self._nodes.get(other[0], ()):
                        self._wait(vertex, other)

    def _relations(self, task, node, key):
        relations = task.get(key, ())
        if isinstance(relations, dict):
            return _YAQL[task['id'], key](self._nodes[node])
        return relations

    def _targets(self, relation, node):
        role = relation.get('role', ['*'])
        patterns = [role] if isinstance(role, str) else role
        for other, name in list(self._before):
            if other is not None and matches(relation['name'], name) and (
                    other == node if role == 'self' else
                    any(matches(pattern, one) for pattern in patterns for one in self._nodes.get(other, {'master'}))):
                yield other, name

    def _place(self, node, name):
        return (None, name) if name in self._stages else (node, name)

    def _wait(self, later, earlier):
        if later in self._before and earlier in self._before and later != earlier:
            self._before[later].add(earlier)
