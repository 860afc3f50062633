# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for a Fuel 9 master's REST service: plugins, settings, networks, nodes.

``python nailgun.py PORT PLUGINS_FOLDER``.

There is no Fuel master here.  Plugins are registered, updated and removed as nailgun's handlers do it, with their
answers and errors (409 for a plugin that exists, 400 for one that is in use, 404); cluster 1 is an environment whose
settings show every registered plugin in the shape of plugin_attributes-9.2.json, and whose networks are those of the
documents' example.
"""
import json
import re
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import yaml

NETWORKS = Path(__file__).resolve().parent.parent.parent / 'doc/examples/networks.json'
# Two deployed nodes, and one that waits in a discovery image: its number, status and environment.
NODES = ((1, 'ready', 1), (2, 'ready', 1), (3, 'discover', None))
REQUIRED = ('name', 'title', 'version', 'releases', 'package_version')


class Refused(Exception):
    """An answer that is an error: its status and message."""


class Service:
    """What the service remembers.

    ``plugins`` is {id: metadata}, ``chosen`` {id: what an environment has set}.

    :param folder: of the plugins on the master
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self.plugins, self.chosen, self._last = {}, {}, 0

    def version(self, _data):
        return 200, {'release': '9.0', 'auth_required': False}

    def list(self, _data):
        return 200, list(self.plugins.values())

    def create(self, data):
        missing = [key for key in REQUIRED if key not in data]
        if missing:
            raise Refused(400, f"'{missing[0]}' is a required property")
        for plugin in self.plugins.values():
            if (plugin['name'], plugin['version']) == (data['name'], data['version']):
                raise Refused(409, json.dumps(plugin))
        self._last += 1
        self.plugins[self._last] = dict(data, id=self._last)
        return 201, self.plugins[self._last]

    def update(self, data, number):
        self._known(number)
        self.plugins[number] = dict(data, id=number)
        return 200, self.plugins[number]

    def delete(self, _data, number):
        self._known(number)
        if self.chosen.get(number, {}).get('metadata', {}).get('enabled'):
            raise Refused(400, "Can't delete plugin which is enabled for some environment.")
        del self.plugins[number]
        return 204, None

    def sync(self, _data):
        """Read what is on the disk; nailgun does not make plugins of it."""
        for number, plugin in self.plugins.items():
            self.plugins[number] = dict(self._yaml(plugin, 'metadata.yaml'), id=number)
        return 200, {}

    def nodes(self, _data):
        return 200, [{'id': number, 'status': status, 'name': f'node-{number}', 'cluster': cluster,
                      'ip': f'10.20.0.{number + 2}', 'mac': f'52:54:00:00:00:0{number}', 'roles': [], 'online': True,
                      'pending_roles': [], 'pending_deletion': False, 'group_id': 1}
                     for number, status, cluster in NODES]

    def cluster(self, _data):
        return 200, {'id': 1, 'net_provider': 'neutron'}

    def networks(self, _data):
        return 200, json.loads(NETWORKS.read_text())

    def attributes(self, _data):
        return 200, {'editable': {plugin['name']: self._of_environment(number, plugin)
                                  for number, plugin in self.plugins.items()}}

    def change(self, data):
        """Keep what an environment has set, by the plugin's number as nailgun does."""
        for group in data['editable'].values():
            for version in group['metadata']['versions']:
                self.chosen[version['metadata']['plugin_id']] = {'metadata': group['metadata'], 'version': version}
        return 200, data

    def _of_environment(self, number, plugin):
        chosen = self.chosen.get(number, {})
        fields = self._yaml(plugin, 'environment_config.yaml')['attributes']
        fields = {name: dict(field, value=chosen.get('version', {}).get(name, field).get('value'))
                  for name, field in fields.items() if name != 'metadata'}
        return {'metadata': {'class': 'plugin', 'toggleable': True, 'default': False, 'weight': 70,
                             'label': plugin['title'], 'chosen_id': number,
                             'enabled': chosen.get('metadata', {}).get('enabled', False),
                             'versions': [dict(fields, metadata={
                                 'group': 'network', 'hot_pluggable': plugin.get('is_hotpluggable', False),
                                 'plugin_id': number, 'plugin_version': plugin['version']})]}}

    def _known(self, number):
        if number not in self.plugins:
            raise Refused(404, 'Plugin not found')

    def _yaml(self, plugin, name):
        series = plugin['version'].rpartition('.')[0]
        return yaml.safe_load((self.folder / f'{plugin["name"]}-{series}' / name).read_text())


ROUTES = {('GET', r'version'): Service.version, ('GET', r'plugins/?'): Service.list,
          ('POST', r'plugins/?'): Service.create, ('PUT', r'plugins/(\d+)/?'): Service.update,
          ('DELETE', r'plugins/(\d+)/?'): Service.delete, ('POST', r'plugins/sync/?'): Service.sync,
          ('GET', r'nodes/?'): Service.nodes, ('GET', r'clusters/1/?'): Service.cluster,
          ('GET', r'clusters/1/network_configuration/neutron/?'): Service.networks,
          ('GET', r'clusters/1/attributes/?'): Service.attributes, ('PUT', r'clusters/1/attributes/?'): Service.change}


def main():
    service = Service(sys.argv[2])

    class Handler(BaseHTTPRequestHandler):
        def _answer(self):
            length = int(self.headers.get('Content-Length') or 0)
            data = json.loads(self.rfile.read(length) or 'null')
            try:
                status, body = self._do(data)
            except Refused as refused:
                status, body = refused.args[0], {'message': refused.args[1], 'errors': []}
            self.send_response(status)
            raw = b'' if body is None else json.dumps(body).encode()
            self.send_header('Content-Type', 'application/json')
            self.send_header('Content-Length', str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def _do(self, data):
            for (method, pattern), function in ROUTES.items():
                match = re.fullmatch('/api/v1/' + pattern, self.path)
                if match and method == self.command:
                    return function(service, data, *map(int, match.groups()))
            raise Refused(404, f'{self.command} {self.path}')

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - names of the standard library

        def log_message(self, *_arguments):
            pass

    server = HTTPServer(('127.0.0.1', int(sys.argv[1])), Handler)
    print('ready', flush=True)
    server.serve_forever()


if __name__ == '__main__':
    main()
