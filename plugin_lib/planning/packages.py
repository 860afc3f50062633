# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The stage ``packages``: the driver packages that the operator put into the plugin's repository."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib.planning.operations import InstallPackages, Step

STAGE = 'packages'
NODE_PACKAGE = 'fuel-infiniband'


def plan(packages, kernel):
    # type: (object, str) -> tuple
    """The Steps that install what is offered for this kernel and not installed.

    A package for any kernel is installed when there is none of its name.  One of modules must be the one for this
    kernel: the same name in another version has the modules of another.

    :param packages: host.packages.Packages
    :param kernel: the running kernel, as ``uname -r`` says it
    """
    missing = []
    for offer in usable(packages.offered, kernel):
        if offer.name not in packages.installed:
            missing.append(offer.name if offer.kernel is None else _exactly(offer))
        elif offer.kernel is not None and packages.installed[offer.name] != offer.version:
            missing.append(_exactly(offer))
    if not missing:
        return ()
    return (Step(STAGE, 'drivers', 'driver source is the plugin\'s repository',
                 (InstallPackages(tuple(sorted(set(missing)))),)),)


def usable(offered, kernel):
    # type: (tuple, str) -> tuple
    """The driver packages among ``offered`` that are for ``kernel`` or for any."""
    return tuple(offer for offer in offered if offer.name != NODE_PACKAGE and offer.kernel in (None, kernel))


def other_kernels(offered, kernel):
    # type: (tuple, str) -> list
    """The kernels that ``offered`` has modules for, where it has none for ``kernel``: then none can be loaded."""
    kernels = set(offer.kernel for offer in offered if offer.kernel is not None)
    return [] if kernel in kernels else sorted(kernels)


def _exactly(offer):
    return '{0}={1}'.format(offer.name, offer.version)
