# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""eipoibd's configuration: an INI file with the section ``[eipoibd]``."""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import io
import os
import re
from collections import namedtuple

from plugin_lib._compat import PY2, fs_path, quoted
from plugin_lib.errors import InputError
from plugin_lib.paths import CONFIG_FILE

if PY2:
    from ConfigParser import Error, RawConfigParser  # novm
else:
    from configparser import Error, RawConfigParser  # novm

SECTION = 'eipoibd'
LOG_LEVELS = ('debug', 'info', 'warning', 'error')
_NUMBER = re.compile(r'^[0-9]{1,9}\Z')  # str.isdigit takes what is no digit elsewhere
QUEUE_SIZES = tuple(2 ** power for power in range(1, 14))  # of ib_ipoib: powers of two, 2..8192


class Config(namedtuple('Config',
                        'resync_interval queue_size removal_grace mass_removal_hold vif_grace vif_limit log_level'
                        ' discovery_gate')):
    """The settings.

    :param resync_interval: seconds between passes when nothing happens
    :param queue_size: receive buffers of an IPoIB child, for the memory they take; where ib_ipoib tells its
        recv_queue_size that counts
    :param removal_grace: seconds for which a vanished P_Key keeps its VLAN
    :param mass_removal_hold: the same where more than half of the keys vanished
    :param vif_grace: seconds for which the vif of somebody who no longer talks is kept
    :param vif_limit: how many vifs an EIPOIB interface may have beside those with its own MAC
    :param log_level: the least that is logged
    :param discovery_gate: the file that keeps Fuel's discovery agent from reporting the node, to be removed when an
        interface serves untagged traffic; None: there is no gate
    """

    __slots__ = ()


DEFAULTS = Config(30, 128, 90, 600, 30, 128, 'info', None)

# The greatest value that makes sense, in seconds but for vif_limit; the least of resync_interval is 1, of the others 0.
_GREATEST = {'resync_interval': 3600, 'removal_grace': 86400, 'mass_removal_hold': 7 * 86400, 'vif_grace': 86400,
             'vif_limit': 1024}


def read(path=None):
    # type: (str) -> Config
    """The configuration in a file.

    :param path: None for the default one, which need not exist
    :raises InputError: with file -> section -> key
    """
    parser = RawConfigParser()
    place = path or CONFIG_FILE
    try:
        with io.open(fs_path(place), encoding='utf-8') as stream:
            (parser.readfp if PY2 else parser.read_file)(stream)  # novm
    except EnvironmentError as error:
        if error.errno == errno.ENOENT and path is None:
            return DEFAULTS
        raise InputError('cannot read the configuration', place, error.strerror, 'name another one with --config')
    except (Error, UnicodeDecodeError) as error:
        raise InputError('cannot read the configuration', place, ' '.join(str(error).split()),
                         'write lines such as: resync_interval = 30')
    values = dict(parser.items(SECTION)) if parser.has_section(SECTION) else {}
    for key in sorted(values):
        if key not in Config._fields:
            raise _bad(place, key, 'there is no such setting', 'the settings are: ' + ', '.join(Config._fields))
    return DEFAULTS._replace(**dict((str(key), _value(place, key, values[key])) for key in values))


def of_machine(root):
    # type: (str) -> Config
    """The configuration of eipoibd on the machine below a root folder.  Errors as :func:`read`."""
    path = os.path.join(root, CONFIG_FILE.lstrip('/'))
    return read(path) if os.path.exists(fs_path(path)) else DEFAULTS


def _value(place, key, text):
    if key == 'log_level':
        if text not in LOG_LEVELS:
            raise _bad(place, key, 'not a level: {0}'.format(quoted(text)), 'use one of: ' + ', '.join(LOG_LEVELS))
        return text
    if key == 'discovery_gate':
        if not text.startswith('/') or os.path.normpath(text) != text:
            raise _bad(place, key, 'not the path of a file: {0}'.format(quoted(text)),
                       'use a path such as /etc/nailgun-agent/nodiscover')
        return text
    number = int(text) if _NUMBER.match(text) else None
    if key == 'queue_size':
        if number not in QUEUE_SIZES:
            raise _bad(place, key, 'not the size of a queue: {0}'.format(quoted(text)),
                       'use a power of two from 2 to 8192')
        return number
    least = 1 if key == 'resync_interval' else 0
    if number is None or not least <= number <= _GREATEST[key]:
        raise _bad(place, key, 'not a number{0}: {1}'.format('' if key == 'vif_limit' else ' of seconds', quoted(text)),
                   'use a whole number from {0} to {1}'.format(least, _GREATEST[key]))
    return number


def _bad(place, key, why, todo):
    return InputError('bad configuration', '{0} -> {1} -> {2}'.format(place, SECTION, key), why, todo)
