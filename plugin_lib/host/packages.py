# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Reads which packages the plugin's repository offers a node, and which of them are installed."""
from __future__ import absolute_import, print_function, unicode_literals

import fnmatch
import os
import re
from collections import namedtuple

from plugin_lib.host import files

# apt names its copy of an index by the source's address: Fuel serves the plugin's repository as
# http://MASTER:8080/plugins/infiniband-1.0/repositories/ubuntu/.
LISTS = '/var/lib/apt/lists'
LIST_OF_PLUGIN = '*_plugins_infiniband-*_repositories_ubuntu_*Packages'
DPKG_STATUS = '/var/lib/dpkg/status'

_NAME = re.compile(r'^Package: *(\S+)', re.M)
_INSTALLED = re.compile(r'^Status: *\S+ ok installed', re.M)


class Packages(namedtuple('Packages', 'offered installed')):
    """Names of packages.

    :param offered: frozenset of those in the plugin's repository, the node package included
    :param installed: frozenset of those of them that are installed
    """

    __slots__ = ()


def read(root='/'):
    # type: (str) -> Packages
    """The Packages of the machine below ``root``, from the files of apt and dpkg.

    :raises InputError: when one of the files cannot be read
    """
    try:
        names = os.listdir(os.path.join(root, LISTS.lstrip('/')))
    except EnvironmentError:
        names = []
    indexes = (files.read(root, '{0}/{1}'.format(LISTS, name)) for name in fnmatch.filter(names, LIST_OF_PLUGIN))
    offered = frozenset(name for index in indexes for name in _NAME.findall(index or ''))
    paragraphs = re.split(r'\n\n+', files.read(root, DPKG_STATUS) or '')
    installed = frozenset(name for paragraph in paragraphs if _INSTALLED.search(paragraph)
                          for name in _NAME.findall(paragraph))
    return Packages(offered, offered & installed)
