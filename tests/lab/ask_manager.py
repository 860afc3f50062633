# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Asks for the subnet manager as the product does: ``python -m tests.lab.ask_manager HCA LID...`` in the simulator.

A line of JSON for each LID: [port GUID, state], or null where it cannot be asked.  The library that connects to the
simulator replaces the C library's ``open`` alone, so that is called here in the place of Python's; and it reads
messages as libibumad told it at its last opening of a port.
"""
import ctypes
import json
import os
import sys

from plugin_lib.host import manager
from plugin_lib.host.state import Port


def main():
    hca, *lids = sys.argv[1:]
    libc, libibumad = ctypes.CDLL(None, use_errno=True), ctypes.CDLL('libibumad.so.3')

    def opened(path, flags):
        descriptor = libc.open(os.fsencode(path), flags)
        if descriptor < 0:
            raise OSError(ctypes.get_errno(), path)
        return descriptor

    libibumad.umad_close_port(libibumad.umad_open_port(hca.encode(), 1))
    os.open = opened
    for lid in map(int, lids):
        print(json.dumps(manager.ask(Port(hca, 1, None, 'ACTIVE', 'InfiniBand', 1, lid, None, (), (), None))))


if __name__ == '__main__':
    main()
