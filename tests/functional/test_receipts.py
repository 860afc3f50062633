# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Receipts on a deployed node of the lab: a hook that found nothing to do looks again when something has changed.

Covered: each thing that a hook looks at (published data, configuration, interfaces, Open vSwitch, what eipoibd saw,
the service itself, the receipt; of virtual functions their number and drivers, and nova's file) is changed in turn; the
next run looks, and mends what is to be mended.  Keys and GUIDs of virtual functions are mended by their service.
"""
import os
import signal
from functools import partial

from plugin_lib.host.sriov import DEVICES
from plugin_lib.paths import CONFIG_FILE, MODPROBE_FILE, OWN_HIERA_FILE, PASSTHROUGH_NOTE, RUN_FOLDER, SRIOV_MEMORY
from plugin_lib.planning import sriov
from plugin_lib.planning.passthrough import NOVA
from tests.functional.eipoibd_node import status, until
from tests.lab import astute, hooks, lab
from tests.lab.emulator import HCA, PCI
from tools import packages

AS_BEFORE = 'nothing to do, as before'


def run(node, hook):
    done = node.run('/usr/bin/fuel-infiniband', 'hook', hook, check=False)
    return done.returncode, done.stdout + done.stderr


def settle(node, hook):
    """Run it until it finds all as before: once for what is to be done, once to look, or more often if eipoibd tells
    of its own changes meanwhile."""
    until(lambda: AS_BEFORE in run(node, hook)[1])


def assert_looks(node, hook, after, expected='nothing to do', code=0):
    """After the change the hook looks again, and says so."""
    settle(node, hook)
    after()
    got, output = run(node, hook)
    assert AS_BEFORE not in output and expected in output and got == code, output


def body(made):
    plugin = packages.unpack(packages.build('fuel8'), f'{made.folder}/master')
    node = made.add_node(astute.PKEYS)
    text = astute.render(astute.MEMBERS[0])
    hooks.deploy(node, plugin, text)
    receipt = '/run/fuel-infiniband/vlans'

    for hook in ('drivers', 'vlans', 'ovs'):
        assert_looks(node, hook, partial(node.write, '/etc/astute.yaml', text + f'# {hook}\n', mode=0o600))
        assert_looks(node, hook, partial(node.run, 'ip', 'link', 'add', 'new-' + hook, 'type', 'bridge'))
        assert_looks(node, hook, partial(node.write, '/run/fuel-infiniband/' + hook, 'garbage'))
    assert os.stat(node.path(receipt)).st_mode & 0o777 == 0o600

    # What is to be mended is mended.
    assert_looks(node, 'drivers', partial(node.write, MODPROBE_FILE, ''), 'modprobe')
    assert_looks(node, 'drivers', partial(node.run, 'rm', MODPROBE_FILE), 'modprobe')
    assert_looks(node, 'vlans', partial(node.write, CONFIG_FILE, '[eipoibd]\nresync_interval = 60\n'), 'configuration')
    port = node.run('ovs-vsctl', 'list-ports', 'br-prv').stdout.split()[0]
    assert_looks(node, 'ovs', partial(node.run, 'ovs-vsctl', 'del-port', 'br-prv', port), 'done')
    assert port in node.run('ovs-vsctl', 'list-ports', 'br-prv').stdout.split()

    node.write('/etc/astute.yaml', text.replace('storage_rdma: false', 'storage_rdma: true'), mode=0o600)
    assert_looks(node, 'storage', partial(node.write, OWN_HIERA_FILE, ''), 'done')

    # A P_Key that the fabric takes away: eipoibd sees it, and so does the hook.
    def take_away():
        before = status(node)['updated'], status(node)['interfaces']
        node.emulator.program(astute.PKEYS[:-1])
        node.run('kill', f'-{signal.SIGHUP.value}', str(status(node)['pid']))
        until(lambda: (status(node)['updated'], status(node)['interfaces']) != before)

    assert_looks(node, 'vlans', take_away, 'P_Key', code=1)
    node.emulator.program(astute.PKEYS)

    # Without eipoibd nobody watches: every run looks, until it runs again.
    def stop():
        node.run('kill', str(status(node)['pid']))
        until(lambda: not locked(node))

    assert_looks(node, 'vlans', stop, 'it does not run')
    settle(node, 'vlans')

    # Open vSwitch's database says the same, but nobody does it any more.
    def stop_switch():
        node.run('kill', '-9', node.read('/run/openvswitch/ovs-vswitchd.pid').strip())
        node.run('ovs-vsctl', '--no-wait', 'set', 'Open_vSwitch', '.', 'next_cfg=9999')

    assert_looks(node, 'ovs', stop_switch, 'ovs-vswitchd has not taken the configuration', code=3)
    assert run(node, 'ovs')[0] == 3
    got, output = run(node, 'verify')
    assert got == 1 and 'FAIL' in output and 'check that ovs-vswitchd runs' in output


def locked(node):
    return node.run('flock', '--nonblock', f'{RUN_FOLDER}/lock', 'true', check=False).returncode != 0


def guests(made):
    plugin = packages.unpack(packages.build('fuel8'), f'{made.folder}/master')
    node = made.add_node(astute.PKEYS, functions=2)
    text = astute.render(astute.MEMBERS[1]).replace('sriov: false', 'sriov: true').replace("vfs: '8'", "vfs: '2'")
    node.write(NOVA, '[DEFAULT]\n')
    hooks.deploy(node, plugin, text)
    iov, device = f'/sys/class/infiniband/{HCA}/iov', f'{DEVICES}/{PCI}'
    table, virtual = f'{iov}/0000:03:00.1/ports/1/pkey_idx', f'{DEVICES}/0000:03:00.2'

    # The service mends tables, whatever the hook finds; the hook mends the rest.
    for path, was in ((f'{table}/126', '3\n'), (f'{table}/0', 'none\n'), (f'{iov}/ports/1/admin_guids/2', '1\n')):
        now = node.read(path)
        assert now != was
        settle(node, 'sriov')
        node.run('sh', '-c', f'echo {was.strip()} > {path}')
        until(lambda path=path, now=now: node.read(path) == now)
    for hook, path in (('sriov', SRIOV_MEMORY), ('sriov', sriov.MODPROBE_FILE), ('passthrough', PASSTHROUGH_NOTE)):
        assert_looks(node, hook, partial(node.run, 'rm', path), '')
        assert os.path.exists(node.path(path))
    assert_looks(node, 'passthrough', partial(node.write, NOVA, '[DEFAULT]\n'), '')
    assert node.read(NOVA).count('\npci_passthrough_whitelist') == 2
    stop = partial(node.run, 'systemctl', 'stop', 'fuel-infiniband-sriov')
    assert_looks(node, 'sriov', stop, 'it does not run')

    # What is not theirs to mend is told as long as it is so.
    for change in (partial(node.run, 'ln', '-s', '../0000:03:00.3', f'{device}/virtfn2'),
                   partial(node.write, '/etc/astute.yaml', text.replace("vfs: '2'", "vfs: '1'"), mode=0o600)):
        for hook in ('sriov', 'passthrough'):
            settle(node, hook)
        change()
        for hook in ('sriov', 'sriov', 'passthrough'):
            assert 'reboot the node' in run(node, hook)[1]
        node.run('rm', '-f', f'{device}/virtfn2')
        node.write('/etc/astute.yaml', text, mode=0o600)

    before = node.read(f'{table}/0')
    node.emulator.program([astute.PKEYS[0], 0, *astute.PKEYS[1:]])
    until(lambda: node.read(f'{table}/0') != before)
    for change in (partial(node.run, 'ln', '-sf', '../../../bus/pci/drivers/vfio-pci', f'{virtual}/driver'),
                   partial(node.run, 'rm', f'{virtual}/driver'),
                   partial(node.write, f'{device}/sriov_totalvfs', '16\n'),
                   partial(node.write, '/etc/modprobe.d/another.conf', 'options x y=1\n')):
        assert_looks(node, 'passthrough', change, '')


def test_a_hook_looks_again_when_anything_has_changed(level_1):
    assert lab.run(body) in (0, None), 'what failed in the lab is on stderr'


def test_a_hook_looks_again_when_anything_of_virtual_functions_has_changed(level_1):
    assert lab.run(guests) in (0, None), 'what failed in the lab is on stderr'
