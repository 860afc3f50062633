# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""eipoibd in a guest: the program of this checkout as a process; every function here runs in the guest."""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

from tests.vm import inside

RUN_FOLDER = '/run/eipoibd'
CONFIG = '/run/eipoibd.conf'
LOG = '/run/eipoibd.log'
_MAIN = 'import sys; from plugin_lib.daemon.main import main; sys.exit(main())'

_service = None


def once(*options):
    """{'status', 'output'} of ``eipoibd --once``, or of other options."""
    return inside.run([sys.executable, '-c', _MAIN, *(options or ['--once'])])


def configure(**settings):
    with open(CONFIG, 'w', encoding='ascii') as stream:
        stream.write('[eipoibd]\n' + ''.join(f'{key} = {value}\n' for key, value in sorted(settings.items())))


def start(settings, python=sys.executable):
    """Start the service, with the Python of this path."""
    global _service
    configure(**settings)
    with open(LOG, 'ab') as log:
        _service = subprocess.Popen([python, '-c', _MAIN, '--config', CONFIG], stdin=subprocess.DEVNULL, stdout=log,
                                    stderr=log)


def stop(number=signal.SIGTERM):
    """End the service with a signal; its exit status, None when it did not run."""
    global _service
    if _service is None:
        return None
    _service.send_signal(number)
    status = _service.wait(timeout=30)
    _service = None
    return status


def kill_at_random(settings, times, seed, longest):
    """Start the service and kill it at a random moment of its work, ``times`` in a row.

    :param longest: of the times, in seconds, that it gets after the first step
    """
    moments = random.Random(seed)
    for _ in range(times):
        before = _times()
        start(settings)
        inside.until(lambda before=before: _times() != before)
        time.sleep(moments.uniform(0, longest))
        stop(signal.SIGKILL)


def _times():
    """When the ledger was written, right before the first step of a pass, and the status, at a pass's end."""
    paths = [f'{RUN_FOLDER}/{name}' for name in ('children.json', 'status.json')]
    return [os.stat(path).st_mtime_ns for path in paths if os.path.exists(path)]


def log():
    return inside.read(LOG)


def status():
    """The status file, None while there is none."""
    try:
        return json.loads(inside.read(f'{RUN_FOLDER}/status.json'))
    except FileNotFoundError:
        return None


def forget():
    """As if it had never run on this machine."""
    stop(signal.SIGKILL)
    shutil.rmtree(RUN_FOLDER, ignore_errors=True)
    if os.path.exists(LOG):
        os.unlink(LOG)


def until_pass():
    """Wait until the service that was started has made its first pass."""
    inside.until(lambda: (status() or {}).get('pid') == _service.pid)


def until_vlans(expected, timeout=60):
    """Wait until exactly these are served, {EIPOIB interface: sorted VLANs}, and rightly; seconds that it took."""
    def reached():
        try:
            return all(sorted(vlan for _, _, vlan in inside.served_vifs(name)) == wanted
                       for name, wanted in expected.items())
        except OSError:
            return False  # drivers come and go
    try:
        took = inside.until(reached, timeout)
    except TimeoutError as error:
        raise TimeoutError(f'{error}: {inside.read(inside.SERVED)}\n{log()}')
    for name, wanted in expected.items():
        found = inside.vlans(name)
        if found != wanted:
            raise AssertionError(f'{name} serves these with the right MAC and P_Key: {found}')
    return took
