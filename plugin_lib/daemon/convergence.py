# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""One pass: read the machine, plan, apply, look at what came of it.

The ``vlans`` hook, ``eipoibd --once`` and the service all make the same pass.
"""
from __future__ import absolute_import, print_function, unicode_literals

from collections import namedtuple

from plugin_lib.effect.apply import apply
from plugin_lib.effect.ledger import concluded, intended, remembered
from plugin_lib.host import machine
from plugin_lib.planning import vlans


class Result(namedtuple('Result', 'host findings outcomes warnings')):
    """What a pass found and did.

    :param host: the state.Host at its end
    :param findings: tuple of planning.vlan_services.Findings at its end; state ``failed`` where a step failed
    :param outcomes: tuple of effect.apply.Outcomes; empty when nothing had to be done
    :param warnings: tuple of lines
    """

    __slots__ = ()

    @property
    def errors(self):
        # type: () -> tuple
        """The InfinibandErrors of the steps that failed."""
        return tuple(outcome.error for outcome in self.outcomes if outcome.error)


def look(source, ledger):
    # type: (object, object) -> tuple
    """(state.Host, {name: Made} of what is there and ours): what :func:`plugin_lib.planning.vlans.plan` needs.

    :param source: see host.source
    :param ledger: effect.ledger.Ledger
    """
    host = machine.read(source)
    return host, remembered(host, ledger.read())


def converge(source, executor, ledger, withdraw=None, stop=None):
    # type: (object, object, object, object, object) -> Result
    """Make every EIPOIB interface serve what its HCA port's P_Keys say.

    :param source: a live Source
    :param executor: effect.executor.Executor
    :param withdraw: (host, ours) -> planning.withdrawal.Withdrawal; None: nothing is withdrawn, since a single pass
        cannot know for how long a key has been away
    :param stop: asked before each step; True leaves the rest
    :raises InfinibandError: when nothing could be read or noted, and so nothing was changed
    """
    host, ours = look(source, ledger)
    removable, warnings = withdraw(host, ours) if withdraw else ((), ())
    plain_only = executor.plain_only()
    plan = vlans.plan(host, ours, removable, plain_only)
    outcomes = ()
    if plan.steps:
        outcomes, host, ours = _apply(plan.steps, source, executor, ledger, host, ours, stop)
        if executor.plain_only() != plain_only:  # the driver has just been found to be a plain one
            plan = vlans.plan(host, ours, removable, executor.plain_only())
            more, host, ours = _apply(plan.steps, source, executor, ledger, host, ours, stop)
            outcomes = tuple(outcome for outcome in outcomes if not outcome.error) + more
        plan = vlans.plan(host, ours, removable, executor.plain_only())
    return Result(host, _with_failures(plan.findings, outcomes), outcomes, warnings)


def flush(source, executor, ledger):
    # type: (object, object, object) -> tuple
    """Remove everything that is ours, and nothing else.

    :returns: tuple of effect.apply.Outcomes
    """
    host, ours = look(source, ledger)
    steps = vlans.plan_flush(host, ours)
    return _apply(steps, source, executor, ledger, host, ours, None)[0] if steps else ()


def _apply(steps, source, executor, ledger, host, ours, stop):
    """(outcomes, the host afterwards, what is ours afterwards); the ledger is right at every moment in between."""
    ledger.write(intended(ours, steps))
    outcomes = apply(steps, executor, keep_going=True, stop=stop)
    for outcome in outcomes:
        ours = concluded(ours, outcome.performed)
    host = machine.read(source)
    ours = remembered(host, ours)
    ledger.write(ours)
    return outcomes, host, ours


def _with_failures(findings, outcomes):
    errors = dict((outcome.step.subject, outcome.error) for outcome in outcomes if outcome.error)
    return tuple(finding._replace(state='failed', detail=errors[finding.subject].one_line())
                 if finding.subject in errors and finding.state != 'ok' else finding for finding in findings)
