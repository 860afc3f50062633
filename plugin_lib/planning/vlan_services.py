# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What an EIPOIB interface should serve, as the P_Keys of its HCA port say, and how that is told to a person."""
from __future__ import absolute_import, print_function, unicode_literals

from collections import namedtuple

from plugin_lib.host.sysfs import is_interface_name
from plugin_lib.memo import remembering
from plugin_lib.pkey import PKey


class Service(namedtuple('Service', 'pkey vlan child mac talker')):
    """What an EIPOIB interface should serve: (``mac``, VLAN ``vlan``; None: untagged) through ``child``.

    ``mac`` and ``talker`` (planning.talkers.Talker) are None for the interface's own MAC.
    """

    __slots__ = ()


Service.__new__.__defaults__ = (None, None)


class Finding(namedtuple('Finding', 'eipoib port pkey child vlan state detail mac talker')):
    """One line of the status.

    :param eipoib: name of the EIPOIB interface
    :param port: its state.Port, None when it cannot be told
    :param pkey: the PKey, None when the line is about the interface as a whole
    :param child: name of the IPoIB child, None where there is none to be
    :param vlan: VLAN number, None for untagged
    :param state: ``ok``, ``planned``, ``removal``, ``held``, ``silent`` or why nothing is
        done: ``storage``, ``waiting``, ``unreadable``, ``limited``, ``no-vlan``, ``name``, ``foreign``, ``no-pkey``,
        ``trunks``, ``one-mac``, ``most``
    :param detail: the reason as a clause, '' when ok
    :param mac: the MAC of somebody else who talks through the interface, None: its own
    :param talker: their planning.talkers.Talker, None where they are gone
    """

    __slots__ = ()

    @property
    def subject(self):
        # type: () -> str
        """The subject of the Step that is about the same: ``eth4 vlan 100``."""
        if self.child is None and self.mac is None:
            return '{0} link'.format(self.eipoib)
        return subject_of(self.eipoib, self.vlan, self.mac)

    def line(self):
        # type: () -> str
        """``mlx4_0 port 1 0x8064 full ==> ib0.8064 vlan 100 eth4 ok``, and of others than the interface itself
        ``mlx4_0 port 1 0x8064 full ==> ib0.8064.1 vlan 100 eth4 fa:16:3e:00:00:01 br-int/qr-1 ok``."""
        words = ['{0} port {1}'.format(self.port.hca, self.port.number)] if self.port else []
        if self.pkey:
            words.append('{0} {1} ==>'.format(self.pkey, self.pkey.membership))
        if self.child:
            words.append('{0} {1}'.format(self.child, vlan_words(self.vlan)))
        elif self.mac:
            words.append(vlan_words(self.vlan))
        words.append(self.eipoib)
        if self.mac:
            words.append(self.mac + (' ' + self.talker.place if self.talker else ''))
        words.append(self.state)
        return ' '.join(words) + (': ' + self.detail if self.detail else '')


Finding.__new__.__defaults__ = (None, None)


@remembering
def services(eipoib, port):
    # type: (object, object) -> tuple
    """What an EIPOIB interface should serve beside untagged traffic.

    :param port: its state.Port with a readable P_Key table
    :returns: (tuple of Services by VLAN, tuple of Findings about keys that cannot be served)
    """
    full = {}
    for pkey in port.pkeys:  # with allow_both_pkeys a key stands twice, and full wins
        full[pkey.key] = full.get(pkey.key, False) or pkey.full
    wanted, findings = [], []
    for key in sorted(full):
        pkey = PKey(key, full[key])
        child = child_name(eipoib.parent, pkey)
        if pkey.is_default:
            continue
        if pkey.vlan is None:
            findings.append(Finding(eipoib.name, port, pkey, None, None, 'no-vlan',
                                    'key {0} is above the last VLAN, 4094'.format(key)))
        elif not pkey.full:
            findings.append(Finding(eipoib.name, port, pkey, None, None, 'limited',
                                    'two limited members cannot talk: make the port a full member'))
        elif not is_interface_name(child):
            findings.append(Finding(eipoib.name, port, pkey, None, None, 'name',
                                    '{0} is not an interface name of up to 15 characters'.format(child)))
        else:
            wanted.append(Service(pkey, pkey.vlan, child))
    return tuple(wanted), tuple(findings)


def child_name(parent, pkey):
    # type: (str, PKey) -> str
    """The name that every ib_ipoib gives the child of a key with bit 15 set."""
    return '{0}.{1:04x}'.format(parent, pkey.full_value)


def untagged_child(parent):
    # type: (str) -> str
    """The name of the second interface on the default partition: what OFED's ib_ipoib makes of ``.1``."""
    return parent + '.1'


def vlan_words(vlan):
    # type: (int) -> str
    """``vlan 100``, or ``untagged`` for None."""
    return 'untagged' if vlan is None else 'vlan {0}'.format(vlan)


def subject_of(eipoib, vlan, mac=None):
    # type: (str, int, str) -> str
    """How a Step and a Finding name what they are about: ``eth4 vlan 100``, ``eth4 untagged fa:16:3e:00:00:01``."""
    return '{0} {1}'.format(eipoib, vlan_words(vlan)) + (' ' + mac if mac else '')
