# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What a node is configured to send and eth_ipoib does not carry: IPv6, and DHCP replies that are unicasts."""
from __future__ import absolute_import, print_function, unicode_literals

import io
import os

import pytest

from plugin_lib import modes, published, stages
from plugin_lib.errors import InputError
from plugin_lib.planning import uncarried

FIXTURE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'fixtures', 'astute',
                       '9.2-two-ports.yaml')
DATA = published.read(FIXTURE)  # eth4, InfiniBand: br-mgmt and br-prv; ens5, Ethernet: br-storage
AGENT = '[DEFAULT]\ninterface_driver = openvswitch\n'
BROADCAST = 'dhcp_broadcast_reply = {0}\n'.format


def with_roles(**changes):
    return DATA._replace(roles=dict((name, role._replace(**changes)) for name, role in DATA.roles.items()))


def dhcp(agent, neutron='[DEFAULT]\n', dnsmasq=None, data=DATA):
    return uncarried.dhcp(data, dict(zip(uncarried.AGENT_FILES, (neutron, agent))), dnsmasq)


def test_an_ipv6_address_of_an_infiniband_endpoint_is_told_once():
    found = uncarried.ipv6(with_roles(ip=['192.168.0.8/24', 'fd00::8/64']))
    assert [(finding.level, finding.subject) for finding in found] == [('WARN', 'br-mgmt'), ('WARN', 'br-prv')]
    assert found[0].text == 'fd00::8/64 on eth4: an EIPOIB interface carries no IPv6'
    assert uncarried.ipv6(DATA) == []


def test_a_dhcp_agent_that_answers_by_unicast_is_told():
    (finding,) = dhcp(AGENT)
    assert (finding.level, finding.subject) == ('WARN', '/etc/neutron/dhcp_agent.ini')
    assert 'networks on br-prv are unicasts' in finding.text
    assert 'dhcp_broadcast_reply = True' in finding.todo


@pytest.mark.parametrize('agent, neutron, told', [
    (AGENT + BROADCAST('True'), '', False),
    (AGENT + BROADCAST('yes'), '', False),
    (AGENT + BROADCAST('False'), '', True),
    (AGENT + '[agent]\n' + BROADCAST('True'), '', True),
    (AGENT, '[DEFAULT]\n' + BROADCAST('True'), False),
    (AGENT + BROADCAST('False'), '[DEFAULT]\n' + BROADCAST('True'), True),
    (AGENT, None, True),
    (None, '[DEFAULT]\n', False),
])
def test_the_last_file_that_has_the_option_counts(agent, neutron, told):
    assert bool(dhcp(agent, neutron)) == told


@pytest.mark.parametrize('line, told', [
    ('dhcp-broadcast', False), ('  dhcp-broadcast # for eth_ipoib', False), ('dhcp-broadcast=tag:needs', True),
    ('#dhcp-broadcast', True), ('no-dhcp-broadcast', True)])
def test_dnsmasq_itself_may_be_told(line, told):
    assert bool(dhcp(AGENT, dnsmasq='domain-needed\n{0}\n'.format(line))) == told


@pytest.mark.parametrize('data', [
    with_roles(mode=modes.ETHERNET), DATA._replace(physical_networks={})])
def test_networks_that_are_not_on_infiniband_need_nothing(data):
    assert dhcp(AGENT, data=data) == []


def test_the_files_of_a_node_are_read(tmp_path):
    def texts():
        return [finding.text for finding in stages.preflight(node) if 'DHCP' in finding.text + finding.todo or
                'configuration file' in finding.text]

    node = stages.Node(str(tmp_path), FIXTURE)
    (tmp_path / 'etc' / 'neutron').mkdir(parents=True)
    write(tmp_path, '../../capture.json', CAPTURE)
    assert texts() == []
    write(tmp_path, 'dhcp_agent.ini', AGENT + 'dnsmasq_config_file = /etc/neutron/dnsmasq.conf\n')
    assert len(texts()) == 1
    write(tmp_path, 'dnsmasq.conf', 'dhcp-broadcast\n')
    assert texts() == []
    write(tmp_path, 'neutron.conf', 'no section\n')
    assert 'configuration file' in texts()[0]


def test_a_file_that_is_none_of_oslo_config_is_refused():
    with pytest.raises(InputError):
        dhcp('[DEFAULT\n')


CAPTURE = ('{"format": 1, "modules": {"release": "4.4.0", "loaded": [], "available": []}, "links": [], "drvinfo": {}, '
           '"errors": {}}')


def write(folder, name, text):
    with io.open(str(folder / 'etc' / 'neutron' / name), 'w', encoding='utf-8') as stream:
        stream.write(text)
