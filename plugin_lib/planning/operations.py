# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The operations that a plan is made of.

An operation is data: it says what is to be changed and how it is undone, and
``effect`` does it.  Operations that only make sense together form one Step: it
is done whole or, when one of them fails, undone whole.
"""
from __future__ import absolute_import, print_function, unicode_literals

from collections import namedtuple


class Step(namedtuple('Step', 'stage subject reason operations')):
    """Operations that are done together or not at all.

    :param stage: a name of stages.ORDER
    :param subject: what the step is about, as a person names it (``eth4 vlan 100``)
    :param reason: why it is needed (``mlx4_0 port 1 holds 0x8064 full``)
    :param operations: tuple of operations, in order
    """

    __slots__ = ()


class Plan(namedtuple('Plan', 'steps findings')):
    """What a planner makes.

    :param steps: tuple of Steps, in order
    :param findings: tuple of what is reported beside them, each planner's own kind
    """

    __slots__ = ()


class LinkUp(namedtuple('LinkUp', 'interface')):
    """Set an interface administratively up."""

    __slots__ = ()

    def describe(self):
        return 'set {0} up'.format(self.interface)

    def undo(self):
        return None  # an interface that is up harms nobody; it may be in use by now


class CreateChild(namedtuple('CreateChild', 'parent pkey name by_sysfs then')):
    """Create the IPoIB child ``name`` of ``parent`` for a PKey.

    :param by_sysfs: in the one way that gives it attributes of its own in sysfs, the mode among them
    :param then: tuple of operations that make it as it was, when that it was deleted is undone
    """

    __slots__ = ()

    def __new__(cls, parent, pkey, name, by_sysfs=False, then=()):
        return super(CreateChild, cls).__new__(cls, parent, pkey, name, by_sysfs, then)

    def describe(self):
        return 'create {0} on {1} for P_Key 0x{2:04x}'.format(self.name, self.parent, self.pkey.full_value)

    def undo(self):
        return DeleteChild(self.parent, self.pkey, self.name, self.by_sysfs)


class DeleteChild(namedtuple('DeleteChild', 'parent pkey name by_sysfs then')):
    """Delete an IPoIB child that we made.

    :param by_sysfs: how it is made again when that is undone
    :param then: tuple of operations that make it as it is now
    """

    __slots__ = ()

    def __new__(cls, parent, pkey, name, by_sysfs=False, then=()):
        return super(DeleteChild, cls).__new__(cls, parent, pkey, name, by_sysfs, then)

    def describe(self):
        return 'delete {0} of {1}'.format(self.name, self.parent)

    def undo(self):
        return CreateChild(self.parent, self.pkey, self.name, self.by_sysfs, self.then)


class DiscardChild(DeleteChild):
    """Delete an IPoIB child whose place another one takes."""

    __slots__ = ()

    def undo(self):
        return None  # it was not as it has to be, or eipoibd's, which makes it anew and knows it then


class SetMode(namedtuple('SetMode', 'interface mode previous')):
    """Set the mode of an IPoIB interface, ``connected`` or ``datagram``."""

    __slots__ = ()

    def describe(self):
        return 'set {0} to {1} mode'.format(self.interface, self.mode)

    def undo(self):
        return SetMode(self.interface, self.previous, self.mode)


class SetMtu(namedtuple('SetMtu', 'interface mtu previous')):
    """Set the MTU of an interface; ``previous`` None: the interface is new."""

    __slots__ = ()

    def describe(self):
        return 'set the MTU of {0} to {1}'.format(self.interface, self.mtu)

    def undo(self):
        return None if self.previous is None else SetMtu(self.interface, self.previous, self.mtu)


class AddAddress(namedtuple('AddAddress', 'interface address')):
    """Give an interface an address with a prefix length."""

    __slots__ = ()

    def describe(self):
        return 'add {0} to {1}'.format(self.address, self.interface)

    def undo(self):
        return RemoveAddress(self.interface, self.address)


class RemoveAddress(namedtuple('RemoveAddress', 'interface address')):
    """Take an address from an interface."""

    __slots__ = ()

    def describe(self):
        return 'remove {0} from {1}'.format(self.address, self.interface)

    def undo(self):
        return AddAddress(self.interface, self.address)


class Enslave(namedtuple('Enslave', 'eipoib child')):
    """Give an IPoIB child to an EIPOIB interface as a slave."""

    __slots__ = ()

    def describe(self):
        return 'enslave {0} to {1}'.format(self.child, self.eipoib)

    def undo(self):
        return Release(self.eipoib, self.child)


class Release(namedtuple('Release', 'eipoib child')):
    """Take a slave, and its vif with it, from an EIPOIB interface."""

    __slots__ = ()

    def describe(self):
        return 'release {0} from {1}'.format(self.child, self.eipoib)

    def undo(self):
        return None  # its vif went with it: the next plan sees what is missing and makes it whole


class AddVif(namedtuple('AddVif', 'eipoib child mac vlan')):
    """Serve (MAC, VLAN) through a slave; ``vlan`` None is untagged traffic."""

    __slots__ = ()

    def describe(self):
        return 'serve {0} {1} of {2} through {3}'.format(
            self.mac, 'untagged' if self.vlan is None else 'vlan {0}'.format(self.vlan), self.eipoib, self.child)

    def undo(self):
        return None  # eth_ipoib takes "-" on vifs and does nothing: releasing the slave is the undo


class WriteFile(namedtuple('WriteFile', 'path text mode previous')):
    """Replace a file atomically.

    :param path: absolute path, below the root that the executor was given
    :param mode: permission bits of the new file; None: those of the file that is replaced
    :param previous: its text as it was read when planning, or None when it did not exist
    """

    __slots__ = ()

    def describe(self):
        return '{0} {1}'.format('write' if self.previous is None else 'rewrite', self.path)

    def undo(self):
        if self.previous is None:
            return RemoveFile(self.path, self.text, self.mode)
        return WriteFile(self.path, self.previous, self.mode, self.text)


class RemoveFile(namedtuple('RemoveFile', 'path previous mode')):
    """Remove a file that is ours."""

    __slots__ = ()

    def describe(self):
        return 'remove {0}'.format(self.path)

    def undo(self):
        return WriteFile(self.path, self.previous, self.mode, None)


class WriteAttribute(namedtuple('WriteAttribute', 'path text previous')):
    """Write an attribute of a PCI device or of its virtual functions.

    :param path: below /sys
    :param previous: what it said before; None where there is no way back
    """

    __slots__ = ()

    def describe(self):
        return 'write {0} to {1}'.format(self.text, self.path)

    def undo(self):
        return None if self.previous is None else WriteAttribute(self.path, self.previous, self.text)


class Binding(namedtuple('Binding', 'pci driver bound')):
    """Bind a driver to a PCI device, or unbind it."""

    __slots__ = ()

    def describe(self):
        return '{0} {1} {2} {3}'.format('bind' if self.bound else 'unbind', self.driver, 'to' if self.bound else 'from',
                                        self.pci)

    def undo(self):
        return self._replace(bound=not self.bound)


class InstallPackages(namedtuple('InstallPackages', 'names')):
    """Install driver packages from the plugin's repository.

    :param names: tuple of package names as apt takes them, ``name=version`` where only that one will do
    """

    __slots__ = ()

    def describe(self):
        return 'install {0}'.format(', '.join(self.names))

    def undo(self):
        return None  # apt leaves a package whole or asks for its own repair; removing a driver takes down its users


class LoadModule(namedtuple('LoadModule', 'name')):
    """Load a kernel module with modprobe, so that its configuration applies."""

    __slots__ = ()

    def describe(self):
        return 'load module {0}'.format(self.name)

    def undo(self):
        return None  # unloading a driver takes down what others may use by now


class StartService(namedtuple('StartService', 'name restart')):
    """Enable and start a system service; ``restart`` when its configuration changed."""

    __slots__ = ()

    def describe(self):
        return '{0} service {1}'.format('restart' if self.restart else 'start', self.name)

    def undo(self):
        return None  # the service is told apart from a wrong configuration by its own status


class RestartService(namedtuple('RestartService', 'name')):
    """Let a service of others read its configuration again; one that does not run stays as it is."""

    __slots__ = ()

    def describe(self):
        return 'restart {0}'.format(self.name)

    def undo(self):
        return None  # its file is put back after this, and the next run finds that it has to be restarted
