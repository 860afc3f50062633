# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Configuration files of services, and the restart that each change of them needs.

Between the two anything may happen, so a marker says that a service has not read its new configuration yet.  It goes
with a reboot, after which every service has.
"""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib.planning.operations import RemoveFile, RestartService, WriteFile

MARKERS = '/run/fuel-infiniband/restart'


def marker(service):
    # type: (str) -> str
    """Path of the file that is there while a service has to be restarted."""
    return '{0}/{1}'.format(MARKERS, service)


def reconfigure(path, current, wanted, services, pending):
    # type: (str, str, str, tuple, frozenset) -> tuple
    """The operations after which the file at ``path`` is ``wanted`` and its services have read it.

    :param current: its text now
    :param services: names of the services that read it
    :param pending: names of those that have a marker
    """
    operations = ()
    if current != wanted:
        operations = tuple(WriteFile(marker(name), '', 0o600, None) for name in services if name not in pending)
        operations += (WriteFile(path, wanted, None, current),)
    for name in services:
        if current != wanted or name in pending:
            operations += (RestartService(name), RemoveFile(marker(name), '', 0o600))
    return operations
