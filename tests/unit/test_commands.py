# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Programs that are run: what is told of those that fail, and services under each init system."""
from __future__ import absolute_import, print_function, unicode_literals

import pytest

from plugin_lib.effect import commands
from plugin_lib.errors import ApplyError


def test_a_program_that_fails_says_why():
    with pytest.raises(ApplyError) as caught:
        commands.run(['/bin/sh', '-c', 'echo first; echo modprobe: FATAL: not found >&2; exit 1'], 'install it')
    assert (caught.value.why, caught.value.todo) == ('modprobe: FATAL: not found', 'install it')
    with pytest.raises(ApplyError) as caught:
        commands.run(['/nowhere/modprobe'], '')
    assert caught.value.todo == 'install it'


@pytest.fixture
def machine_of(tmpdir, monkeypatch):
    """Makes this machine look like one with that init system; the program that controls it notes how it was called."""
    def make(init):
        program = tmpdir.join({'systemd': 'systemctl', 'upstart': 'initctl'}.get(init, 'none'))
        program.write('#!/bin/sh\necho "$@" >> "${0%/*}/calls"\n[ "$1" != stop ]\n')
        program.chmod(0o755)
        monkeypatch.setenv(str('PATH'), str(tmpdir), prepend=str(':'))
        monkeypatch.setattr(commands, 'SYSTEMD_RUNS', str(tmpdir if init == 'systemd' else tmpdir.join('nowhere')))
        monkeypatch.setattr(commands, 'INITCTL', str(tmpdir.join('initctl')))
        return tmpdir.join('calls')
    return make


@pytest.mark.parametrize('init, restart, calls', [
    ('systemd', False, ['enable eipoibd', 'start eipoibd']), ('systemd', True, ['enable eipoibd', 'restart eipoibd']),
    ('upstart', False, ['start eipoibd']), ('upstart', True, ['stop eipoibd', 'start eipoibd'])])
def test_a_service_is_started_by_the_init_system_that_runs(machine_of, init, restart, calls):
    noted = machine_of(init)
    commands.start_service('eipoibd', restart)
    assert noted.read().splitlines() == calls


def test_without_a_known_init_system_a_service_cannot_be_started(machine_of):
    machine_of('another')
    with pytest.raises(ApplyError) as caught:
        commands.start_service('eipoibd', False)
    assert 'neither systemd nor upstart' in caught.value.why


@pytest.mark.parametrize('status, is_error', [
    ('eipoibd start/running, process 7', False), ('eipoibd start/starting', False), ('eipoibd stop/waiting', True)])
def test_a_job_that_an_event_has_started_meanwhile_is_started(tmpdir, monkeypatch, status, is_error):
    """initctl(8): start fails for a job that runs; eipoibd's starts with any network interface."""
    initctl = tmpdir.join('initctl')
    initctl.write('#!/bin/sh\n[ "$1" = status ] && echo "{0}"\n'.format(status))
    initctl.chmod(0o755)
    monkeypatch.setattr(commands, 'SYSTEMD_RUNS', str(tmpdir.join('none')))
    monkeypatch.setattr(commands, 'INITCTL', str(initctl))
    if is_error:
        with pytest.raises(ApplyError):
            commands.start_service('eipoibd', False)
    else:
        commands.start_service('eipoibd', False)


@pytest.mark.parametrize('status, calls', [
    ('nova-compute start/running, process 7\n', ['status', 'restart']), ('nova-compute stop/waiting\n', ['status'])])
def test_upstart_restarts_what_runs(tmpdir, monkeypatch, status, calls):
    log = tmpdir.join('log')
    initctl = tmpdir.join('initctl')
    initctl.write('#!/bin/sh\necho "$1" >> {0}\necho "{1}"\n'.format(log, status.strip()))
    initctl.chmod(0o755)
    monkeypatch.setattr(commands, 'SYSTEMD_RUNS', str(tmpdir.join('none')))
    monkeypatch.setattr(commands, 'INITCTL', str(initctl))
    commands.restart_service('nova-compute')
    assert log.read().split() == calls
