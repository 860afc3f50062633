# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The stages of configuring a node: the one place where reading, planning and applying meet.

A stage is planned on what the machine has when its turn comes: drivers bring
interfaces, interfaces bring P_Keys, P_Keys bring VLANs.
"""
from __future__ import absolute_import, print_function, unicode_literals

import importlib
import os

from plugin_lib import modes, published
from plugin_lib.errors import ApplyError, InfinibandError
from plugin_lib.paths import RUN_FOLDER
from plugin_lib.planning.operations import Plan
from plugin_lib.published import settings

ORDER = ('packages', 'drivers', 'vlans', 'service', 'sriov', 'vfs', 'storage', 'ovs', 'rdma', 'passthrough')
# Stages whose turn comes after verify, when the services of OpenStack are there.
AFTER_SERVICES = ('rdma', 'passthrough')

NOTHING = Plan((), ())


class Node(object):
    """A machine to configure: what Fuel publishes for it, and where to read the rest when it is needed.

    :param root: ``/``, or a captured tree
    :param astute: the file of published data
    :raises InputError: when that file cannot be used
    """

    def __init__(self, root, astute):
        # type: (str, str) -> None
        self.root = root
        self.published = published.read(astute)
        self.has_infiniband = any(nic.mode == modes.INFINIBAND for nic in self.published.interfaces.values())
        self._source = None
        self.planned = {}  # {stage: its Plan when it was last applied}

    @property
    def settings(self):
        """The plugin's settings.

        :raises InputError: when one of them cannot be used
        """
        return settings.read(self.published.settings)

    @property
    def source(self):
        """The host.source that answers for the machine."""
        if self._source is None:
            from plugin_lib.host import source
            self._source = source.open_root(self.root)
        return self._source

    def modules(self):
        """The state.Modules as they are now."""
        if self.root != '/':
            return self.source.modules()
        from plugin_lib.host import modules  # the whole source would be ten more imports
        return modules.read()

    def host(self):
        """The state.Host as it is now."""
        from plugin_lib.host import machine
        return machine.read(self.source)


def plan(node, stage):
    # type: (Node, str) -> Plan
    """What a stage has to do on the node as it is now.

    :raises InfinibandError: when the machine lacks what the stage needs
    """
    if not _concerns(node, stage):
        return NOTHING
    if stage in _SWITCHED:
        return getattr(importlib.import_module('plugin_lib.' + _SWITCHED[stage]), stage)(node)
    return _PLANS[stage](node)


def apply(node, stage, report):
    # type: (Node, str, object) -> tuple
    """Do what a stage has to do; a step that fails is undone, and the stage ends with its error.

    :param report: called with each effect.apply.Outcome
    :returns: the outcomes; none where nothing had to be done
    :raises InfinibandError: the first error, after what could be done was done
    """
    if not _concerns(node, stage):
        return ()
    if os.geteuid() != 0:
        raise ApplyError('cannot configure the node', 'stage {0}'.format(stage), 'only root may change its network',
                         'run it as root')
    outcomes = _APPLIES.get(stage, _apply_steps)(node, stage)
    for outcome in outcomes:
        report(outcome)
    for outcome in outcomes:
        if outcome.error:
            raise outcome.error
    return outcomes


def preflight(node):
    # type: (Node) -> list
    """Findings about what the deployment needs and what is there before it; everything in one go."""
    from plugin_lib.planning import checks
    refused = settings.problems(node.published.settings)
    found = [checks.of_error(error) for error in refused] + checks.published(node.published)
    if node.has_infiniband:
        chosen = settings.read(None) if refused else node.settings
        host = node.host()
        offered = _packages(node).offered if chosen.driver_source == 'repository' else ()
        found += checks.machine(node.published, host, node.modules(), chosen, offered)
        found += checks.keys(node.published, host, chosen.sm_check)
        found += _ports(node, host, chosen) + _uncarried(node)
    if not refused:
        from plugin_lib import guests, storage
        found += [checks.of_error(error) for error in storage.problems(node) + guests.problems(node)]
    return found


def fabric(node):
    # type: (Node) -> list
    """Findings about the interfaces and P_Keys that must be there once the drivers are loaded."""
    from plugin_lib.planning import checks
    host = node.host()
    return checks.interfaces(node.published, host) + checks.keys(node.published, host, node.settings.sm_check)


def check(node, order=ORDER):
    # type: (Node, tuple) -> list
    """Findings about a node that is deployed: preflight's, and what is not as planned of the stages in ``order``."""
    from plugin_lib.planning import checks
    found = preflight(node)
    for stage in order:
        try:
            part = plan(node, stage)
        except InfinibandError as error:
            found += [checks.of_error(each) for each in getattr(error, 'errors', (error,))]
        else:
            found += checks.remaining(part.steps) + checks.left_alone(stage, part.findings)
    if node.has_infiniband:
        found += _service(node)
    return sorted(set(found), key=found.index)


def _ports(node, host, chosen):
    from plugin_lib.host import memory
    from plugin_lib.planning import port_checks
    found = port_checks.fabric(node.published, host, chosen.sm_check, _managers(node, host, chosen))
    found += port_checks.mtu(node.published, host)
    return found + port_checks.memory(node.published, host, memory.read(node.source.tree), chosen.queue_size)


def _managers(node, host, chosen):
    """{EIPOIB interface: the manager.Manager of its port}; a captured tree cannot be asked."""
    if node.root != '/' or chosen.sm_check == 'off':
        return {}
    from plugin_lib.host import manager
    return dict((name, manager.ask(host.port_of(eipoib))) for name, eipoib in host.eipoibs.items()
                if host.port_of(eipoib) and host.port_of(eipoib).state == 'ACTIVE')


def _service(node):
    from plugin_lib.daemon import status
    from plugin_lib.planning import checks, port_checks
    try:
        return port_checks.service(status.read(os.path.join(node.root, RUN_FOLDER.lstrip('/'))))
    except InfinibandError as error:
        return [checks.of_error(error)]


def _uncarried(node):
    from plugin_lib.host import files
    from plugin_lib.planning import checks, uncarried
    try:
        agent = dict((path, files.read(node.root, path)) for path in uncarried.AGENT_FILES)
        more = uncarried.dnsmasq_file(agent)
        replies = uncarried.dhcp(node.published, agent, files.read(node.root, more) if more else None)
    except InfinibandError as error:
        replies = [checks.of_error(error)]
    return uncarried.ipv6(node.published) + replies


def _concerns(node, stage):
    return node.has_infiniband or stage in ('storage', 'rdma')  # storage uses RDMA over Ethernet too


def _apply_vlans(_, __):
    # The same pass as eipoibd's: it keeps the ledger of what is ours, and waits for a pass of the service.
    from plugin_lib.daemon import config
    from plugin_lib.daemon import main as eipoibd
    return eipoibd.one_pass(config.of_machine('/')).outcomes


def _apply_storage(node, stage):
    from plugin_lib.daemon import locks
    with locks.held(RUN_FOLDER, locks.PASS, locks.PASS_TIMEOUT):  # eipoibd looks at the same interfaces
        return _apply_steps(node, stage)


def _apply_steps(node, stage):
    node.planned[stage] = plan(node, stage)
    steps = node.planned[stage].steps
    if not steps:
        return ()
    from plugin_lib.effect import ovsdb, packages, sriov
    from plugin_lib.effect.apply import apply as apply_steps
    from plugin_lib.effect.executor import Executor
    from plugin_lib.planning.operations import Binding, InstallPackages, WriteAttribute
    from plugin_lib.planning.ovs_changes import OvsTransaction
    _refuse_unwritable(steps)
    return apply_steps(steps, Executor(more={OvsTransaction: ovsdb.apply, InstallPackages: packages.install,
                                             WriteAttribute: sriov.write, Binding: sriov.bind}))


def _refuse_unwritable(steps):
    """Raise InputErrors about every file that the steps would change and cannot."""
    from plugin_lib.errors import InputErrors
    from plugin_lib.host.files import unwritable
    from plugin_lib.planning.operations import RemoveFile, WriteFile
    refused = unwritable('/', set(operation.path for step in steps for operation in step.operations
                                  if isinstance(operation, (RemoveFile, WriteFile))))
    if refused:
        raise InputErrors(refused)


_APPLIES = {'vlans': _apply_vlans, 'storage': _apply_storage}


def _packages(node):
    from plugin_lib.host import packages
    return packages.read(node.root)


def _plan_packages(node):
    from plugin_lib.planning import packages
    if node.settings.driver_source != 'repository':
        return NOTHING
    return Plan(packages.plan(_packages(node), node.modules().release), ())


def _plan_drivers(node):
    from plugin_lib.host import files
    from plugin_lib.planning import drivers
    if _plan_packages(node).steps:  # which modules there are can be told when these are installed
        return Plan((), ('the modules are planned when the driver packages are installed',))
    return Plan(drivers.plan(node.published, node.settings, node.modules(),
                             files.read(node.root, drivers.MODPROBE_FILE)), ())


def _plan_vlans(node):
    from plugin_lib.daemon import config, convergence
    from plugin_lib.daemon import main as eipoibd
    from plugin_lib.planning import checks, vlans
    host, ours = convergence.look(node.source, eipoibd.ledger(node.root))
    talkers = eipoibd.talk_once(node.source, node.root)(tuple(sorted(host.eipoibs)))
    most = config.of_machine(node.root).vif_limit
    steps, findings = vlans.plan(host, ours, (), (), talkers, most)
    missing = ['{0}: {1}'.format(finding.subject, finding.text) for finding in checks.interfaces(node.published, host)]
    return Plan(steps, tuple(missing) + tuple(
        finding.line() for finding in findings if not _is_fine(finding)) + talkers.problems)


def _is_fine(finding):
    # What a bridge that carries VLANs sends untagged by itself is meant to end at the trunks.
    return finding.state in ('ok', 'planned', 'silent', 'storage') or (finding.state, finding.vlan) == ('trunks', None)


def _plan_service(node):
    from plugin_lib.daemon import locks
    from plugin_lib.daemon import main as eipoibd
    from plugin_lib.host import files
    from plugin_lib.planning import service
    running = locks.is_held(os.path.join(node.root, eipoibd.RUN_FOLDER.lstrip('/')), locks.SERVICE)
    return Plan(service.plan(node.settings, files.read(node.root, service.CONFIG_FILE), running), ())


def _plan_ovs(node):
    from plugin_lib.host import addresses, ovsdb
    from plugin_lib.planning import ovs
    host = node.host()
    addressed = addresses.read(host.interfaces) if node.root == '/' else frozenset()
    return ovs.plan(node.published, host, ovsdb.read(node.root), addressed)


_PLANS = {'packages': _plan_packages, 'drivers': _plan_drivers, 'vlans': _plan_vlans, 'service': _plan_service,
          'ovs': _plan_ovs}
# Stages of settings that few environments switch on -> the module whose function of that name looks and plans.
_SWITCHED = {'storage': 'storage', 'rdma': 'storage', 'sriov': 'guests', 'vfs': 'guests', 'passthrough': 'guests'}
