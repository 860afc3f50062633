# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Drivers of 200 interfaces: our ioctl against a process of ethtool each, in a network namespace of its own."""
from __future__ import annotations

import json
import os
import subprocess
import sys

from plugin_lib.host.drvinfo import DrvInfo
from tools.bench.measure import ROOT, at_least, in_turn


def results():
    own = ['unshare', '--net'] if os.geteuid() == 0 else ['unshare', '--map-root-user', '--net']
    inner = subprocess.run([*own, sys.executable, '-m', 'tools.bench.drvinfo'], cwd=ROOT, check=True,
                           stdout=subprocess.PIPE)
    ours, theirs = json.loads(inner.stdout)
    return [at_least('GDRVINFO of 200 interfaces, against forking ethtool -i', ours, theirs, 100)]


def main():
    pairs = ''.join(f'link add veth{pair}a type veth peer name veth{pair}b\n' for pair in range(100))
    subprocess.run(['ip', '-batch', '-'], input=pairs, text=True, check=True)
    names = [f'veth{pair}{end}' for pair in range(100) for end in 'ab']

    def ours():
        reader = DrvInfo()
        assert all(reader.read(name)[0] == 'veth' for name in names)

    def theirs():
        for name in names:
            subprocess.run(['ethtool', '-i', name], check=True, stdout=subprocess.DEVNULL)

    print(json.dumps(in_turn(5, ours, theirs)))


if __name__ == '__main__':
    main()
