# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""In the guest: calls the functions that the harness names, and answers with what they return.

One JSON document a line, over a port of virtio-serial. It ends with the connection, and the guest ends with it.
"""
import glob
import importlib
import json
import traceback

PORT = 'tests.vm'


def find_port():
    """The device file of the port to the harness."""
    for name_file in glob.glob('/sys/class/virtio-ports/*/name'):
        with open(name_file, encoding='ascii') as stream:
            if stream.read().strip() == PORT:
                return '/dev/' + name_file.split('/')[-2]
    raise FileNotFoundError(f'no virtio-serial port called {PORT}')


def answer(request):
    """The reply to {'module', 'function', 'arguments'}: {'value'} or {'error': traceback}."""
    try:
        function = getattr(importlib.import_module(request['module']), request['function'])
        return {'value': function(*request['arguments'])}
    except Exception:  # whatever it is, it is the answer
        return {'error': traceback.format_exc()}


def send(port, document):
    """One line; the kernel takes 32 KB of it at a time."""
    line = json.dumps(document).encode() + b'\n'
    while line:
        line = line[port.write(line):]


def main():
    with open(find_port(), 'r+b', buffering=0) as port:
        send(port, 'ready')
        received = b''
        while True:
            data = port.read(65536)
            if not data:
                return
            *lines, received = (received + data).split(b'\n')
            for line in lines:
                send(port, answer(json.loads(line)))


if __name__ == '__main__':
    main()
