# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Schemas of older databases: the tables and columns that matter here, as releases 2.0 and 2.5 have them.

From ovs-vswitchd.conf.db(5) of these releases. Schema 7.3.0 (2.0) has neither Interface.error nor mac_in_use, 7.12.1
(2.5) no mtu_request, which came with 2.6.
"""
STRING, INTEGER = 'string', 'integer'
MAP = {'key': STRING, 'value': STRING, 'min': 0, 'max': 'unlimited'}
VLAN = {'type': INTEGER, 'minInteger': 0, 'maxInteger': 4095}
MODES = {'type': STRING, 'enum': ['set', ['trunk', 'access', 'native-tagged', 'native-untagged']]}


def _some(key, least=0, most='unlimited'):
    return {'key': key, 'min': least, 'max': most}


def _rows_of(table, least=0):
    return _some({'type': 'uuid', 'refTable': table}, least)


TABLES = {
    'Open_vSwitch': {'bridges': _rows_of('Bridge'), 'cur_cfg': INTEGER, 'next_cfg': INTEGER, 'other_config': MAP,
                     'external_ids': MAP, 'ovs_version': _some(STRING, most=1), 'db_version': _some(STRING, most=1),
                     'system_type': _some(STRING, most=1), 'system_version': _some(STRING, most=1)},
    'Bridge': {'name': STRING, 'datapath_type': STRING, 'datapath_id': _some(STRING, most=1), 'external_ids': MAP,
               'other_config': MAP, 'ports': _rows_of('Port'), 'stp_enable': 'boolean'},
    'Port': {'name': STRING, 'tag': _some(VLAN, most=1), 'trunks': _some(VLAN, most=4096), 'mac': _some(STRING, most=1),
             'vlan_mode': _some(MODES, most=1), 'interfaces': _rows_of('Interface', 1), 'other_config': MAP,
             'external_ids': MAP},
    'Interface': {'name': STRING, 'type': STRING, 'options': MAP, 'other_config': MAP, 'external_ids': MAP,
                  'mac': _some(STRING, most=1), 'ofport': _some(INTEGER, most=1),
                  'ofport_request': _some(INTEGER, most=1)},
}
LATER = {'2.0': {}, '2.5': {'error': _some(STRING, most=1), 'mac_in_use': _some(STRING, most=1)}}
VERSIONS = {'2.0': '7.3.0', '2.5': '7.12.1'}
IMMUTABLE = (('Bridge', 'name'), ('Port', 'name'), ('Interface', 'name'))


def schema(release):
    """The schema of the release 2.0 or 2.5, for ovsdb-tool."""
    tables = dict(TABLES, Interface={**TABLES['Interface'], **LATER[release]})
    document = {'name': 'Open_vSwitch', 'version': VERSIONS[release], 'tables': {}}
    for table, columns in tables.items():
        described = {name: {'type': kind, **({'mutable': False} if (table, name) in IMMUTABLE else {})}
                     for name, kind in columns.items()}
        document['tables'][table] = {'columns': described, **({'indexes': [['name']]} if 'name' in columns else {})}
    document['tables']['Open_vSwitch'].update(isRoot=True, maxRows=1)
    return document
