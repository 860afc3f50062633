# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The stages of configuring a node: the one place where reading, planning and applying meet.

A stage is planned on what the machine has when its turn comes: drivers bring
interfaces, interfaces bring P_Keys, P_Keys bring VLANs.
"""
from __future__ import absolute_import, print_function, unicode_literals

import os

from plugin_lib import modes, published
from plugin_lib.errors import ApplyError, InfinibandError
from plugin_lib.planning.operations import Plan
from plugin_lib.published import settings

ORDER = ('packages', 'drivers', 'vlans', 'service', 'ovs')


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
    return _PLANS[stage](node) if node.has_infiniband else NOTHING


def apply(node, stage, report):
    # type: (Node, str, object) -> tuple
    """Do what a stage has to do; a step that fails is undone, and the stage ends with its error.

    :param report: called with each effect.apply.Outcome
    :returns: the outcomes; none where nothing had to be done
    :raises InfinibandError: the first error, after what could be done was done
    """
    if not node.has_infiniband:
        return ()
    if os.geteuid() != 0:
        raise ApplyError('cannot configure the node', 'stage {0}'.format(stage), 'only root may change its network',
                         'run it as root')
    outcomes = _apply_vlans() if stage == 'vlans' else _apply_steps(plan(node, stage).steps)
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
        found += _uncarried(node)
    return found


def fabric(node):
    # type: (Node) -> list
    """Findings about the interfaces and P_Keys that must be there once the drivers are loaded."""
    from plugin_lib.planning import checks
    host = node.host()
    return checks.interfaces(node.published, host) + checks.keys(node.published, host, node.settings.sm_check)


def check(node):
    # type: (Node) -> list
    """Findings about a node that is deployed: preflight's, and whatever is not as planned."""
    from plugin_lib.planning import checks
    found = preflight(node)
    for stage in ORDER:
        try:
            part = plan(node, stage)
        except InfinibandError as error:
            found.append(checks.of_error(error))
        else:
            found += checks.remaining(part.steps) + checks.left_alone(stage, part.findings)
    return sorted(set(found), key=found.index)


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


def _apply_vlans():
    # The same pass as eipoibd's: it keeps the ledger of what is ours, and waits for a pass of the service.
    from plugin_lib.daemon import main as eipoibd
    return eipoibd.one_pass().outcomes


def _apply_steps(steps):
    if not steps:
        return ()
    from plugin_lib.effect import ovsdb, packages
    from plugin_lib.effect.apply import apply as apply_steps
    from plugin_lib.effect.executor import Executor
    from plugin_lib.planning.operations import InstallPackages
    from plugin_lib.planning.ovs_changes import OvsTransaction
    return apply_steps(steps, Executor(more={OvsTransaction: ovsdb.apply, InstallPackages: packages.install}))


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
    return Plan(drivers.plan(node.published, node.settings, node.modules(),
                             files.read(node.root, drivers.MODPROBE_FILE)), ())


def _plan_vlans(node):
    from plugin_lib.daemon import convergence
    from plugin_lib.daemon import main as eipoibd
    from plugin_lib.planning import checks, vlans
    host, ours = convergence.look(node.source, eipoibd.ledger(node.root))
    steps, findings = vlans.plan(host, ours)
    missing = ['{0}: {1}'.format(finding.subject, finding.text) for finding in checks.interfaces(node.published, host)]
    return Plan(steps, tuple(missing) + tuple(
        finding.line() for finding in findings if finding.state not in ('ok', 'planned')))


def _plan_service(node):
    from plugin_lib.daemon import locks
    from plugin_lib.daemon import main as eipoibd
    from plugin_lib.host import files
    from plugin_lib.planning import service
    running = locks.is_held(os.path.join(node.root, eipoibd.RUN_FOLDER.lstrip('/')), locks.SERVICE)
    return Plan(service.plan(node.settings, files.read(node.root, service.CONFIG_FILE), running), ())


def _plan_ovs(node):
    from plugin_lib.host import ovsdb
    from plugin_lib.planning import ovs
    return ovs.plan(node.published, node.host(), ovsdb.read(node.root))


_PLANS = {'packages': _plan_packages, 'drivers': _plan_drivers, 'vlans': _plan_vlans, 'service': _plan_service,
          'ovs': _plan_ovs}
