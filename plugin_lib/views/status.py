# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``fuel-infiniband status``: what eipoibd serves, key by key, and what fails."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib import tables
from plugin_lib.published import vlans


def document(status):
    # type: (dict) -> dict
    """The status document of eipoibd (daemon.status); empty when there is none."""
    return status or {}


def table(status):
    # type: (dict) -> str
    """The same for a person: an overview of the interfaces, then a line for each P_Key, a row for each vif of others
    who talk through them, what failed, what lacks."""
    if status is None:
        return 'eipoibd has not run since this machine was started\n'
    parts = ['eipoibd ({0}, pid {1}) at {2}: {3} steps done, {4} failed\n'.format(
        status['mode'], status['pid'], status['updated'], status['counters']['steps_done'],
        status['counters']['steps_failed'])]
    interfaces = sorted(status['interfaces'].items())
    if interfaces:
        parts.append(tables.render(
            ['interface', 'parent', 'hca', 'port', 'state', 'keys', 'vlans', 'last change', 'last error'],
            [[name, nic['parent'], nic['hca'], nic['port'], nic['state'],
              None if nic['keys'] is None else len(nic['keys']), vlans.of_numbers(nic['vlans']), nic['last_change'],
              nic['last_error']] for name, nic in interfaces]))
        parts.append(''.join(line + '\n' for _, nic in interfaces for line in nic['lines']))
    # An older eipoibd, which still runs, tells none.
    vifs = [(name, vif) for name, nic in interfaces for vif in nic.get('vifs', ())]
    if vifs:
        parts.append(tables.render(
            ['bridge', 'port', 'mac', 'vlan', 'key', 'child', 'interface', 'state'],
            [[vif['bridge'], vif['port'], vif['mac'], vif['vlan'] or 'untagged', vif['pkey'], vif['child'], name,
              ': '.join(text for text in (vif['state'], vif['detail']) if text)] for name, vif in vifs]))
    if status['backoff']:
        parts.append(tables.render(
            ['tried again', 'failures', 'last tried', 'then after', 'error'],
            [[subject, failure['failures'], failure['tried'], '{0:g} s'.format(failure['pause']), failure['error']]
             for subject, failure in sorted(status['backoff'].items())]))
    lines = [('error', status['error'])] if status['error'] else []
    lines += [('problem', line) for line in status['problems']] + [('warning', line) for line in status['warnings']]
    parts.append(''.join('{0}: {1}\n'.format(*line) for line in lines))
    return '\n'.join(part for part in parts if part)
