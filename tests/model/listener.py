# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Who hears of what happens in the kernel in memory."""
from __future__ import absolute_import, print_function, unicode_literals


class Listener(object):
    """Somebody who wants to know what happens in the model; the lab's file server keeps real interfaces in step.

    All methods do nothing here.  ``before`` and ``after`` surround each change
    and may raise: OSError to make the change fail, anything else for a crash.
    """

    def before(self, verb, target, text):
        """``verb`` is ``write``, ``add_link``, ``delete_link`` or ``link_up``; ``target`` a path or a name."""

    def after(self, verb, target, text):
        """The change is done."""

    def created(self, netdev):
        """An interface appeared; its ``ifindex`` and ``mac`` may be set here to those of a real one."""

    def deleted(self, netdev):
        """An interface is gone."""

    def vifs_changed(self, eipoib):
        """What an EIPOIB interface serves has changed: see :meth:`tests.model.kernel.Kernel.vifs`."""

    def looked_at(self, netdev):
        """Somebody is about to read ``up``, ``mac`` or ``mtu``: a place to refresh them."""
