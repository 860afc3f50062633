# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Network namespaces of a running kernel as eipoibd follows them, under Python 3 and 2.7.

Covered: names that come and go wake whoever waits; a namespace whose name goes is let go with its veths; names of
namespaces and interfaces that are not ASCII, where the locale is C.  More namespaces than the caller may have open
files: all are read where its limit can be raised; where it cannot, each one that is left out is told.
"""
SCRIPT = r'''
from __future__ import print_function, unicode_literals
import subprocess
from plugin_lib._compat import readable
from plugin_lib.effect.rtnetlink import wait_gone
from plugin_lib.host.namespaces import Namespaces
from plugin_lib.host.links import Links
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


MANY = r'''
from __future__ import print_function, unicode_literals
import resource, subprocess
from plugin_lib.host.namespaces import Namespaces

subprocess.check_call(['mount', '-t', 'sysfs', 'sysfs', '/sys'])
subprocess.check_call(['mount', '-t', 'tmpfs', 'tmpfs', '/run'])
everything = set('n{0}'.format(number) for number in range(20))
subprocess.check_call(['sh', '-c', 'for n in $(seq 0 19); do ip netns add n$n; done'])
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
for soft, most in ((40, hard), (40, 40)):
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, most))
    namespaces = Namespaces('/')
    namespaces.follow()
    found = set(namespaces.read())
    if most == hard:
        assert (found, namespaces.problems) == (everything, []), namespaces.problems
    else:
        assert found < everything and 'Too many open files' in namespaces.problems[0]
        assert len(found) + len(namespaces.problems) >= 20
    namespaces.close()
print('done')
'''


def test_more_namespaces_than_open_files(unshared):
    assert unshared(MANY) == 'done\n'
