# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What systemd is told: sd_notify(3) and its watchdog, without libsystemd.  Under upstart nobody listens."""
from __future__ import absolute_import, print_function, unicode_literals

import os
import re
import socket

from plugin_lib._compat import monotonic

_NUMBER = re.compile(r'^[0-9]{1,15}\Z')


class Notifier(object):
    """Sends states to the service manager.

    :param environment: NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID are taken from it
    """

    def __init__(self, environment):
        # type: (dict) -> None
        address = environment.get('NOTIFY_SOCKET', '')
        # unix(7): an abstract address begins with a zero byte.
        self._address = str('\0' + address[1:] if address[:1] == '@' else address)
        microseconds, pid = environment.get('WATCHDOG_USEC', ''), environment.get('WATCHDOG_PID')
        ours = pid is None or pid == str(os.getpid())
        # sd_watchdog_enabled(3) recommends half of the time.
        self._interval = int(microseconds) / 2e6 if ours and _NUMBER.match(microseconds) else None
        self._pinged = monotonic()

    def send(self, *lines):
        # type: (str) -> None
        """Send ``READY=1`` and the like; a service manager that does not listen is no reason to fail."""
        if self._address[:1] not in ('/', '\0'):
            return
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            connection.setblocking(False)
            connection.sendto('\n'.join(lines).encode('utf-8'), self._address)
        except EnvironmentError:
            pass
        finally:
            connection.close()

    def pause(self):
        # type: () -> float
        """Seconds until the watchdog wants to hear from us; None without one."""
        return None if self._interval is None else max(0.0, self._pinged + self._interval - monotonic())

    def alive(self):
        # type: () -> None
        """Tell the watchdog, when it is time to, that we get on."""
        if self._interval is not None and monotonic() >= self._pinged + self._interval / 2:
            self.send('WATCHDOG=1')
            self._pinged = monotonic()
