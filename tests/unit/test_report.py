# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``fuel-infiniband report``: the page about a node or an environment, and the map in it.

Covered: problems come first; the map has a row for each group of VLANs and marks what is broken; names are escaped; the
page loads nothing; many nodes; a file that cannot be written.  In a browser: functional/test_report_in_browser.py.
"""
from __future__ import absolute_import, print_function, unicode_literals

import io
import os
import re
import sys

import pytest

from plugin_lib import cli
from plugin_lib.environment import Member, Port
from plugin_lib.planning.environment_checks import findings, gaps
from plugin_lib.views import fabric_map, report
from tests.model.astute import SCHEME

NEEDS = {'eth4': {None: ('admin/pxe',), 201: ('management', 'mgmt/database'), 1000: ('neutron/private',),
                  1001: ('neutron/private',)}}
ENDPOINTS = {'admin/pxe': 'br-fw-admin', 'management': 'br-mgmt', 'mgmt/database': 'br-mgmt',
             'neutron/private': 'br-prv'}


def member(name, *keys):
    """A node whose port is a full member of these."""
    return Member(name, NEEDS, ENDPOINTS, {'eth4': Port('mlx4_0', 1, 'ACTIVE', dict((key, True) for key in keys),
                                                       frozenset(keys), None)}, True)


def page(*members):
    missing = dict(((each.name, 'eth4'), gaps(each, 'eth4')) for each in members)
    return report.page('a title', 'today', findings(list(members)), list(members), missing)


def texts(drawn, state):
    return [' '.join(box.lines) for box in drawn.boxes if box.state == state]


def test_the_map_of_a_node():
    drawn = fabric_map.draw(member('node-1', 0x7fff, 201, 1000), {'eth4': gaps(
        member('node-1', 0x7fff, 201, 1000), 'eth4')})
    assert texts(drawn, 'ok') == ['mlx4_0 port 1: ACTIVE EIPOIB interface eth4', 'untagged 0xffff', 'VLAN 201 0x80c9',
                                  'VLAN 1000 0x83e8']
    assert texts(drawn, 'fail') == ['VLAN 1001 0x83e9 no P_Key']
    for left, upper, right, lower, _ in drawn.wires:
        assert 0 <= left <= right <= fabric_map.WIDTH and 0 <= upper <= lower <= drawn.height
    ends = [box for box in drawn.boxes if box.x + box.width > fabric_map.WIDTH or box.y + box.height > drawn.height]
    assert not ends


def test_vlans_that_fare_the_same_share_a_row():
    whole = member('node-1', 0x7fff, 201, 1000, 1001)
    drawn = fabric_map.draw(whole, {'eth4': gaps(whole, 'eth4')})
    assert 'VLAN 1000-1001 2 keys 0x83e8..0x83e9' in texts(drawn, 'ok') and not texts(drawn, 'fail')


def test_problems_come_first():
    text = page(member('node-1', 0x7fff, 201, 1000, 1001), member('node-2', 0x7fff, 201, 1000))
    assert text.index('no P_Key for VLAN 1001') < text.index('<h2>Map</h2>') < text.index('can talk with each other')
    assert text.index('<h3>node-2</h3>') < text.index('<h3>node-1</h3>')


def test_states_are_told_apart_without_colours():
    text = page(member('node-1', 0x7fff, 201, 1000))
    assert [text.count('<title>{0}</title>'.format(state)) for state in ('ok', 'fail')] == [4, 1]


def test_nothing_is_loaded_and_names_are_text():
    text = page(member('<script>alert(1)</script>', 0x7fff))
    assert '<script' not in text and '&lt;script&gt;' in text
    assert not re.search(r'(src|href)=|url\(|@import|https?:', text)


def test_of_many_nodes_those_with_problems_are_drawn():
    members = [member('node-{0}'.format(number), 0x7fff, 201, 1000, 1001) for number in range(60)]
    members.append(member('broken', 0x7fff))
    text = page(*members)
    assert text.count('<svg') == report.MOST_DRAWN and 'Not drawn: 21 more nodes' in text
    assert '<h3>broken</h3>' in text


def test_a_page_about_a_captured_machine(tmpdir, capsys):
    root = os.path.join(os.path.dirname(__file__), '..', 'fixtures', 'hosts', 'connectx3-eipoib')
    astute = tmpdir.join('astute.yaml')
    astute.write(SCHEME)
    page = tmpdir.join('report.html')
    argv = ['report', '--root', root, '--astute', str(astute), '-o', str(page)]
    assert cli.main(argv) == 0
    with io.open(str(page), encoding='utf-8') as stream:
        text = stream.read()
    assert 'EIPOIB interface eth4' in text and '<h2>Problems</h2>' in text
    assert cli.main(argv[:-1] + [str(tmpdir)]) == 3  # a folder
    assert 'cannot write the report' in capsys.readouterr()[1]


def test_a_page_in_a_folder_that_is_not_there_is_refused(tmpdir, capsys):
    assert cli.main(['report', '-o', str(tmpdir.join('htlm', 'report.html'))]) == 2
    assert 'there is no folder {0}\n'.format(tmpdir.join('htlm')) in capsys.readouterr()[1]
    assert tmpdir.listdir() == []


def test_without_jinja2_it_says_so_and_writes_nothing(tmpdir, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, str('jinja2'), None)
    environment, page = tmpdir.join('environment.json'), tmpdir.join('report.html')
    environment.write('{"format": 1, "nodes": {"node-1": {"roles": {"interfaces": {}, "roles": {}}}}}')
    assert cli.main(['report', '--environment', str(environment), '-o', str(page)]) == 2
    assert 'Jinja2 is not installed here' in capsys.readouterr()[1]
    assert not page.check()


@pytest.mark.parametrize('line', ['management, mgmt/database', 'neutron/private', 'x' * 40, '', 'a b c d e f g h i j'])
def test_wrapped_text_is_whole_and_fits(line):
    wrapped = fabric_map._wrapped([line], 12)
    assert all(len(part) <= 12 for part in wrapped)
    assert ''.join(wrapped).replace(' ', '') == line.replace(' ', '')
