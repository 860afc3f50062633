# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What the service logs of its passes: only what is new."""
from __future__ import absolute_import, print_function, unicode_literals

# How a state is logged; the others, which an operator has to look into, are warnings.  What was done to get to "ok"
# is logged as steps.
_LEVELS = {'ok': 'debug', 'planned': 'debug', 'removal': 'debug', 'silent': 'debug', 'storage': 'debug',
           'most': 'debug', 'waiting': 'info'}


class Report(object):
    """Compares each pass with the one before.

    :param log: daemon.log.Log
    """

    def __init__(self, log):
        # type: (object) -> None
        self._log = log
        self._seen = set()
        self._told = None
        self._failure = None

    def result(self, result, failures=None):
        # type: (object, dict) -> None
        """Log what a daemon.convergence.Result has that the last one had not.

        :param failures: {subject: planning.backoff.Failure} of what is tried again later, and was told when it failed
        """
        for outcome in result.outcomes:
            if not outcome.error:
                self._log.write('info', 'step', ('subject', outcome.step.subject),
                                ('did', ', '.join(operation.describe() for operation in outcome.performed)),
                                ('reason', outcome.step.reason))
        told = result.findings, result.host.eipoibs, result.host.problems, result.warnings, dict(failures or {})
        if told == self._told and not result.outcomes:
            return
        self._told = told
        failed = dict((subject, failure.error) for subject, failure in (failures or {}).items())
        failed.update((outcome.step.subject, outcome.error) for outcome in result.outcomes if outcome.error)
        lines = [(_LEVELS.get(finding.state, 'warning'), finding.line()) for finding in result.findings
                 if finding.state != 'failed']
        lines += [('warning', '{0} failed: {1}'.format(subject, error.one_line()))
                  for subject, error in sorted(failed.items(), key=lambda each: each[0])]
        lines += [('warning', line) for line in result.host.problems + result.warnings]
        if not result.host.eipoibs:
            lines.append(('info', 'no EIPOIB interface here: waiting for one to appear'))
        for level, line in lines:
            if line not in self._seen:
                self._log.write(level, 'found', ('what', line))
        gone = self._seen - set(line for _, line in lines)
        for line in sorted(gone):
            self._log.write('debug', 'gone', ('what', line))
        self._seen = set(line for _, line in lines)

    def failure(self, error):
        # type: (object) -> None
        """Log an InfinibandError that stopped a pass, once as long as it stays the same."""
        if error.one_line() != self._failure:
            self._log.error('pass', error)
        self._failure = error.one_line()

    def recovered(self):
        # type: () -> None
        """A pass went through to its end: the next failure is news."""
        self._failure = None
