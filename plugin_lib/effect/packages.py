# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Installs the operator's driver packages with apt."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib.effect.commands import run

# Fuel 9.2 refuses unsigned packages, and the repository of a plugin has no signature: its packages are the
# operator's own, so they are let through for this one call. The path is by name, as apt has moved between releases.
INSTALL = ['apt-get', 'install', '-y', '-q', '-o', 'APT::Get::AllowUnauthenticated=1',
           '-o', 'DPkg::Options::=--force-confold']
# What a run that was killed left: apt refuses to do anything before.
FINISH = ['dpkg', '--configure', '--pending', '--force-confold']
_SEE = 'see /var/log/apt/term.log; check that the packages are for the running kernel'


def install(operation):
    # type: (object) -> None
    """Do an InstallPackages.

    :raises ApplyError: in the words of dpkg or apt
    """
    run(FINISH, _SEE)
    run(INSTALL + list(operation.names), _SEE)
