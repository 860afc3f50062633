# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Changes through rtnetlink on a running kernel, in a network namespace of their own, under Python 3 and 2.7.

Covered: setting an interface up, removing it, waiting until somebody else's removal is done; bridges, veth pairs, who
is in which bridge, MTUs; addresses that come and go; and the errors for an interface that is not there and for a
kind of link that a parent or kernel does not take. VLAN interfaces: tests/vm/test_bridges.py.
"""
SCRIPT = '''
from __future__ import print_function, unicode_literals
import errno, subprocess
from plugin_lib.effect import rtnetlink
from plugin_lib.host import addresses, netlink
from plugin_lib.host.links import Links, subscribe
from plugin_lib.host.veth import Peers

def refused(act, *arguments):
    try:
        act(*arguments)
    except EnvironmentError as error:
        return errno.errorcode[error.errno]

subprocess.call(['mount', '-t', 'sysfs', 'sysfs', '/sys'])
subprocess.call(['ip', 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1'])
before = Links().read()
told = Peers().fill(dict((name, link._replace(parent=None)) for name, link in before.items()))
assert (told['v0'].peer, told['v1'].peer) == (before['v1'].ifindex, before['v0'].ifindex), 'as kernels before 4.1 tell'
events = subscribe()
rtnetlink.link_up('v0')
assert Links().read()['v0'].flags & 1, 'v0 is not up'
assert events.recv(65536), 'no event'
netlink.drain(events)
assert refused(events.recv, 1) == 'EAGAIN', 'drain has left something'
assert refused(rtnetlink.link_up, 'v9') == 'ENODEV'
assert refused(rtnetlink.delete_link, 'v9') == 'ENODEV'
assert refused(rtnetlink.add_link, 'v9', 'v9.8001', 0x8001) == 'ENODEV'
assert refused(rtnetlink.add_link, 'v0', 'v0.8001', 0x8001) in ('EOPNOTSUPP', 'ENOTSUP', 'EINVAL')
later = subprocess.Popen(['sh', '-c', 'sleep 0.3; ip link delete v0'])
assert rtnetlink.wait_gone('v0')
later.wait()
subprocess.call(['ip', 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1'])
rtnetlink.delete_link('v0')
assert 'v0' not in Links().read()
rtnetlink.add_bridge('br0')
rtnetlink.add_veth('a0', 'a1')
rtnetlink.set_master('a0', 'br0')
rtnetlink.set_mtu('a0', 1400)
made = Links().read()
assert (made['br0'].kind, made['a1'].kind, made['a1'].parent) == ('bridge', 'veth', 'a0')
assert (made['a0'].master, made['a0'].mtu) == ('br0', 1400)
rtnetlink.set_master('a0', None)
assert Links().read()['a0'].master is None
assert refused(rtnetlink.add_bridge, 'a0') == refused(rtnetlink.add_veth, 'a9', 'a0') == 'EEXIST'
assert refused(rtnetlink.set_master, 'a0', 'br9') == 'ENODEV'
assert refused(rtnetlink.set_mtu, 'a0', 10) in ('EINVAL', 'ERANGE')
assert refused(rtnetlink.add_vlan, 'v9', 'v9.201', 201) == 'ENODEV'
for again in range(2):
    rtnetlink.add_address('a1', '192.0.2.1/24')
assert b' 192.0.2.1/24 ' in subprocess.Popen(['ip', 'address', 'show', 'a1'], stdout=subprocess.PIPE).communicate()[0]
assert addresses.read(['a0', 'a1', 'br0', 'v9']) == frozenset(['a1'])
for again in range(2):
    rtnetlink.remove_address('a1', '192.0.2.1/24')
assert addresses.read(['a1']) == frozenset()
rtnetlink.remove_address('v9', '192.0.2.1/24')
assert refused(rtnetlink.add_address, 'v9', '192.0.2.1/24') == 'ENODEV'
for address in ('192.0.2.1/33', '192.0.2.1/abc', '192.0.2/24', 'fd00::1/129', 'br-mgmt', ''):
    assert refused(rtnetlink.remove_address, 'a1', address) == 'EINVAL', address
for again in range(2):
    rtnetlink.add_address('a1', '2001:db8::1/64')
assert b' 2001:db8::1/64 ' in subprocess.Popen(['ip', 'address', 'show', 'a1'], stdout=subprocess.PIPE).communicate()[0]
for again in range(2):
    rtnetlink.remove_address('a1', '2001:db8::1/64')
assert b'2001:db8' not in subprocess.Popen(['ip', 'address', 'show', 'a1'], stdout=subprocess.PIPE).communicate()[0]
rtnetlink.GONE_TIMEOUT = 0.2
assert not rtnetlink.wait_gone('lo')
print('done')
'''


def test_on_this_kernel(unshared):
    assert unshared(SCRIPT) == 'done\n'
