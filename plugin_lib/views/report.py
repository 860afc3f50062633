# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``fuel-infiniband report``: one page for a browser, about a node or an environment; it needs nothing else."""
from __future__ import absolute_import, print_function, unicode_literals

import os

from plugin_lib.errors import InputError
from plugin_lib.pkey import PKey
from plugin_lib.published import vlans
from plugin_lib.views import fabric_map

# A browser takes more; a person does not.
MOST_DRAWN = 40


def page(title, when, findings, members, gaps):
    # type: (str, str, list, list, dict) -> str
    """The page.

    :param when: the time of the report, as text
    :param findings: planning.checks.Findings
    :param members: environment.Members: one for a node
    :param gaps: {(name of the Member, EIPOIB interface): {VLAN or None: planning.environment_checks.Gap}}
    :raises InputError: without Jinja2
    """
    concerned = [member for member in members if member.needs]
    # Nodes that lack something come first.
    ranked = sorted(concerned, key=lambda member: not any(gaps.get((member.name, nic)) for nic in member.needs))
    drawn = ranked[:MOST_DRAWN]
    levels = [finding.level for finding in findings]
    return _template().render(
        title=title, when=when, many=len(members) > 1,
        counts=', '.join('{0} {1}'.format(levels.count(level), level) for level in ('OK', 'WARN', 'FAIL')),
        problems=[finding for level in ('FAIL', 'WARN') for finding in findings if finding.level == level],
        fine=[finding for finding in findings if finding.level == 'OK'],
        maps=[fabric_map.draw(member, dict((nic, gaps.get((member.name, nic), {})) for nic in member.needs))
              for member in drawn],
        undrawn='{0} more nodes'.format(len(ranked) - len(drawn)) if len(ranked) > len(drawn) else '',
        ports=_ports(members), networks=_networks(concerned))


def _template():
    try:
        import jinja2
    except ImportError:
        raise InputError('cannot make a report', 'Python', 'Jinja2 is not installed here',
                         'install python-jinja2 or python3-jinja2, or make the report on a node')
    loader = jinja2.FileSystemLoader(os.path.dirname(os.path.abspath(__file__)))
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined)
    return environment.get_template('report.html.j2')


def _ports(members):
    rows = []
    for member in members:
        for nic in sorted(member.ports):
            port = member.ports[nic]
            row = [nic, '{0} port {1}'.format(port.hca, port.number) if port.hca else 'not known',
                   port.state or 'not known', _keys(port.keys), vlans.of_numbers(port.served) or 'none']
            rows.append(([member.name] if len(members) > 1 else []) + row)
    return rows


def _keys(memberships):
    if memberships is None:
        return 'cannot be read'
    full = [key for key, whole in memberships.items() if whole]
    limited = sorted(key for key, whole in memberships.items() if not whole)
    words = '{0} full'.format(len(full))
    if limited:
        words += ', limited: ' + ', '.join(str(PKey(key, False)) for key in limited)
    return words


def _networks(members):
    """Rows of VLANs that have roles, endpoints and number of nodes in common."""
    nodes, roles, endpoints = {}, {}, {}
    for member in members:
        for needed in member.needs.values():
            for vlan, names in needed.items():
                nodes.setdefault(vlan, set()).add(member.name)
                roles.setdefault(vlan, set()).update(names)
                endpoints.setdefault(vlan, set()).update(member.endpoints.get(name) or '-' for name in names)
    alike = {}
    for vlan in nodes:
        key = tuple(sorted(roles[vlan])), tuple(sorted(endpoints[vlan])), len(nodes[vlan])
        alike.setdefault(key, []).append(vlan)
    rows = [(0 if None in numbers else min(numbers), numbers, key) for key, numbers in alike.items()]
    return [['untagged' if None in numbers else vlans.of_numbers(numbers), ', '.join(names), ', '.join(ends), count]
            for _, numbers, (names, ends, count) in sorted(rows, key=lambda row: row[0])]
