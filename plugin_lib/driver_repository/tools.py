# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The programs that know packages: dpkg's for Ubuntu, rpm and createrepo for CentOS."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib.effect.commands import output
from plugin_lib.errors import ApplyError

# Where a CentOS master gets them.
_PACKAGES = {'dpkg-deb': 'dpkg', 'dpkg-scanpackages': 'dpkg-dev', 'rpm': 'rpm', 'createrepo': 'createrepo'}


class Refused(ApplyError):
    """A tool ran and did not accept what it was given; ``why`` is its last word."""


def run(argv, folder=None):
    # type: (list, str) -> str
    """What one of the tools prints.

    :param folder: where it runs, if not here
    :raises Refused: when it fails
    :raises ApplyError: when it is not on this machine
    """
    try:
        return output(argv, '', folder)
    except ApplyError as error:
        if error.errno is None:
            raise Refused(error.what, error.where, error.why)
        raise ApplyError('cannot look into driver packages', argv[0], error.why,
                         'install it: yum install {0}'.format(_PACKAGES[argv[0]]), error.errno)
