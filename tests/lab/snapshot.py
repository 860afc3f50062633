# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Everything of a node that a hook may change, to tell whether one did."""
import json
import os

from tests.lab.emulator import EIPOIB

_OVSDB = {
    'Bridge': '_uuid,name,ports,datapath_type,external_ids,other_config',
    'Port': '_uuid,name,interfaces,tag,trunks,vlan_mode,external_ids,other_config',
    'Interface': '_uuid,name,type,options,external_ids,other_config',
}
_FOLDERS = ('/etc/fuel-infiniband', '/etc/modprobe.d', '/etc/systemd/system')


def take(node):
    """{what: value}: two of them are equal when nothing changed, a re-made interface or a rewritten file included."""
    links = json.loads(node.run('ip', '-j', 'link').stdout)
    state = {f'link {link["ifname"]}': (link['ifindex'], 'UP' in link['flags'], link.get('master'), link.get('address'))
             for link in links}
    for name in ('slaves', 'vifs'):
        state[f'{EIPOIB} {name}'] = node.run('cat', f'/sys/class/net/{EIPOIB}/eth/{name}').stdout
    for table, columns in _OVSDB.items():
        rows = json.loads(node.run('ovs-vsctl', '--format=json', f'--columns={columns}', 'list', table).stdout)['data']
        state.update((f'{table} {row[0][1]}', row) for row in rows)
    for folder in _FOLDERS:
        for path, _folders, files in os.walk(node.path(folder)):
            for name in files:
                facts = os.lstat(f'{path}/{name}')
                state[f'file {folder}/{name}'] = facts.st_ino, facts.st_mtime_ns, facts.st_size
    state['eipoibd'] = node.run('cat', '/run/lab-systemctl/eipoibd.pid', check=False).stdout
    return state


def difference(before, after):
    """One line for each thing that differs."""
    return [f'{what}: {before.get(what)} -> {after.get(what)}'
            for what in sorted({*before, *after}) if before.get(what) != after.get(what)]
