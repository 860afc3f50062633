# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""A guest: QEMU, emulating the processor too, so that it needs neither privilege nor virtualisation.

    with machine.boot(kernel.prepare()) as guest:
        print(guest.call(inside.run, ['uname', '-r']))
"""
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time

from tests.lab.namespaces import die_with_parent
from tests.vm import agent
from tests.vm.kernel import CHECKOUT, QEMU

MEMORY_MB = 768
BOOT_TIMEOUT = 120
CALL_TIMEOUT = 120


class GuestError(Exception):
    """A function failed in the guest, or the guest itself did."""


class Guest:
    """A running guest.

    :param connection: socket to its agent
    :param console: path of what its kernel says
    """

    def __init__(self, connection, console):
        self._connection = connection
        self._console = console
        self._received = b''

    def wait_ready(self):
        """Until its agent answers; raises GuestError."""
        self._receive(BOOT_TIMEOUT)

    def call(self, function, *arguments, timeout=CALL_TIMEOUT):
        """``function(*arguments)``, in the guest.

        :param function: of a module's top level; the guest imports the same checkout
        :param arguments: what JSON can carry
        :raises GuestError: with the traceback of what it raised there, or when there is no answer in time
        """
        module = function.__module__
        if module == '__main__':
            module = sys.modules[module].__spec__.name
        request = {'module': module, 'function': function.__name__, 'arguments': arguments}
        self._connection.sendall(json.dumps(request).encode() + b'\n')
        reply = self._receive(timeout)
        if 'error' in reply:
            raise GuestError(f'{function.__name__}{arguments}\n{reply["error"]}')
        return reply['value']

    def _receive(self, timeout):
        deadline = time.monotonic() + timeout
        while b'\n' not in self._received:
            self._connection.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                data = self._connection.recv(65536)
            except TimeoutError:
                self._connection.close()  # an answer that comes later would be taken for the next call's
                raise GuestError(f'no answer within {timeout} s; its console:\n{self.console()}')
            if not data:
                raise GuestError(f'the guest has ended; its console:\n{self.console()}')
            self._received += data
        line, self._received = self._received.split(b'\n', 1)
        return json.loads(line)

    def console(self):
        """The end of what its kernel said."""
        with open(self._console, encoding='utf-8', errors='replace') as stream:
            return stream.read()[-6000:]


@contextlib.contextmanager
def boot(kernel):
    """A Guest that runs ``kernel`` (tests.vm.kernel.Kernel) until the end of the block."""
    ours, theirs = socket.socketpair()
    with tempfile.TemporaryDirectory(prefix='infiniband-vm-') as folder, ours:
        with theirs, open(f'{folder}/errors', 'wb') as errors:
            process = subprocess.Popen(_command(kernel, theirs.fileno(), f'{folder}/console'),
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
                                       pass_fds=[theirs.fileno()], preexec_fn=die_with_parent)
        try:
            guest = Guest(ours, f'{folder}/console')
            try:
                guest.wait_ready()
            except (GuestError, OSError) as error:
                with open(f'{folder}/errors', encoding='utf-8', errors='replace') as stream:
                    raise GuestError(f'the guest did not start: {error}\n{stream.read()}')
            yield guest
        finally:
            process.kill()
            process.wait()


def _command(kernel, connection, console):
    words = ['console=ttyS0', 'loglevel=4', 'panic=-1', f'VM_MODULES="{kernel.modules}"',
             f'VM_CHECKOUT="{CHECKOUT}"', f'VM_PYTHON="{os.path.abspath(sys.executable)}"']
    return [QEMU, '-accel', 'tcg', '-cpu', 'max', '-smp', '1', '-m', str(MEMORY_MB), '-nodefaults',
            '-no-user-config', '-display', 'none', '-no-reboot',
            '-kernel', kernel.image, '-initrd', kernel.initramfs, '-append', ' '.join(words),
            '-serial', f'file:{console}',
            '-virtfs', 'local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap',
            '-device', 'virtio-serial-pci', '-chardev', f'socket,id=agent,fd={connection}',
            '-device', f'virtserialport,chardev=agent,name={agent.PORT}',
            # Hardware for which modules have to be found, as in any machine.
            '-netdev', 'user,id=net,restrict=on', '-device', 'e1000,netdev=net']
