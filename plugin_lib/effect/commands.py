# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The programs of the system: modprobe, the init system's control program, and how any of them is run."""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import os
import subprocess

from plugin_lib._compat import fs_path, to_text
from plugin_lib.errors import ApplyError

MODPROBE = '/sbin/modprobe'
SYSTEMD_RUNS = '/run/systemd/system'  # sd_booted(3)
INITCTL = '/sbin/initctl'


def load_module(name):
    # type: (str) -> None
    """Load a kernel module and what its configuration says comes with it.

    :raises ApplyError: in modprobe's words
    """
    run([MODPROBE, name], 'check that the driver package for the running kernel is installed')


def start_service(name, restart):
    # type: (str, bool) -> None
    """Enable a service and start it, or restart it, with the init system that runs this machine.

    :raises ApplyError: in the init system's words, or where it is neither systemd nor upstart
    """
    if os.path.isdir(SYSTEMD_RUNS):
        todo = 'see: journalctl -u {0}'.format(name)
        run(['systemctl', 'enable', name], todo)
        run(['systemctl', 'restart' if restart else 'start', name], todo)
    elif os.path.exists(INITCTL):
        todo = 'see: /var/log/upstart/{0}.log'.format(name)
        if restart:
            try:
                run([INITCTL, 'stop', name], todo)  # upstart's restart does not read the job file again
            except ApplyError:
                pass  # it was not running
        try:
            run([INITCTL, 'start', name], todo)
        except ApplyError:
            if not _is_started(name, todo):  # an event, such as an interface that came, may have been first
                raise
    else:
        raise _no_init(name, 'start')


def restart_service(name):
    # type: (str) -> None
    """Restart a service if it runs, and leave alone whether it is enabled.

    :raises ApplyError: in the init system's words, or where it is neither systemd nor upstart
    """
    if os.path.isdir(SYSTEMD_RUNS):
        run(['systemctl', 'try-restart', name], 'see: journalctl -u {0}'.format(name))
    elif os.path.exists(INITCTL):
        todo = 'see: /var/log/upstart/{0}.log'.format(name)
        if _is_started(name, todo):
            run([INITCTL, 'restart', name], todo)
    else:
        raise _no_init(name, 'restart')


def _is_started(name, todo):
    """Whether upstart has a job running, or about to."""
    return 'start/' in output([INITCTL, 'status', name], todo)


def _no_init(name, verb):
    return ApplyError('cannot {0} service {1}'.format(verb, name), SYSTEMD_RUNS,
                      'neither systemd nor upstart runs this machine', '{0} {1} by hand'.format(verb, name))


def run(argv, todo):
    # type: (list, str) -> None
    """Run a program to its end.

    :param todo: what the operator does when it fails
    :raises ApplyError: with the last line that it wrote
    """
    _run(argv, todo, subprocess.STDOUT, None)


def output(argv, todo, folder=None):
    # type: (list, str, str) -> str
    """What a program prints to stdout.

    :param todo: what the operator does when it fails
    :param folder: where it runs, if not here
    :raises ApplyError: with the last line that it wrote to stderr
    """
    return _run(argv, todo, subprocess.PIPE, folder)


def _run(argv, todo, stderr, folder):
    # Nobody would see a question of a package's scripts, even at a terminal: what they print goes to us.
    environment = dict(os.environ, LC_ALL=str('C'), DEBIAN_FRONTEND=str('noninteractive'))
    try:
        child = subprocess.Popen([fs_path(word) for word in argv], stdout=subprocess.PIPE, stderr=stderr,
                                 close_fds=True, cwd=folder, env=environment)
    except EnvironmentError as error:
        raise ApplyError('cannot run {0}'.format(argv[0]), argv[0], error.strerror,
                         'install it' if error.errno == errno.ENOENT else todo, error.errno)
    said, complained = [to_text(words or b'') for words in child.communicate()]
    if child.returncode:
        raise ApplyError('{0} failed with status {1}'.format(' '.join(argv), child.returncode), argv[0],
                         (complained or said).strip().rpartition('\n')[2], todo)
    return said
