# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""eipoibd of this checkout on nodes of the lab, for the tests that run it as a process."""
import json
import os
import re
import shutil
import signal
import subprocess
import time

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = '/opt/eipoibd'
CONFIG = '/etc/fuel-infiniband/eipoibd.conf'
STATUS = '/run/eipoibd/status.json'


def install(node):
    """Put eipoibd on a node."""
    shutil.copytree(f'{CHECKOUT}/plugin_lib', node.path(f'{PROGRAM}/plugin_lib'),
                    ignore=shutil.ignore_patterns('__pycache__'))
    shutil.copy(f'{CHECKOUT}/metadata.yaml', node.path(PROGRAM))
    node.write(f'{PROGRAM}/eipoibd', '#!/usr/bin/python3\nimport sys\n'
               'from plugin_lib.daemon.main import main\nsys.exit(main())\n', 0o755)


def eipoibd(node, *options):
    """Run it to its end; the CompletedProcess."""
    return node.run(f'{PROGRAM}/eipoibd', *options, check=False)


class Service:
    """The service on a node; ``with`` stops it."""

    def __init__(self, node):
        self._node = node
        self._before = _pid(node)
        self._process = subprocess.Popen(node.machine.inside(f'{PROGRAM}/eipoibd'), stdin=subprocess.DEVNULL, text=True,
                                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def __enter__(self):
        until(lambda: _pid(self._node) != self._before or self._process.poll() is not None)
        assert self._process.poll() is None, self.end()
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self.signal(signal.SIGKILL)
            self._process.wait()

    def signal(self, number):
        """Send a signal to eipoibd itself, not to what started it in the node."""
        self._node.run('kill', f'-{number.value}', str(status(self._node)['pid']))

    def end(self):
        """(exit status, what it wrote) once it has ended."""
        output, _ = self._process.communicate(timeout=60)
        return self._process.returncode, output


def _pid(node):
    """The process whose status document is there, None for none."""
    return status(node)['pid'] if os.path.exists(node.path(STATUS)) else None


def status(node):
    """The service's status document."""
    return json.loads(node.read(STATUS))


def vlans(node):
    """VLANs that the service says it serves."""
    return status(node)['interfaces']['eth4']['vlans']


def served(node):
    """What the kernel says is served: ``VLAN=100``..., as far as its page reaches."""
    return sorted(row.split()[-1] for row in node.read('/sys/class/net/eth4/eth/vifs').splitlines())


def process(node):
    """{field of the service's /proc/PID/status: number}."""
    return {name: int(number) for name, number in re.findall(r'^(\w+):\s+(\d+)', node.run(
        'cat', f'/proc/{status(node)["pid"]}/status').stdout, re.MULTILINE)}


def until_asleep(node, seconds=1):
    """Wait until the service has slept so long: the pass that its own link events brought about is over."""
    def slept():
        before = process(node)['voluntary_ctxt_switches']
        time.sleep(seconds)
        return process(node)['voluntary_ctxt_switches'] == before

    until(slept)


def until(condition, patience=60):
    """Wait for a condition; AssertionError after so many seconds."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f'it did not come to this in {patience} seconds'
        time.sleep(0.02)


def until_equal(read, expected, patience=60):
    """Wait until ``read()`` gives what is expected; AssertionError with both after so many seconds."""
    deadline = time.monotonic() + patience
    while (now := read()) != expected:
        assert time.monotonic() < deadline, f'after {patience} seconds it is\n{now}\nand not\n{expected}'
        time.sleep(0.02)
