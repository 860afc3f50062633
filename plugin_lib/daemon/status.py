# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What eipoibd last found and did, for whoever asks: status.json and eipoibd.prom in /run/eipoibd.

A file is replaced only when something in it has changed, and always whole.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import io
import json
import os
import time

from plugin_lib._compat import fs_path, integer_types, string_types
from plugin_lib.daemon import metrics
from plugin_lib.effect.files import write_atomically
from plugin_lib.errors import ApplyError, InputError
from plugin_lib.paths import STATUS_FILE
from plugin_lib.planning import backoff

FORMAT = 1

# What readers of the status rely on: a type, [what each item is], {key: what is there}, {_EACH: what each value is}.
_EACH = None
_TEXT, _NUMBER = string_types + (type(None),), integer_types + (float, type(None))
_SHAPE = {
    'mode': _TEXT, 'pid': _NUMBER, 'updated': _TEXT, 'problems': [string_types], 'warnings': [string_types],
    'error': _TEXT, 'counters': {'steps_done': _NUMBER, 'steps_failed': _NUMBER},
    'interfaces': {_EACH: {
        'parent': _TEXT, 'hca': _TEXT, 'port': _NUMBER, 'state': _TEXT, 'keys': (list, type(None)),
        'vlans': [integer_types], 'lines': [string_types], 'last_change': _TEXT, 'last_error': _TEXT,
        'vifs': [dict((key, _NUMBER if key == 'vlan' else _TEXT) for key in (
            'bridge', 'port', 'mac', 'vlan', 'pkey', 'child', 'state', 'detail'))]}},
    'backoff': {_EACH: {'failures': integer_types, 'tried': _TEXT, 'pause': integer_types + (float,), 'error': _TEXT}},
}
_NEW = ('vifs',)  # an older eipoibd, which still runs, tells none


class Status(object):
    """Keeps the status file of one process.

    :param folder: where the file is
    :param mode: ``service`` or ``once``
    :param now: () -> seconds since 1970
    """

    def __init__(self, folder, mode, now=time.time):
        # type: (str, str, object) -> None
        self._folder = folder
        self._mode = mode
        self._now = now
        self._facts = {'interfaces': {}, 'problems': [], 'warnings': [], 'error': None, 'backoff': {}}
        self._written = None
        self._interfaces = {}
        self._waiting = {}
        self._told = None
        self._counters = {'passes': 0, 'passes_failed': 0, 'steps_done': 0, 'steps_failed': 0}

    def update(self, result, failures=None, refresh=True):
        # type: (object, dict, bool) -> None
        """Note the daemon.convergence.Result of a pass.

        :param failures: {subject: planning.backoff.Failure} of what is tried again later
        :param refresh: write the metrics although nothing but the number of passes has changed
        :raises ApplyError: when a file cannot be written
        """
        self._counters['passes'] += 1
        self._counters['steps_done'] += sum(1 for outcome in result.outcomes if not outcome.error)
        self._counters['steps_failed'] += len(result.errors)
        self._waiting = dict((subject, self._pause(subject, failure)) for subject, failure in (failures or {}).items())
        told = result.findings, result.host, result.warnings, self._waiting
        if told != self._told or result.outcomes:
            self._tell(result)
        self._told = told
        if self._write() or refresh:
            self._measure()

    def _tell(self, result):
        self._interfaces = dict((name, self._interface(result, name)) for name in result.host.eipoibs)
        self._facts = {'interfaces': self._interfaces, 'problems': list(result.host.problems),
                       'warnings': list(result.warnings), 'error': None, 'backoff': self._waiting}

    def fail(self, error):
        # type: (object) -> None
        """Note the InfinibandError that stopped a pass before it changed anything."""
        self._counters['passes_failed'] += 1
        self._facts = dict(self._facts, error=error.one_line())
        self._told = None
        self._write()
        self._measure()

    def summary(self):
        # type: () -> str
        """The state in a few words, for the service manager."""
        return self._facts['error'] or '{0} interfaces, {1} VLANs, {2} to be tried again'.format(
            len(self._interfaces), sum(len(nic['vlans']) for nic in self._interfaces.values()), len(self._waiting))

    def _pause(self, subject, failure):
        """What is told of something that is tried again; its stamp is that of its last try."""
        before = self._waiting.get(subject, {})
        same = (before.get('failures'), before.get('error')) == (failure.count, failure.error.one_line())
        return {'failures': failure.count, 'error': failure.error.one_line(),
                'tried': before['tried'] if same else _stamp(self._now()), 'pause': backoff.delay(failure.count)}

    def _interface(self, result, name):
        eipoib, port = result.host.eipoibs[name], result.host.port_of(result.host.eipoibs[name])
        before = self._interfaces.get(name, {})
        outcomes = [outcome for outcome in result.outcomes if outcome.step.subject.split(' ')[0] == name]
        errors = [outcome.error.one_line() for outcome in outcomes if outcome.error]
        changed = [outcome for outcome in outcomes if not outcome.error]
        findings = [finding for finding in result.findings if finding.eipoib == name]
        return {
            'hca': eipoib.hca, 'port': eipoib.port, 'guid': _guid(result.host, eipoib.parent),
            'parent': eipoib.parent, 'mac': eipoib.mac,
            'state': port.state if port else None,
            'keys': [str(pkey) for pkey in port.pkeys] if port and port.pkeys is not None else None,
            'places': list(port.places) if port and port.places is not None else None,
            'vlans': sorted(finding.vlan for finding in findings
                            if finding.state == 'ok' and finding.vlan is not None and not finding.mac),
            'storage': sorted(finding.vlan for finding in findings
                              if finding.state == 'storage' and finding.vlan is not None),
            'states': _counted(finding.state for finding in findings),
            'lines': [finding.line() for finding in findings if not finding.mac],
            'vifs': [_vif(finding) for finding in findings if finding.mac],
            'steps_done': before.get('steps_done', 0) + len(changed),
            'steps_failed': before.get('steps_failed', 0) + len(errors),
            'last_change': _stamp(self._now()) if changed else before.get('last_change'),
            'last_error': errors[-1] if errors else before.get('last_error'),
        }

    def _write(self):
        """Whether there was anything new to write."""
        steps = dict((name, self._counters[name]) for name in ('steps_done', 'steps_failed'))
        facts = dict(self._facts, counters=steps)
        if facts == self._written:
            return False
        document = dict(facts, format=FORMAT, mode=self._mode, pid=os.getpid(), updated=_stamp(self._now()))
        self._replace(STATUS_FILE, json.dumps(document, indent=1, sort_keys=True) + '\n')
        self._written = facts
        return True

    def _measure(self):
        self._replace(metrics.FILE_NAME, metrics.text(self._interfaces, self._waiting, self._counters))

    def _replace(self, name, text):
        path = os.path.join(self._folder, name)
        try:
            write_atomically(path, text, 0o644)
        except EnvironmentError as error:
            raise ApplyError('cannot write the status', path, error.strerror, '', error.errno)


def read(folder):
    # type: (str) -> dict
    """The status document, None when eipoibd has not run since the machine started.

    Its keys: ``format``, ``mode``, ``pid``, ``updated`` (UTC), ``interfaces`` {EIPOIB name: {``hca``, ``port``,
    ``guid`` of the port (``0x0002c90300000011``), ``parent``, ``mac``, ``state``, ``keys`` [``0x8064``], ``places``
    [int] their indexes in the port's table, ``vlans`` [int], ``storage`` [int] the VLANs that storage over RDMA has
    instead, ``lines`` [str], ``vifs`` [{``bridge``, ``port``, ``mac``, ``vlan`` None: untagged, ``pkey``, ``child``,
    ``state``, ``detail``}] of others than the interface itself, ``states`` {state of a Finding: how many},
    ``steps_done``, ``steps_failed``, ``last_change``, ``last_error``}}, ``backoff`` {subject: {``failures``, ``error``,
    ``tried``, ``pause`` in seconds from then}}, ``problems``, ``warnings``, ``error`` and ``counters``.

    :raises InputError: when it is there and makes no sense
    """
    document = load(folder)
    if document is not None and not _fits(document, _SHAPE):
        raise _not_whole(folder)
    return document


def load(folder):
    # type: (str) -> dict
    """The same for who looks at parts of it, which are not looked at here."""
    path = os.path.join(folder, STATUS_FILE)
    try:
        with io.open(fs_path(path), encoding='utf-8') as stream:
            document = json.load(stream)
    except EnvironmentError as error:
        if error.errno == errno.ENOENT:
            return None
        raise InputError('cannot read the status of eipoibd', path, error.strerror, 'run it as root')
    except (ValueError, RuntimeError) as error:  # RuntimeError: nested too deeply for Python
        raise InputError('cannot read the status of eipoibd', path, error, 'restart the service eipoibd')
    if not isinstance(document, dict) or document.get('format') != FORMAT or not set(_SHAPE).issubset(document):
        raise _not_whole(folder)
    return document


def _not_whole(folder):
    return InputError('cannot read the status of eipoibd', os.path.join(folder, STATUS_FILE),
                      'expected format {0}, whole'.format(FORMAT), 'restart the service eipoibd')


def _fits(value, shape):
    if isinstance(shape, list):
        return isinstance(value, list) and all(_fits(item, shape[0]) for item in value)
    if not isinstance(shape, dict):
        return isinstance(value, shape)
    if not isinstance(value, dict):
        return False
    if _EACH in shape:
        return all(_fits(value[key], shape[_EACH]) for key in value)
    return all(_fits(value[key], shape[key]) if key in value else key in _NEW for key in shape)


def _guid(host, parent):
    guid = host.interfaces[parent].port_guid if parent in host.interfaces else None
    return None if guid is None else '0x{0:016x}'.format(guid)


def _vif(finding):
    talker = finding.talker
    return {'bridge': talker and talker.bridge, 'port': talker and talker.port, 'mac': finding.mac,
            'vlan': finding.vlan, 'pkey': str(finding.pkey) if finding.pkey else None, 'child': finding.child,
            'state': finding.state, 'detail': finding.detail}


def _stamp(seconds):
    return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(seconds))


def _counted(states):
    counts = {}
    for state in states:
        counts[state] = counts.get(state, 0) + 1
    return counts
