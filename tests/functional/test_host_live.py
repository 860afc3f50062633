# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Reading the running kernel: drivers as ``ethtool -i`` shows them, links as ``ip`` lists them, interfaces that vanish.

Each test runs its body as a program in a network namespace of its own, under this Python and, where there is one, under
Python 2.7. Needs root (or user namespaces), ``unshare``, ``ip`` and ``ethtool``.
"""
import json
import os
import shutil
import subprocess
import sys

import pytest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..'))

UNSHARE = ['unshare', '--net'] if os.geteuid() == 0 else ['unshare', '--map-root-user', '--net']
INTERFACES = """
link add veth0 type veth peer name veth1
link add bridge0 type bridge
link set veth1 master bridge0 up
tuntap add tap0 mode tap
"""
PROLOGUE = """
from __future__ import print_function, unicode_literals
import json, os, subprocess
from plugin_lib.host import machine
from plugin_lib.host.links import Links
from plugin_lib.host.source import Live, open_root
"""


def python27():
    """A Python 2.7 that starts, or None (a version manager's stub may be there without one)."""
    for name in (os.path.join(ROOT, '.venv27', 'bin', 'python'), 'python2.7'):
        path = shutil.which(name)
        if path and subprocess.call([path, '-c', 'pass'], stderr=subprocess.DEVNULL) == 0:
            return path
    return None


@pytest.fixture(scope='module', params=['this Python', 'Python 2.7'])
def interpreter(request):
    missing = [name for name in ('unshare', 'ip', 'ethtool') if not shutil.which(name)]
    if missing:
        pytest.skip('not installed: ' + ' '.join(missing))
    if subprocess.call(UNSHARE + ['true'], stderr=subprocess.DEVNULL):
        pytest.skip('not allowed to make a network namespace (not root, and no user namespaces)')
    path = sys.executable if request.param == 'this Python' else python27()
    if path is None:
        pytest.skip('no Python 2.7 here')
    return path


def in_namespace(interpreter, body, batch=INTERFACES):
    """What ``body`` prints as JSON, run with the interfaces of an ``ip`` batch."""
    script = 'ip -batch - && exec "$0" -c "$1"'
    result = subprocess.run(UNSHARE + ['sh', '-c', script, interpreter, PROLOGUE + body], input=batch.encode(),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, cwd=ROOT,
                            env=dict(os.environ, PYTHONPATH=ROOT))
    assert result.returncode == 0, result.stderr.decode()
    return json.loads(result.stdout.decode())


def test_drivers_are_those_of_ethtool(interpreter):
    answers = in_namespace(interpreter, """
source = Live()
answers = {}
for name in source.links():
    process = subprocess.Popen(['ethtool', '-i', name], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    lines = process.communicate()[0].decode().splitlines()
    shown = dict(line.split(': ', 1) for line in lines if ': ' in line)
    answers[name] = [list(source.drvinfo(name)),
                     [None, None] if process.returncode else [shown.get('driver', ''), shown.get('bus-info', '')]]
print(json.dumps(answers))
""")
    assert set(answers) >= {'lo', 'veth0', 'veth1', 'bridge0', 'tap0'}
    assert answers['lo'] == [[None, None], [None, None]]
    assert answers['tap0'][0] == ['tun', 'tap']
    for name, (ours, ethtools) in answers.items():
        assert ours == ethtools, name


def test_links_are_those_of_ip(interpreter):
    ours, ips = in_namespace(interpreter, """
links = dict((name, link._asdict()) for name, link in Live().links().items())
listing = subprocess.Popen(['ip', '-details', '-json', 'link'], stdout=subprocess.PIPE).communicate()[0].decode()
print(json.dumps([links, json.loads(listing)]))
""")
    assert sorted(ours) == sorted(link['ifname'] for link in ips)
    for theirs in ips:
        link = ours[theirs['ifname']]
        assert (link['ifindex'], link['mtu'], link['address'], link['parent'], link['master']) == (
            theirs['ifindex'], theirs['mtu'], theirs['address'], theirs.get('link'), theirs.get('master'))
        assert link['state'] == theirs['operstate'].lower()
        assert bool(link['flags'] & 1) == ('UP' in theirs['flags'])
        assert link['kind'] == theirs.get('linkinfo', {}).get('info_kind')


def test_a_long_list_takes_several_datagrams(interpreter):
    batch = ''.join('link add v{0} type veth peer name w{0}\n'.format(number) for number in range(150))
    first, again = in_namespace(interpreter, """
links = Links()
print(json.dumps([sorted(links.read()), sorted(links.read())]))
""", batch)
    assert first == again
    assert set(first) >= {'{0}{1}'.format(letter, number) for letter in 'vw' for number in range(150)}


def test_a_change_is_seen_by_the_next_dump(interpreter):
    before, after = in_namespace(interpreter, """
links = Links()
before = links.read()
subprocess.Popen(['ip', 'link', 'set', 'veth0', 'up', 'mtu', '1400', 'name', 'eth4']).wait()
print(json.dumps([before['veth0']._asdict(), links.read()['eth4']._asdict()]))
""")
    assert (before['mtu'], before['flags'] & 1, after['mtu'], after['flags'] & 1) == (1500, 0, 1400, 1)
    assert before['ifindex'] == after['ifindex']


def test_an_interface_deleted_while_reading_is_absent(interpreter):
    """The link list is old by the time the driver is asked for."""
    names, problems = in_namespace(interpreter, """
source = Live()
listed = source.links()
subprocess.Popen(['ip', 'link', 'del', 'veth0']).wait()
source.links = lambda: listed
host = machine.read(source)
print(json.dumps([sorted(host.interfaces), host.problems]))
""")
    assert not {'veth0', 'veth1'} & set(names)
    assert {'lo', 'bridge0', 'tap0'} <= set(names)
    assert problems == []


def test_interfaces_come_and_go_all_the_time(interpreter):
    """Whatever a dump hits, it ends, and what stays is in each of them."""
    complete, problems = in_namespace(interpreter, """
churn = subprocess.Popen(['sh', '-c', '''
    for turn in $(seq 1000); do
        for number in 1 2 3 4 5 6 7 8; do echo link add c$number type veth peer name d$number; done
        for number in 1 2 3 4 5 6 7 8; do echo link del c$number; done
    done | ip -force -batch -'''], preexec_fn=os.setsid)
try:
    source, hosts = Live(), []
    while len(hosts) < 50 or len(set(len(host.interfaces) for host in hosts)) < 3:
        hosts.append(machine.read(source))
finally:
    os.killpg(churn.pid, 9)
    churn.wait()
stay = set(['lo', 'bridge0', 'tap0', 'veth0', 'veth1'])
print(json.dumps([all(stay <= set(host.interfaces) for host in hosts),
                  [host.problems for host in hosts if host.problems]]))
""")
    assert complete and problems == []


def test_a_missing_interface_has_no_driver(interpreter):
    number, filename = in_namespace(interpreter, """
try:
    Live().drvinfo('none')
except EnvironmentError as error:
    print(json.dumps([error.errno, error.filename]))
""")
    assert (number, filename) == (19, 'none')


def test_a_machine_without_infiniband_says_so(interpreter):
    """sysfs is the machine's here: a machine with InfiniBand is skipped."""
    if os.path.isdir('/sys/class/infiniband') and os.listdir('/sys/class/infiniband'):
        pytest.skip('this machine has InfiniBand')
    document, table = in_namespace(interpreter, """
from plugin_lib.views import discover
host = machine.read(open_root('/'))
print(json.dumps([discover.document(host), discover.table(host)]))
""")
    assert document['infiniband'] is False and document['problems'] == []
    assert document['interfaces']['veth1']['master'] == 'bridge0'
    assert table.startswith('no InfiniBand on this machine')


def test_a_capture_of_this_machine_reads_the_same(interpreter, tmp_path):
    same, interfaces = in_namespace(interpreter, """
from plugin_lib.host.capture import capture
host = capture(open_root('/'), {0!r})
print(json.dumps([machine.read(open_root({0!r})) == host, sorted(host.interfaces)]))
""".format(str(tmp_path / interpreter.strip('/').replace('/', '-'))))
    assert same and 'veth0' in interfaces


def test_links_are_listed_anew_when_one_of_them_changed(interpreter):
    answers = in_namespace(interpreter, """
links = Links()
first = links.read()
answers = [links.read() is first]
subprocess.check_call(['ip', 'link', 'set', 'veth0', 'address', '02:00:00:00:00:09'])
answers.append(links.read()['veth0'].address)
batch = ''.join('link set veth0 %s\\n' % ('up', 'down')[number % 2] for number in range(600))  # ENOBUFS
process = subprocess.Popen(['ip', '-batch', '-'], stdin=subprocess.PIPE)
process.communicate((batch + 'link set tap0 name tap9\\n').encode())
answers.append('tap9' in links.read())
second = links.read()
answers.append(links.read() is second)
print(json.dumps(answers))
""")
    assert answers == [True, '02:00:00:00:00:09', True, True]
