# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""A vif for everybody who talks through an EIPOIB interface beside itself: through which child, and for whom there is
none.

A slave of eth_ipoib has one vif, so each (MAC, VLAN) takes an IPoIB child of its own, one more of the same P_Key:
``ib0.8064.1``, ``ib0.8064.2``; of the default partition ``ib0.2``, ``ib0.3``.  OFED's child index gives these names,
and rtnetlink takes any.
"""
from __future__ import absolute_import, print_function, unicode_literals

import re

from plugin_lib.host.sysfs import is_interface_name
from plugin_lib.pkey import DEFAULT_KEY, PKey
from plugin_lib.planning.vlan_services import Finding, Service, child_name, services

LAST_INDEX = 255  # of OFED's children of one key
_FIRST_UNTAGGED = 2  # .1 is the interface's own

_ONE_MORE = re.compile(r'^\.(?:[0-9a-f]{4}\.[1-9][0-9]{0,2}|[2-9]|[1-9][0-9]{1,2})\Z')


def is_one_more(parent, name):
    # type: (str, str) -> bool
    """Whether a child of ``parent`` has a name as we give it to those for other MACs than the interface's own."""
    return name.startswith(parent) and bool(_ONE_MORE.match(name[len(parent):]))


def own_child(parent, name):
    # type: (str, str) -> str
    """The name of the child of the same P_Key that serves the interface's own MAC in a VLAN; of untagged traffic, and
    of such a child itself, ``name``."""
    return name.rpartition('.')[0] if is_one_more(parent, name) and '.' in name[len(parent) + 1:] else name


def serving(eipoib, ours):
    # type: (object, dict) -> dict
    """{(MAC, VLAN): slave} of what an EIPOIB interface serves.

    Rows behind the cut of the vifs page are not seen; there the ledger says whether our write succeeded.
    """
    slaves = frozenset(eipoib.slaves)
    rows = dict((vif.slave, (vif.mac, vif.vlan)) for vif in eipoib.vifs if vif.slave in slaves)
    if not eipoib.vifs_complete:
        rows.update((name, ours[name][1:]) for name in slaves if name not in rows and name in ours)
    return dict((vif, slave) for slave, vif in rows.items() if vif[0])


def plan(host, eipoib, port, ours, talkers, most, plain):
    # type: (object, object, object, dict, dict, int, bool) -> tuple
    """(tuple of Services, tuple of Findings about those who get none).

    :param port: the EIPOIB interface's state.Port with a readable P_Key table
    :param ours: {name: vlans.Made}
    :param talkers: {(MAC, VLAN): talkers.Talker}
    :param most: how many may be served
    :param plain: whether the driver makes one child of a key only
    """
    pkeys = dict((service.vlan, service.pkey) for service in services(eipoib, port)[0])
    pkeys[None] = PKey(DEFAULT_KEY, True)
    there = serving(eipoib, ours)
    names = _Names(host, eipoib, ours, there)
    wanted, findings = [], []
    # Who has a vif keeps it; then untagged traffic, then VLANs from the lowest on.
    for mac, vlan in sorted(talkers, key=lambda vif: (vif not in there, vif[1] or 0, vif[0])):
        talker = talkers[mac, vlan]
        if mac == eipoib.mac:
            continue
        obstacle, child = _obstacle(port, pkeys, vlan, talker, plain), None
        if not obstacle and len(wanted) >= most:
            obstacle = 'most', 'vif_limit allows {0} beside the interface\'s own'.format(most)
        if not obstacle:
            child = names.of(mac, vlan, pkeys[vlan])
            obstacle = None if child else ('name', 'no name of up to 15 characters is left for its child')
        if obstacle:
            findings.append(Finding(eipoib.name, port, pkeys.get(vlan), None, vlan, obstacle[0], obstacle[1], mac,
                                    talker))
        else:
            wanted.append(Service(pkeys[vlan], vlan, child, mac, talker))
    return tuple(wanted), _together(findings)


def _together(findings):
    """One Finding where many VLANs of a MAC at one place lack the same: the trunks of a port may be thousands."""
    more, firsts = {}, []
    for finding in findings:
        which = finding.mac, finding.talker, finding.state, finding.detail
        if which not in more:
            firsts.append((finding, which))
        more[which] = more.get(which, -1) + 1
    return tuple(finding._replace(detail='{0}; so it is with {1} more of its VLANs'.format(finding.detail, more[which]))
                 if more[which] else finding for finding, which in firsts)


def _obstacle(port, pkeys, vlan, talker, plain):
    """(state, detail) of a Finding about who cannot be served, or None."""
    if vlan not in pkeys:
        limited = [pkey for pkey in port.pkeys if pkey.vlan == vlan]
        return 'no-pkey', 'the port is a limited member of its partition' if limited else \
            'the port holds no P_Key of this VLAN'
    if talker.blocked:
        return 'trunks', 'the VLAN is not in the trunks of the interface\'s port of Open vSwitch'
    if plain:
        return 'one-mac', 'this IPoIB driver makes one child of a P_Key, and that serves the interface\'s own MAC'
    return None


class _Names(object):
    """Names of children for the vifs of one EIPOIB interface."""

    def __init__(self, host, eipoib, ours, there):
        self._eipoib = eipoib
        self._there = there
        self._made = dict((made[1:], name) for name, made in ours.items()
                          if made.mac and is_one_more(eipoib.parent, name) and name in host.children)
        self._taken = set(host.interfaces) | set(host.children) | set(ours)
        self._next = {}

    def of(self, mac, vlan, pkey):
        """The child that serves it, else the one that was made for it, else a free name; None where there is none."""
        name = self._there.get((mac, vlan)) or self._made.get((mac, vlan))
        if name:
            return name
        first = _FIRST_UNTAGGED if vlan is None else 1
        for index in range(self._next.get(vlan, first), LAST_INDEX + 1):
            base = self._eipoib.parent if vlan is None else child_name(self._eipoib.parent, pkey)
            name = '{0}.{1}'.format(base, index)
            if name not in self._taken:
                self._next[vlan] = index + 1
                return name if is_interface_name(name) else None
        return None
