# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The stages packages, drivers and service: what is installed, written, loaded and started, and what is left alone."""
from __future__ import absolute_import, print_function, unicode_literals

import io
import os

import pytest

from plugin_lib import published
from plugin_lib.errors import InfinibandError
from plugin_lib.host import modules, packages
from plugin_lib.host.packages import Offer
from plugin_lib.host.state import EIPOIB_MODULES, Modules
from plugin_lib.planning import drivers, modprobe, service
from plugin_lib.planning import packages as packages_plan
from plugin_lib.planning.operations import InstallPackages, LoadModule, RemoveFile, StartService, WriteFile
from plugin_lib.published import settings

FIXTURES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'fixtures', 'astute')
WITH_PORT = published.read(os.path.join(FIXTURES, '9.2-two-ports.yaml'))
WITHOUT_PORT = published.read(os.path.join(FIXTURES, '4.x-patches.yaml'))
DEFAULTS = settings.read(None)
EVERY = frozenset(EIPOIB_MODULES)


def test_a_fresh_node_gets_its_configuration_before_its_modules():
    steps = drivers.plan(WITH_PORT, DEFAULTS, Modules('4.4.0', frozenset(['mlx4_core']), EVERY), None)
    operations = [operation for step in steps for operation in step.operations]
    assert isinstance(operations[0], WriteFile)
    assert operations[1:] == [LoadModule('mlx4_ib'), LoadModule('ib_ipoib'), LoadModule('eth_ipoib')]


def test_a_configured_node_needs_nothing():
    assert drivers.plan(WITH_PORT, DEFAULTS, Modules('4.4.0', EVERY, EVERY), modprobe.text(128)) == ()


def test_a_node_without_infiniband_needs_nothing_not_even_the_modules():
    assert drivers.plan(WITHOUT_PORT, DEFAULTS, Modules('4.4.0', frozenset(), frozenset()), None) == ()


def test_a_new_queue_size_rewrites_the_configuration_and_can_be_undone():
    before = modprobe.text(128)
    (step,) = drivers.plan(WITH_PORT, DEFAULTS._replace(queue_size=32), Modules('4.4.0', EVERY, EVERY), before)
    (write,) = step.operations
    assert 'recv_queue_size=32 send_queue_size=32' in write.text
    assert write.undo().text == before


def test_undoing_a_new_file_removes_it():
    (write,) = drivers.plan(WITH_PORT, DEFAULTS, Modules('4.4.0', EVERY, EVERY), None)[0].operations
    assert isinstance(write.undo(), RemoveFile)


@pytest.mark.parametrize('source, advice', [('inbox', 'repository of the plugin'), ('repository', 'drivers add FILE')])
def test_missing_modules_are_all_named_with_kernel_and_advice(source, advice):
    with pytest.raises(InfinibandError) as caught:
        drivers.plan(WITH_PORT, DEFAULTS._replace(driver_source=source),
                     Modules('4.4.0-31', frozenset(), frozenset(['mlx4_core', 'mlx4_ib'])), None)
    assert caught.value.where == '/lib/modules/4.4.0-31'
    assert 'ib_ipoib, eth_ipoib' in caught.value.why
    assert advice in caught.value.todo
    assert caught.value.exit_status == 3


def test_the_service_starts_once_and_restarts_when_its_configuration_changes():
    text = service.config_text(DEFAULTS)
    (step,) = service.plan(DEFAULTS, None, False)
    assert [type(operation) for operation in step.operations] == [WriteFile, StartService]
    assert not step.operations[1].restart
    assert service.plan(DEFAULTS, text, True) == ()
    (step,) = service.plan(DEFAULTS, text, False)
    assert step.operations == (StartService('eipoibd', False),)
    (step,) = service.plan(DEFAULTS._replace(resync_interval=60), text, True)
    assert step.operations[1].restart


@pytest.fixture
def root(tmpdir):
    """A folder of the machine's files; write(path, text) adds one."""
    class Root(object):
        path = str(tmpdir)

        def write(self, path, text):
            place = os.path.join(self.path, path.lstrip('/'))
            if not os.path.isdir(os.path.dirname(place)):
                os.makedirs(os.path.dirname(place))
            with io.open(place, 'w', encoding='utf-8') as stream:
                stream.write(text)
    return Root()


def test_modules_of_a_machine(root):
    root.write('/proc/sys/kernel/osrelease', '4.4.0-31-generic\n')
    root.write('/lib/modules/4.4.0-31-generic/modules.dep',
               'kernel/drivers/net/ethernet/mellanox/mlx4/mlx4_core.ko.xz: kernel/net/core/devlink.ko\n'
               'updates/dkms/eth_ipoib.ko: updates/dkms/ib_ipoib.ko\nupdates/dkms/ib-ipoib.ko:\n')
    root.write('/lib/modules/4.4.0-31-generic/modules.builtin', 'kernel/drivers/infiniband/hw/mlx4/mlx4_ib.ko\n')
    root.write('/sys/module/mlx4_core/refcnt', '1\n')
    assert modules.read(root.path) == Modules('4.4.0-31-generic', frozenset(['mlx4_core', 'mlx4_ib']), EVERY)


def test_modules_of_a_machine_without_any(root):
    assert modules.read(root.path) == Modules('', frozenset(), frozenset())


def test_what_the_repository_offers_and_is_not_installed_is_installed(root):
    index = '/var/lib/apt/lists/10.20.0.2:8080_plugins_infiniband-1.0_repositories_ubuntu_Packages'
    root.write(index, 'Package: fuel-infiniband\nVersion: 1.0.0\n\nPackage: mlnx-ofed-kernel-dkms\nDepends: x\n\n'
                      'Package: kernel-mft-dkms\n')
    root.write('/var/lib/apt/lists/archive_ubuntu_dists_trusty_main_Packages', 'Package: nethack\n')
    root.write('/var/lib/dpkg/status', 'Package: kernel-mft-dkms\nStatus: install ok installed\nVersion: 3\n\n'
                                       'Package: mlnx-ofed-kernel-dkms\nStatus: deinstall ok config-files\n')
    found = packages.read(root.path)
    assert found.installed == {'kernel-mft-dkms': '3'}
    (step,) = packages_plan.plan(found, '4.4.0')
    assert step.operations == (InstallPackages(('mlnx-ofed-kernel-dkms',)),)


OFFERED = (Offer('modules', '3.4-a', '3.13.0-24-generic'), Offer('modules', '3.4-b', '4.4.0-31-generic'),
           Offer('libraries', '41', None), Offer('fuel-infiniband', '1.0.0', None))


@pytest.mark.parametrize('kernel, installed, names', [
    ('4.4.0-31-generic', {}, ('libraries', 'modules=3.4-b')),
    ('3.13.0-24-generic', {'libraries': '40'}, ('modules=3.4-a',)),
    ('4.4.0-31-generic', {'libraries': '41', 'modules': '3.4-a'}, ('modules=3.4-b',)),
    ('4.4.0-31-generic', {'libraries': '41', 'modules': '3.4-b'}, None),
    ('4.8.0', {}, ('libraries',)),
])
def test_a_node_gets_the_modules_of_its_own_kernel(kernel, installed, names):
    steps = packages_plan.plan(packages.Packages(OFFERED, installed), kernel)
    assert [operation for step in steps for operation in step.operations] == (
        [] if names is None else [InstallPackages(names)])


def test_the_kernels_that_the_repository_has_instead():
    assert packages_plan.other_kernels(OFFERED, '4.8.0') == ['3.13.0-24-generic', '4.4.0-31-generic']
    assert packages_plan.other_kernels(OFFERED, '4.4.0-31-generic') == []
    assert packages_plan.other_kernels(OFFERED[2:], '4.8.0') == []


def test_a_repository_with_the_node_package_alone_asks_for_nothing(root):
    root.write('/var/lib/apt/lists/m_plugins_infiniband-1.0_repositories_ubuntu_Packages', 'Package: fuel-infiniband\n')
    assert packages_plan.plan(packages.read(root.path), '4.4.0') == ()
    assert packages_plan.plan(packages.Packages((), {}), '4.4.0') == ()
