# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What the tests do to the kernel of a guest; every function here runs there, and takes and gives what JSON carries."""
import errno
import glob
import os
import re
import subprocess
import time

from plugin_lib.planning import modprobe
from plugin_lib.planning.drivers import MODPROBE_FILE

CARD = '/sys/bus/pci/devices/0000:03:00.0/modalias'
HCA = '/sys/kernel/debug/standin_hca'
SERVED = '/sys/kernel/debug/standin_eth_ipoib/served'
NET = '/sys/class/net'
# As eth_ipoib's users unload them; mlx4_core goes with the last.
_UNLOADING = ('eth_ipoib', 'ib_ipoib', 'mlx4_ib', 'mlx4_en', 'mlx4_core', 'standin_pci')


def run(argv):
    """{'status', 'output'} of a program; its errors are in the output."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return {'status': done.returncode, 'output': done.stdout}


def must(*argv):
    """A program that has to succeed; its output."""
    done = run(argv)
    if done['status']:
        raise RuntimeError(f'{argv}: {done["output"]}')
    return done['output']


def read(path):
    with open(path, encoding='utf-8') as stream:
        return stream.read()


def write(path, text):
    """One write() without a buffer."""
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def until(condition, timeout=60):
    """Wait for ``condition()``; how long it took in seconds."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > timeout:
            raise TimeoutError(f'it did not come to this in {timeout} s')
        time.sleep(0.005)
    return time.monotonic() - started


def until_text(path, expected):
    """Wait until a file holds just this."""
    return until(lambda: read(path).strip() == expected)


def complaints():
    """What the kernel has found wrong with itself, the stand-ins being part of it."""
    return [line for line in must('dmesg').splitlines() if re.search(r'WARNING:|BUG:|Oops|Call Trace|hung task', line)]


# Modules.

def loaded():
    """Names of the loaded modules, in the order in which they were loaded."""
    return [line.split()[0] for line in reversed(read('/proc/modules').splitlines())]


def configure(queue_size=128):
    """The modprobe configuration, as the drivers hook writes it."""
    with open(MODPROBE_FILE, 'w', encoding='ascii') as stream:
        stream.write(modprobe.text(queue_size))


def cold_plug():
    """Load what the hardware asks for: each device's alias to modprobe, as udev does when a machine starts."""
    for path in glob.glob('/sys/bus/*/devices/*/modalias'):
        run(['modprobe', '-q', '-b', read(path).strip()])


def plug_in():
    """A card is there, and its uevent loads its driver."""
    must('modprobe', 'standin_pci')
    must('modprobe', '-b', read(CARD).strip())


def unplug():
    """Unload the drivers and take the card out."""
    for name in _UNLOADING:
        if name in loaded():
            must('modprobe', '-r', name)


def reload_drivers():
    """What restarting Mellanox's openibd does: the drivers go and come under whoever uses them."""
    unplug()
    plug_in()


# The world outside.

def program(port, values):
    """The subnet manager sets a port's P_Key table."""
    write(f'{HCA}/port{port}/pkeys', ' '.join(f'0x{value:04x}' for value in values))


def set_port(port, knob, text):
    """See modules/hca_control.c: ``state``, ``guid``, ``lid``, ``sm_lid``, ``reregister``."""
    write(f'{HCA}/port{port}/{knob}', text)


def silence(silent):
    """Whether changes make no event."""
    write(f'{HCA}/silent', '1' if silent else '0')


# What is there.

def eipoibs():
    """{EIPOIB interface: IPoIB interface}."""
    rows = [line.split() for line in read(f'{NET}/eth_ipoib_interfaces').splitlines()]
    return {row[0]: row[-1] for row in rows}


def served_vifs(name):
    """Sorted [slave, MAC, VLAN or -1: untagged] that an EIPOIB interface really serves."""
    return sorted([slave, mac, int(vlan)] for slave, mac, vlan, _ in _served(name))


def served_since(name):
    """{VLAN or -1: when its vif was made, as time.monotonic() counts}."""
    return {int(vlan): int(since) / 1e9 for _, _, vlan, since in _served(name)}


def _served(name):
    return [row for eipoib, *row in map(str.split, read(SERVED).splitlines()) if eipoib == name]


def vlans(name):
    """Sorted VLANs, -1: untagged, that are served with the interface's own MAC by a slave of the same P_Key."""
    own, pkeys = read(f'{NET}/{name}/address').strip(), pkeys_of_links()
    return sorted(vlan for slave, mac, vlan in served_vifs(name)
                  if mac == own and pkeys.get(slave) == (0xffff if vlan == -1 else 0x8000 | vlan))


def pkeys_of_links():
    """{IPoIB interface: P_Key}."""
    found = {}
    for line in must('ip', '-d', '-o', 'link', 'show', 'type', 'ipoib').splitlines():
        words = line.split()
        found[words[1].rstrip(':').split('@')[0]] = int(words[words.index('pkey') + 1], 16)
    return found


def children():
    """Sorted names of the IPoIB children."""
    return sorted(name for name in os.listdir(NET) if name.startswith('ib') and '.' in name)


def attempt(path, text):
    """One write(): 'ok', or the name of the error with which the kernel refuses it."""
    try:
        write(path, text)
    except OSError as error:
        return errno.errorcode[error.errno]
    return 'ok'
