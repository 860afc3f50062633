# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""One pass: read the machine, plan, apply, look at what came of it.

The ``vlans`` hook, ``eipoibd --once`` and the service all make the same pass.
"""
from __future__ import absolute_import, print_function, unicode_literals

from collections import namedtuple

from plugin_lib.daemon import config
from plugin_lib.effect.apply import apply
from plugin_lib.effect.ledger import concluded, intended, remembered
from plugin_lib.errors import InfinibandError
from plugin_lib.host import files, machine, memory
from plugin_lib.planning import budget, gate, vlans
from plugin_lib.planning.talkers import NOBODY
from plugin_lib.planning.withdrawal import NOTHING


class Result(namedtuple('Result', 'host findings outcomes warnings wanted next_removal')):
    """What a pass found and did.

    :param host: the state.Host at its end
    :param findings: tuple of planning.vlan_services.Findings at its end; state ``failed`` where a step failed or is
        not tried yet again, ``memory`` where a child would take too much
    :param outcomes: tuple of effect.apply.Outcomes; empty when nothing had to be done
    :param warnings: tuple of lines
    :param wanted: frozenset of the subjects for which there is still something to do
    :param next_removal: seconds until the next vanished key may be given up, None without one
    """

    __slots__ = ()

    @property
    def errors(self):
        # type: () -> tuple
        """The InfinibandErrors of the steps that failed."""
        return tuple(outcome.error for outcome in self.outcomes if outcome.error)


def look(source, ledger, host=None):
    # type: (object, object, object) -> tuple
    """(state.Host, {name: Made} of what is there and ours): what :func:`plugin_lib.planning.vlans.plan` needs.

    :param source: see host.source
    :param ledger: effect.ledger.Ledger
    :param host: the Host, where it has been read
    """
    host = host or machine.read(source)
    return host, remembered(host, ledger.read())


def converge(source, executor, ledger, withdraw=None, stop=None, held=None, settings=config.DEFAULTS, talk=None,
             last=None, moved=True):
    # type: (object, object, object, object, object, object, object, object, object, bool) -> Result
    """Make every EIPOIB interface serve what its HCA port's P_Keys and those who talk through it ask for.

    :param source: a live Source
    :param executor: effect.executor.Executor
    :param withdraw: (host, ours, talkers, settings) -> planning.withdrawal.Withdrawal, see history.Withdrawals; None:
        nothing is withdrawn, since a single pass cannot know for how long a key has been away
    :param stop: asked before each step; True leaves the rest
    :param held: host -> {subject: InfinibandError} of what failed and is not to be tried yet; None: all is tried
    :param settings: daemon.config.Config
    :param talk: names of EIPOIB interfaces -> planning.talkers.Talkers; None: nobody but the interfaces themselves
    :param last: the Host at the end of the last pass, when since then nothing has happened to HCAs, InfiniBand and
        EIPOIB interfaces
    :param moved: whether something has happened to other interfaces since then
    :raises InfinibandError: when nothing could be read or noted, and so nothing was changed
    """
    ports = last and last.ports
    host, ours = look(source, ledger, machine.again(source, last) if last and moved else last)
    talkers = talk(tuple(sorted(host.eipoibs))) if talk else NOBODY
    errors = dict(held(host)) if held else {}

    def prospect_of(host, ours):
        return _foresee(source, host, ours, withdraw, executor.plain_only(), errors, settings, talkers)

    prospect = prospect_of(host, ours)
    outcomes, more = (), bool(prospect.steps)
    while more:
        plain_only = executor.plain_only()
        tried = [step for step in prospect.planned if step.subject not in errors]
        done, host, ours = _apply(tried, _portions(prospect, source, settings), source, executor, ledger, ours, stop,
                                  ports)
        found_plain = executor.plain_only() != plain_only  # what failed because of that has another chance
        if not found_plain:
            errors.update((outcome.step.subject, outcome.error) for outcome in done if outcome.error)
        outcomes += tuple(outcome for outcome in done if not (outcome.error and found_plain))
        prospect = prospect_of(host, ours)
        more = found_plain and bool(prospect.steps)
    findings = _told(prospect, errors)
    # What has become due since the pass began is for the next one, and nothing else wakes that.
    due = any(finding.state == 'removal' for finding in findings)
    steps, warnings = _gate(settings.discovery_gate, findings)
    outcomes += apply([step for step in steps if step.subject not in errors], executor, keep_going=True, stop=stop)
    return Result(host, findings, outcomes, prospect.warnings + warnings,
                  frozenset(step.subject for step in prospect.planned + steps),
                  0.0 if due else prospect.next_removal)


def foresee(source, ledger, settings, talk=None):
    # type: (object, object, object, object) -> tuple
    """What a first pass would do: (tuple of Steps, tuple of Findings, tuple of warnings).

    :param source: live or captured
    :param talk: as for :func:`converge`
    """
    host, ours = look(source, ledger)
    prospect = _foresee(source, host, ours, None, (), {}, settings,
                        talk(tuple(sorted(host.eipoibs))) if talk else NOBODY)
    return prospect.steps, _told(prospect, {}), prospect.warnings


def flush(source, executor, ledger):
    # type: (object, object, object) -> tuple
    """Remove everything that is ours, and nothing else.

    :returns: tuple of effect.apply.Outcomes
    """
    host, ours = look(source, ledger)
    steps = vlans.plan_flush(host, ours)
    return _apply(steps, [steps], source, executor, ledger, ours, None, None)[0] if steps else ()


class _Prospect(namedtuple('_Prospect', 'planned steps left_out findings warnings next_removal')):
    """What is planned, and the steps of it that can be done now."""

    __slots__ = ()


def _foresee(source, host, ours, withdraw, plain_only, errors, settings, talkers):
    withdrawal = withdraw(host, ours, talkers, settings) if withdraw else NOTHING
    plan = vlans.plan(host, ours, withdrawal.removable, plain_only, talkers, settings.vif_limit)
    steps, left_out = _fit(tuple(step for step in plan.steps if step.subject not in errors), plan.findings, source,
                           settings)
    warnings = withdrawal.warnings + budget.table_warnings(host) + talkers.problems + \
        budget.vif_warnings(plan.findings, settings.vif_limit)
    if left_out:
        warnings += budget.shortage([finding for finding in plan.findings if finding.subject in left_out],
                                    _queue_size(source, settings))
    return _Prospect(plan.steps, steps, left_out, plan.findings, warnings, withdrawal.next_removal)


def _portions(prospect, source, settings):
    """The steps that memory allows, then those that it still allows: most children take less than they might."""
    steps, left_out = prospect.steps, prospect.left_out
    while steps:
        yield steps
        later = tuple(step for step in prospect.planned if step.subject in left_out)
        steps, left_out = _fit(later, prospect.findings, source, settings)


def _fit(steps, findings, source, settings):
    if not steps:
        return (), frozenset()
    return budget.fit(steps, findings, memory.read(source.tree), _queue_size(source, settings))


def _queue_size(source, settings):
    return memory.queue_size(source.tree) or settings.queue_size


def _apply(steps, portions, source, executor, ledger, ours, stop, ports):
    """Do ``steps``, in portions; ``(Outcomes, the Host after them, what then is ours)``.

    :param ports: as for machine.read
    """
    ledger.write(intended(ours, steps))
    outcomes = ()
    for portion in portions:
        outcomes += apply(portion, executor, keep_going=True, stop=stop)
    for outcome in outcomes:
        ours = concluded(ours, outcome.performed)
    host = machine.read(source, ports)
    ours = remembered(host, ours)
    ledger.write(ours)
    return outcomes, host, ours


def _told(prospect, errors):
    """The findings, with what keeps the steps that they announce from being done."""
    return tuple(_explained(finding, prospect.left_out, errors) if finding.state in ('planned', 'removal') else finding
                 for finding in prospect.findings)


def _explained(finding, left_out, errors):
    if finding.subject in errors:
        return finding._replace(state='failed', detail=errors[finding.subject].one_line())
    if finding.subject in left_out:
        return finding._replace(state='memory', detail='its queue might take more memory than the node can spare')
    return finding


def _gate(path, findings):
    """(Steps that open the gate of the discovery agent, warnings)."""
    if path is None:
        return (), ()
    try:
        return gate.plan(path, files.read('/', path), findings), ()
    except InfinibandError as error:
        return (), (error.one_line(),)
