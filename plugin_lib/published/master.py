# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The REST API of the Fuel master, as python-fuelclient talks to it: keystone's token first, where it asks for one."""
from __future__ import absolute_import, print_function, unicode_literals

import json
import os
from contextlib import closing

from plugin_lib._compat import text_type, to_text
from plugin_lib.errors import InputError
from plugin_lib.published.document import load
from plugin_lib.published.networks import MOST_BYTES

try:
    from http.client import HTTPException  # novm
    from urllib.error import HTTPError  # novm
    from urllib.request import ProxyHandler, Request, build_opener  # novm
except ImportError:  # Python 2
    from httplib import HTTPException  # novm
    from urllib2 import HTTPError, ProxyHandler, Request, build_opener  # novm

URL = 'http://127.0.0.1:8000'
ACCESS = '/etc/fuel/astute.yaml'
TIMEOUT = 30  # seconds

WHAT = 'cannot ask the Fuel master'
ADDRESS = 'run it on the master, or name its address with --api'


class Master(object):
    """Asks a Fuel master.

    The administrator is that of OS_USERNAME, OS_PASSWORD and OS_TENANT_NAME, else the one in the master's own file.

    :param url: of its web server: ``http://10.20.0.2:8000``
    """

    def __init__(self, url=URL):
        # type: (str) -> None
        self._url = url.rstrip('/')
        self._headers = {'Content-Type': 'application/json', 'Accept': 'application/json'}
        # The master is near; a proxy is for what is far.
        self._opener = build_opener(ProxyHandler({}))
        self._knows_us = False

    def networks(self, cluster):
        # type: (int) -> tuple
        """(the network_configuration of an environment, its address).

        :raises InputError: when it cannot be had
        """
        provider = self._get('clusters/{0}/'.format(cluster)).get('net_provider')
        path = 'clusters/{0}/network_configuration/{1}/'.format(
            cluster, 'nova_network' if provider == 'nova_network' else 'neutron')
        return self._get(path), '{0}/api/v1/{1}'.format(self._url, path)

    def _get(self, path):
        if not self._knows_us:
            # Masters up to 6.0 know no version without a token, and none without authentication.
            if self._ask('/api/v1/version', may_refuse=True).get('auth_required', True):
                self._headers['X-Auth-Token'] = self._token()
            self._knows_us = True
        return self._ask('/api/v1/' + path)

    def _token(self):
        user, password, tenant = _credentials()
        answer = self._ask('/keystone/v2.0/tokens', {'auth': {
            'tenantName': tenant, 'passwordCredentials': {'username': user, 'password': password}}})
        try:
            return text_type(answer['access']['token']['id'])
        except (KeyError, TypeError):
            raise InputError(WHAT, self._url, 'keystone answers without a token', 'look at it with: fuel token')

    def _ask(self, path, body=None, may_refuse=False):
        """The mapping that the master answers; an empty one where it refuses, if it may."""
        url = self._url + path
        data = None if body is None else json.dumps(body).encode('utf-8')
        try:
            with closing(self._opener.open(Request(url, data, self._headers), timeout=TIMEOUT)) as stream:
                raw = stream.read(MOST_BYTES)
        except HTTPError as error:
            if may_refuse and error.code == 401:
                return {}
            raise InputError(WHAT, url, 'HTTP status {0}'.format(error.code), {
                401: 'set OS_USERNAME and OS_PASSWORD to those of an administrator of the master',
                404: 'see the numbers of environments with: fuel env'}.get(error.code, 'see the log of nailgun'))
        except (EnvironmentError, HTTPException, ValueError) as error:  # no connection, no such host, no URL
            raise InputError(WHAT, url, getattr(error, 'reason', None) or error, ADDRESS)
        try:
            answer = json.loads(raw.decode('utf-8'))
        except (ValueError, RuntimeError):  # RuntimeError: nested too deeply for Python
            answer = None
        if not isinstance(answer, dict):
            raise InputError(WHAT, url, 'its answer is not that of the API', ADDRESS)
        return answer


def _credentials():
    """(user, password, tenant) of the administrator."""
    user, password = os.environ.get('OS_USERNAME'), os.environ.get('OS_PASSWORD')
    if not (user and password):
        access = load(ACCESS)[0].section('FUEL_ACCESS')
        user, password = access.name('user'), access.name('password')
    # On Python 2 the environment is bytes, and json.dumps takes UTF-8 only.
    return to_text(user), to_text(password), to_text(os.environ.get('OS_TENANT_NAME', 'admin'))
