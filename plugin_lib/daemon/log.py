# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The log: lines of ``key=value`` on stderr, which systemd and upstart both keep."""
from __future__ import absolute_import, print_function, unicode_literals

import json
import re

from plugin_lib._compat import to_text
from plugin_lib.daemon.config import LOG_LEVELS

_BARE = re.compile(r'^[A-Za-z0-9_./:+-]+\Z')


class Log(object):
    """Writes lines such as ``level=info event=vlan eipoib=eth4 vlan=100 state=ok``.

    :param stream: where the lines go
    :param level: the least of config.LOG_LEVELS that is written
    """

    def __init__(self, stream, level='info'):
        # type: (object, str) -> None
        self._stream = stream
        self.level = level

    def write(self, level, event, *fields):
        # type: (str, str, tuple) -> None
        """:param fields: (key, value) pairs; those whose value is None or '' are left out"""
        if LOG_LEVELS.index(level) < LOG_LEVELS.index(self.level):
            return
        pairs = (('level', level), ('event', event)) + fields
        line = ' '.join('{0}={1}'.format(key, _value(value)) for key, value in pairs if value not in (None, ''))
        try:
            self._stream.write(line + '\n')
            self._stream.flush()
        except EnvironmentError:
            pass  # the node's networks matter more than a log that nobody takes any more

    def error(self, event, error):
        # type: (str, object) -> None
        """An InfinibandError, in its parts."""
        self.write('error', event, ('what', error.what), ('where', error.where), ('why', error.why),
                   ('next', error.todo))


def _value(value):
    text = to_text(value)
    return text if _BARE.match(text) else json.dumps(text)
