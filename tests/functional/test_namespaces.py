# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Network namespaces of a running kernel as eipoibd follows them, under Python 3 and 2.7.

Covered: names that come and go wake whoever waits; a namespace whose name goes is let go with its veths; names of
namespaces and interfaces that are not ASCII, where the locale is C.
"""
SCRIPT = r'''
from __future__ import print_function, unicode_literals
import subprocess
from plugin_lib._compat import readable
from plugin_lib.effect.rtnetlink import wait_gone
from plugin_lib.host.namespaces import Namespaces
from plugin_lib.host.netlink import Links
from plugin_lib.host.veth import Peers

def ip(*words):
    subprocess.check_call([word.encode('utf-8') for word in ('ip',) + words])

def changed():
    """Whether something wakes; what follows is taken too, so that it is not held for the next change."""
    wakes, ready = False, readable(namespaces.sources(), 30)
    while ready:
        wakes = True
        for source in ready:
            source.drain()
        ready = readable(namespaces.sources(), 0.2)
    namespaces.follow()
    return wakes

subprocess.check_call(['mount', '-t', 'sysfs', 'sysfs', '/sys'])
subprocess.check_call(['mount', '-t', 'tmpfs', 'tmpfs', '/run'])
namespaces = Namespaces('/')
namespaces.follow()
assert namespaces.sources() == [], 'nobody is watched while there is none'
ip('netns', 'add', 'first')
namespaces.follow()
ip('netns', 'add', '\xfc')
assert changed()
second, = [name for name in namespaces.read() if name != 'first']  # spelled as the locale can
ip('link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v\xf6', 'netns', '\xfc')
assert changed() and 'v\xf6' in namespaces.read()[second]
ip('netns', 'delete', '\xfc')
assert changed() and list(namespaces.read()) == ['first']
assert wait_gone('v0'), 'its other end is in a namespace that is kept alive'
ip('link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v\xf6')
there = Links().read()
told = Peers().fill(dict((name, link._replace(parent=None)) for name, link in there.items()))
assert (told['v\xf6'].peer, told['v0'].peer) == (there['v0'].ifindex, there['v\xf6'].ifindex)
namespaces.close()
print('done')
'''


def test_on_this_kernel(unshared):
    assert unshared(SCRIPT) == 'done\n'
