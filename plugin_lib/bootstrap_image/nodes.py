# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Restarts the nodes that wait in a discovery image, so that they boot the one that is active now."""
from __future__ import absolute_import, print_function, unicode_literals

import json
import re
import subprocess
from multiprocessing.pool import ThreadPool  # novm: Python 2.6 has it, without documentation

from plugin_lib._compat import to_text
from plugin_lib.effect import commands
from plugin_lib.errors import InfinibandError

_AT_ONCE = 20
_LIST = ['fuel', '--json', 'node', 'list']
_ADDRESS = re.compile(r'^[0-9]{1,3}(\.[0-9]{1,3}){3}\Z')
# A discovery image gets a new host key whenever it boots; one that hangs must not hold up the others for ever.
_SSH = ['ssh', '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=10', '-o', 'ServerAliveInterval=10',
        '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR']
# Fuel may have begun to deploy the node in the meantime: it is asked what it runs itself.
_REBOOT = 'grep -qx bootstrap /etc/nailgun_systemtype || exit 9; (sleep 1; reboot) </dev/null >/dev/null 2>&1 &'
_NOT_DISCOVERED = 9


def restart(say):
    # type: (object) -> bool
    """Restart all nodes with the status discover; True when every one of them was.

    :param say: called with a line about each node
    :raises InfinibandError: when the nodes cannot be listed
    """
    chosen = [node for node in _nodes() if node.get('status') == 'discover']
    if not chosen:
        say('no node has the status discover: nothing to restart')
        return True
    pool = ThreadPool(min(_AT_ONCE, len(chosen)))
    try:
        done = True
        for node, problem in pool.imap_unordered(_restart, chosen):
            say('node-{0} {1} {2}'.format(node.get('id'), node.get('ip'), problem or 'restarts'))
            done = done and not problem
        return done
    finally:
        pool.terminate()


def _nodes():
    todo = 'see that "fuel node" lists the nodes'
    text = commands.output(_LIST, todo)
    try:
        found = json.loads(text)
        if not all(isinstance(node, dict) for node in found):
            raise ValueError('a node is no mapping')
    except (ValueError, TypeError) as error:
        raise InfinibandError('cannot list the nodes', ' '.join(_LIST), str(error), todo)
    return sorted(found, key=lambda node: to_text(node.get('id')).zfill(9))


def _restart(node):
    """(node, why it does not restart, None when it does)."""
    address = to_text(node.get('ip') or '')
    if not node.get('online'):
        return node, 'is offline: it boots the image when it is switched on'
    if not _ADDRESS.match(address):
        return node, 'has no address'
    try:
        child = subprocess.Popen(_SSH + ['root@' + address, _REBOOT], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, close_fds=True)
    except EnvironmentError as error:
        return node, 'cannot be reached: ssh: {0}'.format(error.strerror)
    words = to_text(child.communicate()[0]).strip().rpartition('\n')[2]
    if child.returncode == _NOT_DISCOVERED:
        return node, 'is left alone: it does not run a discovery image'
    if child.returncode:
        return node, 'does not restart: {0}'.format(words or 'ssh ended with {0}'.format(child.returncode))
    return node, None
