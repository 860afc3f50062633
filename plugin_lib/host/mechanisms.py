# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Neutron's mechanism drivers that are installed: neutron-server does not start with the name of one that is not."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib.host import files

GROUP = '[neutron.ml2.mechanism_drivers]'
# Where Debian's packages and pip put what Python 2.7 and 3 import.
_PLACES = ('/usr/lib/python2.7/dist-packages', '/usr/lib/python3/dist-packages',
           '/usr/local/lib/python2.7/dist-packages')


def read(root):
    # type: (str) -> frozenset
    """Their names, as the packages below ``root`` declare them (setuptools' entry_points.txt).

    :raises InputError: when a declaration is there and cannot be read
    """
    found = set()
    for place in _PLACES:
        for path in files.names(root, place):
            if path.endswith(('.egg-info', '.dist-info')):
                found.update(_declared(files.read(root, path + '/entry_points.txt') or ''))
    return frozenset(found)


def _declared(text):
    group = None
    for line in (line.strip() for line in text.splitlines()):
        if line.startswith('['):
            group = line
        elif group == GROUP and '=' in line:
            yield line.partition('=')[0].strip()
