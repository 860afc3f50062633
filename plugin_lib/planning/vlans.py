# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""P_Keys become VLANs: the steps from what every EIPOIB interface serves to what it should serve.

An EIPOIB interface ``eth4`` over ``ib0`` serves untagged traffic through a
child of the default partition (``ib0.1``), and VLAN 100 through the child
``ib0.8064`` as long as its HCA port is a full member of 0x8064.  A child serves
a VLAN when it is a slave of eth4 and its vif is (eth4's own MAC, VLAN).

Pure: the host is given as ``host.machine`` read it, what we made before as the
ledger remembers it.
"""
from __future__ import absolute_import, print_function, unicode_literals

from collections import namedtuple

from plugin_lib.memo import remembering
from plugin_lib.pkey import DEFAULT_KEY, PKey
from plugin_lib.planning import vifs
from plugin_lib.planning.operations import AddVif, CreateChild, DeleteChild, Enslave, LinkUp, Plan, Release, Step
from plugin_lib.planning.talkers import NOBODY
from plugin_lib.planning.vlan_services import Finding, Service, services, subject_of, untagged_child

STAGE = 'vlans'
ZERO_MAC = '00:00:00:00:00:00'


class Made(namedtuple('Made', 'ifindex mac vlan')):
    """What is remembered of a slave that we made.

    :param ifindex: tells our child from a later one of the same name; None
        between the intent to make it and the look at what was made
    :param mac: the MAC that its vif was given, None until that write succeeded
    :param vlan: the VLAN of that vif, None: untagged
    """

    __slots__ = ()


@remembering
def plan(host, ours, removable=(), plain_only=(), talkers=NOBODY, most=0):
    # type: (object, dict, tuple, tuple, object, int) -> Plan
    """The steps that make every EIPOIB interface serve what its HCA port's P_Keys say.

    :param host: state.Host
    :param ours: {name: Made}; other children are never changed
    :param removable: names of our children that may go, see planning.withdrawal
    :param plain_only: names of IPoIB interfaces whose driver makes one child
        of a key and none of the default one: they are enslaved themselves
    :param talkers: planning.talkers.Talkers
    :param most: how many of them each interface may serve
    """
    steps, findings = [], []
    for name in sorted(host.eipoibs):
        part = _EipoibPlan(host, host.eipoibs[name], ours)
        part.make(removable, host.eipoibs[name].parent in plain_only, talkers.by_eipoib.get(name, {}), most)
        steps.extend(part.steps)
        findings.extend(part.findings)
    return Plan(tuple(steps), tuple(findings))


def plan_flush(host, ours):
    # type: (object, dict) -> tuple
    """The Steps that remove everything that is ours, and nothing else."""
    steps = []
    for name in sorted(set(ours) - host.storage_names()):
        operations = tuple(Release(eipoib.name, name) for eipoib in _holders(host, name))
        if name in host.children:
            operations += (_delete(host.children[name]),)
        if operations:
            steps.append(Step(STAGE, name, 'flush', operations))
    return tuple(steps)


def is_ours(host, ours, name):
    # type: (object, dict, str) -> bool
    """Whether the interface ``name`` is the one that we made and not a later one of that name."""
    there = host.children.get(name) or host.interfaces.get(name)
    return name in ours and there is not None and ours[name].ifindex in (None, there.ifindex)


def _holders(host, slave):
    return [eipoib for eipoib in host.eipoibs.values() if slave in eipoib.slaves]


def _delete(child):
    return DeleteChild(child.parent, child.pkey or PKey(DEFAULT_KEY, True), child.name)


class _EipoibPlan(object):
    """The steps and findings of one EIPOIB interface."""

    def __init__(self, host, eipoib, ours):
        self._host = host
        self._eipoib = eipoib
        self._port = host.port_of(eipoib)
        self._ours = ours
        self._storage = host.storage_names()
        self._slaves = frozenset(eipoib.slaves)
        self._rows = dict((vif.slave, vif) for vif in eipoib.vifs)
        self._servers = vifs.serving(eipoib, ours)
        self.steps = []
        self.findings = []

    def make(self, removable, plain_only, talkers, most):
        # type: (tuple, bool, dict, int) -> None
        eipoib, port = self._eipoib, self._port
        if port is None:
            self._find(None, 'waiting', 'the HCA port under {0} cannot be told'.format(eipoib.parent))
            return
        if port.state != 'ACTIVE':
            self._find(None, 'waiting', 'the port is {0}: nothing passes until it is ACTIVE'.format(port.state))
        self._bring_up()
        if eipoib.mac == ZERO_MAC:
            self._find(None, 'waiting', 'its MAC is zero until the port has a GID')
            return
        through = eipoib.parent if plain_only else untagged_child(eipoib.parent)
        self._serve(Service(PKey(DEFAULT_KEY, True), None, through))
        if port.pkeys is None:
            self._find(None, 'unreadable', port.problem or 'the P_Key table cannot be read')
            return
        wanted, refused = services(eipoib, port)
        plain_only = plain_only or eipoib.parent in self._slaves
        more, without = vifs.plan(self._host, eipoib, port, self._ours, talkers, most, plain_only)
        self._withdraw(frozenset([service.child for service in wanted + more] + [through]), removable)
        for service in wanted + more:
            self._serve(service)
        self.findings.extend(refused + without)

    def _find(self, service, state, detail=''):
        pkey, vlan, child, mac, talker = service or (None, None, None, None, None)
        self.findings.append(Finding(self._eipoib.name, self._port, pkey, child, vlan, state, detail, mac, talker))

    def _step(self, subject, reason, *operations):
        self.steps.append(Step(STAGE, subject, reason, operations))

    def _bring_up(self):
        """eth_ipoib takes no slave while it is down, and a child of an IPoIB interface that is down may
        not function (ib_ipoib's own words in ipoib_open)."""
        down = [LinkUp(name) for name in (self._eipoib.parent, self._eipoib.name)
                if name in self._host.interfaces and not self._host.interfaces[name].up]
        if down:
            self._step('{0} link'.format(self._eipoib.name), 'it serves VLANs only while it is up', *down)

    def _serve(self, service):
        """Repair whatever lacks between the child as it is and the vif as it should be."""
        child = service.child
        if child in self._storage:
            self._find(service, 'storage', 'storage over RDMA has it')
            return
        through = self._served_through(service)
        if through == child or through and self._pkey_of(through) == service.pkey.key:
            self._find(service._replace(child=through), 'ok')
            return
        obstacle = self._obstacle(service, through)
        if obstacle:
            self._find(service, 'foreign', obstacle)
            return
        self._find(service, 'planned')
        subject = subject_of(self._eipoib.name, service.vlan, service.mac)
        reason = '{0} port {1} holds {2} {3}'.format(self._port.hca, self._port.number,
                                                      service.pkey, service.pkey.membership)
        if service.talker:
            reason = '{0} talks through {1}'.format(service.talker.place, self._eipoib.name)
        enslave = (Enslave(self._eipoib.name, child), AddVif(self._eipoib.name, child, service.mac or self._eipoib.mac,
                                                             service.vlan))
        create = (CreateChild(self._eipoib.parent, service.pkey, child),)
        if child == self._eipoib.parent:
            release = (Release(self._eipoib.name, child),) if child in self._slaves else ()
            self._step(subject, reason, *(release + enslave))
        elif child not in self._host.children:
            self._step(subject, reason, *(create + enslave))
        elif child not in self._slaves or not self._is_child_of(service):
            # A child that is not enslaved may be half-made, which eth_ipoib answers with EBUSY for ever.
            discard = tuple(Release(other.name, child) for other in _holders(self._host, child))
            discard += (_delete(self._host.children[child]),)
            self._step(subject, '{0} is not as we make it'.format(child), *discard)
            self._step(subject, reason, *(create + enslave))
        elif self._vif_is_missing(child):
            self._step(subject, reason, *enslave[1:])
        else:
            self._step(subject, reason, *((Release(self._eipoib.name, child),) + enslave))

    def _served_through(self, service):
        """The slave that has the vif (MAC, VLAN), or None."""
        slave = self._servers.get((service.mac or self._eipoib.mac, service.vlan))
        return slave if slave and (slave != service.child or self._is_child_of(service)) else None

    def _vif_is_missing(self, slave):
        return slave in self._rows and self._rows[slave].mac is None

    def _pkey_of(self, slave):
        if slave == self._eipoib.parent:
            return DEFAULT_KEY
        child = self._host.children.get(slave)
        return child.pkey.key if child and child.pkey else None

    def _is_child_of(self, service):
        """Whether the interface of that name is a child of the right parent with the right key."""
        if service.child == self._eipoib.parent:
            return True
        child = self._host.children.get(service.child)
        return child is not None and child.parent in (None, self._eipoib.parent) and (
            child.pkey in (None, PKey(service.pkey.key, True)))

    def _obstacle(self, service, through):
        """What stands in the way and is not ours to move, as a clause, or None."""
        if through:
            return '{0} serves it with another P_Key'.format(through)
        exists = service.child in self._host.children or service.child in self._host.interfaces
        if service.child != self._eipoib.parent and exists and not is_ours(self._host, self._ours, service.child):
            return '{0} exists and is not ours: remove it, or let what made it serve the VLAN'.format(service.child)
        return None

    def _withdraw(self, wanted, removable):
        """Our children on this port whose key is gone: removed when they may be, else reported as held."""
        for name in sorted(self._ours):
            child = self._host.children.get(name)
            if child is None or child.parent != self._eipoib.parent or name in wanted:
                continue
            if not is_ours(self._host, self._ours, name) or name in self._storage:
                continue
            mac, vlan = self._vif_of(name, child)
            service = Service(child.pkey, vlan, name, mac)
            silent = mac and (vlan is None or vlan in [pkey.vlan for pkey in self._port.pkeys if pkey.full])
            if name in removable:
                self._find(service, 'removal')
                self._step(subject_of(self._eipoib.name, vlan, mac), 'nobody has this MAC there any more' if silent else
                           'its P_Key has left {0} port {1}'.format(self._port.hca, self._port.number),
                           *(tuple(Release(other.name, name) for other in _holders(self._host, name)) + (
                               _delete(child),)))
            elif silent:
                self._find(service, 'silent', 'nobody has this MAC there now')
            else:
                self._find(service, 'held', 'its P_Key is not in {0}'.format(
                    'what can be read of the table' if self._port.problem else 'the table'))

    def _vif_of(self, name, child):
        """(MAC of somebody else or None, VLAN) that one of our children is for."""
        vlan = child.pkey.vlan if child.pkey else None
        if not vifs.is_one_more(self._eipoib.parent, name):
            return None, vlan
        return dict((slave, vif) for vif, slave in self._servers.items()).get(name, (name, vlan))
