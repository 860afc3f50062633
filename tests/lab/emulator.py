# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The emulated InfiniBand hardware of one node, as a process in the node's network and mount namespaces.

It serves /sys/class from the kernel model, keeps a real tap behind every modelled IPoIB interface, and tells the
fabric which vifs the node has.  :class:`Emulator` starts it; ``python -m tests.lab.emulator`` is it.  It reads
one JSON list a line from stdin, the arguments of :meth:`Emulator.program`, and answers ``done``.
"""
import json
import os
import subprocess
import sys
import threading

from plugin_lib.pkey import DEFAULT_KEY, KEY_MASK
from tests.lab import fuse_sysfs, namespaces, pci
from tests.lab.fabric import UNTAGGED, Cable, Vif, ip, remote_mac
from tests.lab.rootfs import REAL_SYSFS
from tests.lab.taps import IFF_UP, InfinibandTap, Links
from tests.model.kernel import Kernel
from tests.model.listener import Listener

EIPOIB = 'eth4'
PARENT = 'ib0'
HCA = 'mlx4_0'
PCI = '0000:03:00.0'


class Emulator:
    """A running emulation, seen from the lab.

    :param machine: Machine whose hardware this is; its interface EIPOIB exists
    :param pkeys: the P_Key table to begin with, 16-bit values
    :param guid: of the HCA's port, 16 hexadecimal digits
    :param cable: the node's cable, see Fabric.connect
    :param functions: number of the HCA's virtual functions
    """

    def __init__(self, machine, pkeys, guid, cable, functions):
        options = {'root': machine.root, 'pkeys': pkeys, 'guid': guid, 'cable': cable, 'functions': functions}
        self._process = subprocess.Popen(
            machine.beside(sys.executable, '-m', 'tests.lab.emulator', json.dumps(options)),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
            env=dict(os.environ, PYTHONPATH=os.pathsep.join(map(os.path.abspath, sys.path))))
        self._expect('ready')

    def program(self, pkeys, state='ACTIVE', trouble=None):
        """Do to the port what a subnet manager and a cable do; the fabric knows when this returns.

        :param pkeys: the P_Key table, 16-bit values; None leaves it as it is
        :param state: ``DOWN``, ``INIT``, ``ARMED`` or ``ACTIVE``
        :param trouble: an errno that reading any entry gives, or what the first one reads as; None: all is well
        """
        self._process.stdin.write(json.dumps([pkeys, state, trouble]) + '\n')
        self._process.stdin.flush()
        self._expect('done')

    def _expect(self, answer):
        if self._process.stdout.readline().strip() != answer:
            raise RuntimeError('the emulated InfiniBand hardware stopped; the reason is above')


class Hardware(Listener):
    """Keeps the real interfaces and the fabric in step with the model.

    The thread that serves files changes the model.  Another one tells the fabric, whose switch takes 20 ms for what
    is at once on hardware; a vif serves that much after it was written, and many vifs cost little more than one.

    :param cable: the node's Cable
    :param sysfs: the real sysfs of the node's network namespace
    """

    def __init__(self, kernel, cable, sysfs):
        self._kernel = kernel
        self._cable = cable
        self._links = Links(sysfs)
        self._taps = {}
        self._vifs = []
        self._stale = threading.Event()
        self._lock = threading.Lock()

    def created(self, netdev):
        if netdev.is_ipoib:
            self._taps[netdev.name] = InfinibandTap(netdev.name)
            netdev.mtu = int(self._links.read(netdev.name, 'mtu'))
        netdev.ifindex = int(self._links.read(netdev.name, 'ifindex'))

    def deleted(self, netdev):
        if netdev.is_ipoib:
            self._taps.pop(netdev.name).close()

    def looked_at(self, netdev):
        netdev.up = bool(int(self._links.read(netdev.name, 'flags'), 0) & IFF_UP)
        netdev.mtu = int(self._links.read(netdev.name, 'mtu'))
        if netdev.is_ipoib:
            self._taps[netdev.name].up = netdev.up
        else:
            netdev.mac = self._links.read(netdev.name, 'address')

    def follow_slaves(self):
        """Set the taps up and down: eth_ipoib does it with the slaves that it takes and lets go."""
        for child in self._kernel.of_kind('child'):
            if child.up != self._taps[child.name].up:
                self._links.set_up(child.name, child.up)
                self._taps[child.name].up = child.up

    def vifs_changed(self, eipoib):
        self._vifs = self._kernel.vifs(EIPOIB)
        self._stale.set()

    def keep_fabric_in_step(self):
        """Tell the fabric whenever vifs have changed; does not return."""
        while self._stale.wait():
            self._stale.clear()
            self.tell_fabric()

    def tell_fabric(self):
        """A vif serves where its child's P_Key is that of its VLAN, and the active port holds it."""
        with self._lock:
            port = self._kernel.hcas[HCA].ports[1]
            held = {value & KEY_MASK for value in port.pkeys} if port.state == 'ACTIVE' else ()
            lid = int(port.guid[-4:], 16)  # of no account, and another one on each node
            self._cable.carry([
                Vif(mac, UNTAGGED if vlan < 0 else vlan, remote_mac(mac, vlan, lid)) for _slave, mac, vlan, pkey in
                self._vifs if pkey & KEY_MASK in held and pkey & KEY_MASK == (DEFAULT_KEY if vlan < 0 else vlan)])


def main():
    options = json.loads(sys.argv[1])
    namespaces.die_with_parent()
    root = options['root']
    kernel = Kernel(rtnetlink=False, child_index=True)
    port = pci.add_hca(kernel, HCA, PCI, options['guid'], options['functions']).ports[1]
    port.set_pkeys(options['pkeys'])
    hardware = kernel.listener = Hardware(kernel, Cable(options['cable']), f'{root}/{REAL_SYSFS}')
    kernel.add_ipoib(PARENT, port)
    ip('link', 'set', EIPOIB, 'address', kernel.add_eipoib(EIPOIB, PARENT).address)

    def obey():
        for line in sys.stdin:
            pkeys, port.state, trouble = json.loads(line)
            port.table_errno = trouble if isinstance(trouble, int) else None
            port.garbled = {0: trouble} if isinstance(trouble, str) else {}
            if pkeys is not None:
                port.set_pkeys(pkeys)
            hardware.tell_fabric()
            print('done', flush=True)

    for task in (obey, hardware.keep_fabric_in_step):
        threading.Thread(target=task, daemon=True).start()
    tree = fuse_sysfs.sys_class(kernel, f'{root}/{REAL_SYSFS}', f'/{REAL_SYSFS}')
    fuse_sysfs.serve(f'{root}/sys/class', fuse_sysfs.SysfsOperations(
        tree, mounted=lambda: print('ready', flush=True), written=hardware.follow_slaves))


if __name__ == '__main__':
    main()
