# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The stage ``packages``: the driver packages that the operator put into the plugin's repository."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib.planning.operations import InstallPackages, Step

STAGE = 'packages'
NODE_PACKAGE = 'fuel-infiniband'


def plan(packages):
    # type: (object) -> tuple
    """The Steps that install what is offered and not installed.

    :param packages: host.packages.Packages
    """
    missing = tuple(sorted(packages.offered - packages.installed - frozenset([NODE_PACKAGE])))
    if not missing:
        return ()
    return (Step(STAGE, 'drivers', 'driver source is the plugin\'s repository', (InstallPackages(missing),)),)
