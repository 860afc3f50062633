# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What eipoibd last found and did, for whoever asks: /run/eipoibd/status.json.

The file is replaced only when something in it has changed, and always whole.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import io
import json
import os
import time

from plugin_lib.effect.files import write_atomically
from plugin_lib.errors import ApplyError, InputError

FILE_NAME = 'status.json'
FORMAT = 1


class Status(object):
    """Keeps the status file of one process.

    :param folder: where the file is
    :param mode: ``service`` or ``once``
    :param now: () -> seconds since 1970
    """

    def __init__(self, folder, mode, now=time.time):
        # type: (str, str, object) -> None
        self._path = os.path.join(folder, FILE_NAME)
        self._mode = mode
        self._now = now
        self._written = None
        self._interfaces = {}
        self._changes = self._failures = 0

    def update(self, result):
        # type: (object) -> None
        """Note the daemon.convergence.Result of a pass.

        :raises ApplyError: when the file cannot be written
        """
        self._changes += sum(1 for outcome in result.outcomes if not outcome.error)
        self._failures += len(result.errors)
        self._interfaces = dict((name, self._interface(result, name)) for name in result.host.eipoibs)
        self._write({'interfaces': self._interfaces, 'problems': list(result.host.problems),
                     'warnings': list(result.warnings), 'error': None,
                     'counters': {'steps_done': self._changes, 'steps_failed': self._failures}})

    def fail(self, error):
        # type: (object) -> None
        """Note the InfinibandError that stopped a pass before it changed anything."""
        self._write(dict(self._written or {}, error=error.one_line()))

    def _interface(self, result, name):
        eipoib, port = result.host.eipoibs[name], result.host.port_of(result.host.eipoibs[name])
        before = self._interfaces.get(name, {})
        outcomes = [outcome for outcome in result.outcomes if outcome.step.subject.split(' ')[0] == name]
        errors = [outcome.error.one_line() for outcome in outcomes if outcome.error]
        changed = [outcome for outcome in outcomes if not outcome.error]
        return {
            'hca': eipoib.hca, 'port': eipoib.port, 'parent': eipoib.parent, 'mac': eipoib.mac,
            'state': port.state if port else None,
            'keys': [str(pkey) for pkey in port.pkeys] if port and port.pkeys is not None else None,
            'vlans': sorted(finding.vlan for finding in result.findings
                            if (finding.eipoib, finding.state) == (name, 'ok') and finding.vlan is not None),
            'lines': [finding.line() for finding in result.findings if finding.eipoib == name],
            'last_change': _stamp(self._now()) if changed else before.get('last_change'),
            'last_error': errors[-1] if errors else before.get('last_error'),
        }

    def _write(self, facts):
        if facts == self._written:
            return
        document = dict(facts, format=FORMAT, mode=self._mode, pid=os.getpid(), updated=_stamp(self._now()))
        try:
            write_atomically(self._path, json.dumps(document, indent=1, sort_keys=True) + '\n', 0o644)
        except EnvironmentError as error:
            raise ApplyError('cannot write the status', self._path, error.strerror, '', error.errno)
        self._written = facts


def read(folder):
    # type: (str) -> dict
    """The status document, None when eipoibd has not run since the machine started.

    Its keys: ``format``, ``mode``, ``pid``, ``updated`` (UTC), ``interfaces`` {EIPOIB name: {``hca``, ``port``,
    ``parent``, ``mac``, ``state``, ``keys`` [``0x8064``], ``vlans`` [int], ``lines`` [str], ``last_change``,
    ``last_error``}}, ``problems``, ``warnings``, ``error`` and ``counters``.

    :raises InputError: when it is there and makes no sense
    """
    path = os.path.join(folder, FILE_NAME)
    try:
        with io.open(path, encoding='utf-8') as stream:
            document = json.load(stream)
    except EnvironmentError as error:
        if error.errno == errno.ENOENT:
            return None
        raise InputError('cannot read the status of eipoibd', path, error.strerror, 'run it as root')
    except ValueError as error:
        raise InputError('cannot read the status of eipoibd', path, error, 'restart the service eipoibd')
    if not isinstance(document, dict) or document.get('format') != FORMAT:
        raise InputError('cannot read the status of eipoibd', path, 'expected format {0}'.format(FORMAT),
                         'restart the service eipoibd')
    return document


def _stamp(seconds):
    return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(seconds))
