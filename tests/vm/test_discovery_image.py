# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The discovery image of Fuel 6.1 and 7.0, made by the plugin from a real initramfs, boots on a real kernel.

Covered: with a card udev loads the modules in order, with the options, eipoibd serves what the P_Keys say and the agent
reports the EIPOIB interfaces with their driver; a card that comes late is served as well; without a card nothing is
loaded, started or waited for; without MLNX_OFED's eth_ipoib the machine is reported at once, and its log says what is
missing; the original image, as it comes with Fuel, forces Ethernet and does none of it.
"""
import os
import shutil

import pytest

from plugin_lib.bootstrap_image import centos
from plugin_lib.bootstrap_image.master import Master
from tests.vm import discovery, kernel
from tools import packages

CHAIN = ['mlx4_core', 'mlx4_ib', 'ib_ipoib', 'eth_ipoib']


@pytest.fixture(scope='module')
def plugin(tmp_path_factory):
    """The plugin's folder as it is on a master, with MLNX_OFED's stand-ins in its repository."""
    folder = packages.stage('fuel6', tmp_path_factory.mktemp('plugin') / 'infiniband-1.0')
    kernel.run('./pre_build_hook', cwd=folder)
    return folder


@pytest.fixture(scope='module')
def original(guest_kernel):
    try:
        return discovery.original(guest_kernel)
    except kernel.Unavailable as reason:
        pytest.skip(f'no discovery image can be made here: {reason}')


def made_by_us(plugin, original, folder):
    target = folder / 'initramfs.img'
    centos.make(Master('/', str(plugin)), original, str(target), print)
    assert os.listdir(folder) == ['initramfs.img'], 'nothing but the image is left'
    return target


@pytest.fixture(scope='module')
def image(plugin, original, guest_kernel, tmp_path_factory):
    """The image with the driver package."""
    shutil.copytree(plugin, copy := tmp_path_factory.mktemp('with') / 'infiniband-1.0')
    discovery.offer(copy, discovery.driver_package(guest_kernel, tmp_path_factory.mktemp('rpm')))
    return made_by_us(copy, original, tmp_path_factory.mktemp('image'))


def chain(report):
    """Names of the chain's modules in the order in which they were loaded."""
    return [name for name in reversed(report['modules'].split()) if name in CHAIN]


def drivers(report):
    """{interface: [driver, bus_info]} as the agent reports it."""
    rows = [line.split() for line in report['nailgun-agent.log'].splitlines()]
    return {row[0]: row[2:] for row in rows}


def assert_served(report):
    assert 'missing' not in report, report
    assert chain(report) == CHAIN
    assert 'mlx4_en' in report['modules'].split()
    assert report['ib_ipoib/parameters/recv_queue_size'].strip() == '32'
    assert report['mlx4_core/parameters/port_type_array'].strip() == '0,0', 'a port senses its link type'
    slaves = [line.split()[1] for line in report['served'].splitlines()]
    assert [slave for slave in slaves if slave.startswith('ib0.8064')], 'P_Key 0x8064 is VLAN 100'
    assert report['processes'].strip() == '1', 'one eipoibd runs'
    assert report['kernel'].strip() == ''


def test_with_a_card_it_is_reported_with_its_driver(image, guest_kernel):
    report = discovery.boot(guest_kernel, image, 'present', '0x8064')
    assert_served(report)
    reported = drivers(report)
    assert reported['eth0'][0] == 'e1000'
    assert sorted(facts for facts in reported.values() if facts[0] == 'eth_ipoib') == [
        ['eth_ipoib', 'ib0'], ['eth_ipoib', 'ib1']]
    assert 'discovery gate' in report['eipoibd.log'], 'eipoibd opened it'
    assert report['rc.local'].startswith('discovery-gate: open after ')
    assert report['gate'].strip() == ''


def test_a_card_that_comes_late_is_served_too(image, guest_kernel):
    assert_served(discovery.boot(guest_kernel, image, 'late', '0x8064'))


def test_without_a_card_nothing_is_loaded_started_or_waited_for(image, guest_kernel):
    report = discovery.boot(guest_kernel, image)
    assert report['modules'].split() == ['e1000']
    assert drivers(report) == {'eth0': ['e1000', '0000:00:02.0']}
    assert (report['processes'].strip(), report['rc.local'].strip(), report['gate'].strip()) == ('0', '', '')


def test_without_eth_ipoib_it_is_reported_at_once_and_the_log_says_why(plugin, original, guest_kernel, tmp_path):
    report = discovery.boot(guest_kernel, made_by_us(plugin, original, tmp_path), 'present')
    assert 'has no module eth_ipoib, which comes with MLNX_OFED' in report['rc.local']
    assert list(drivers(report)) == ['eth0']
    assert report['gate'].strip() == ''


def test_the_original_forces_ethernet_and_serves_nothing(original, guest_kernel):
    report = discovery.boot(guest_kernel, original, 'present')
    assert report['mlx4_core/parameters/port_type_array'].strip() == '2,2'
    assert report['served'].strip() == ''
