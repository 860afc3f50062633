# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""nova's and neutron's files beyond the cases of tests/cases/sriov: what others add, services that are not there yet,
mechanism drivers of packages.
"""
from __future__ import absolute_import, print_function, unicode_literals

import os

import pytest

from plugin_lib import guests
from plugin_lib.host import mechanisms
from plugin_lib.planning.passthrough import ML2, NOVA


def test_what_another_plugin_adds_to_nova_meanwhile_stays(case):
    made = case('connectx3-compute')
    made.play()
    theirs = 'pci_passthrough_whitelist = {"address": "0000:07:00.1"}\n'
    made.write(NOVA, made.read(NOVA).replace('\n[libvirt]', theirs + '\n[libvirt]'))
    assert not any(line.startswith('  ') for line in made.run())
    made.switch('sriov', 'false')
    made.play()
    assert theirs in made.read(NOVA) and '0000:03' not in made.read(NOVA)


def test_services_that_are_not_installed_yet_are_told(case):
    made = case('controller')
    for path in (NOVA, ML2):
        os.unlink(made.root + path)
    told = made.run()
    assert 'found: /etc/nova/nova.conf: not there yet: its service is not installed' in told
    assert not any('rewrite' in line for line in told)


@pytest.mark.parametrize('place', [
    'usr/lib/python2.7/dist-packages/networking_mlnx-7.0.egg-info/entry_points.txt',
    'usr/lib/python3/dist-packages/networking_mlnx-9.0.dist-info/entry_points.txt'])
def test_mechanism_drivers_of_packages(tmpdir, place):
    tmpdir.join('usr/lib/python2.7/dist-packages/old.egg-info').write('a file: distutils\n', ensure=True)
    tmpdir.join(place).write('[x]\nno = a:b\n[neutron.ml2.mechanism_drivers]\n one=a:b\ntwo = c:d\n\n[y]\nno = e:f\n',
                             ensure=True)
    assert mechanisms.read(str(tmpdir)) == frozenset(['one', 'two'])


def test_preflight_tells_of_files_that_nobody_can_edit(case):
    made = case('refused-syntax')
    assert [error.where.replace(made.root, '') for error in guests.problems(made.node())] == [ML2, NOVA]


def test_preflight_tells_of_files_that_nobody_can_replace(case, monkeypatch):
    """As root that is a file system mounted read-only, which a test cannot make everywhere."""
    made = case('refused-syntax')
    monkeypatch.setattr(os, 'access', lambda path, mode: not path.endswith('/nova'))
    told = guests.problems(made.node())
    assert [error.where.replace(made.root, '') for error in told] == [NOVA, ML2, NOVA]
    assert 'cannot be written' in told[0].why
