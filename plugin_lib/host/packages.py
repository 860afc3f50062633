# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Reads which packages the plugin's repository offers a node, and which of them are installed."""
from __future__ import absolute_import, print_function, unicode_literals

import fnmatch
import re
from collections import namedtuple

from plugin_lib.host import files

# apt names its copy of an index by the source's address: Fuel serves the plugin's repository as
# http://MASTER:8080/plugins/infiniband-1.0/repositories/ubuntu/.
LISTS = '/var/lib/apt/lists'
LIST_OF_PLUGIN = '*_plugins_infiniband-*_repositories_ubuntu_*Packages'
DPKG_STATUS = '/var/lib/dpkg/status'

# Our own field of the index, written on the master; apt keeps what it does not know.
KERNEL_FIELD = 'Fuel-Infiniband-Kernel'

_FIELD = re.compile(r'^(Package|Version|Status|{0}): *(\S.*)$'.format(KERNEL_FIELD), re.M)


class Offer(namedtuple('Offer', 'name version kernel')):
    """A package in the plugin's repository.

    :param kernel: the kernel that its modules are for, as ``uname -r`` says it; None when it has none
    """

    __slots__ = ()


class Packages(namedtuple('Packages', 'offered installed')):
    """What a node can have and has.

    :param offered: tuple of the Offers in the plugin's repository, the node package included
    :param installed: {name: version} of those of them that are installed, in whatever version
    """

    __slots__ = ()


def read(root='/'):
    # type: (str) -> Packages
    """The Packages of the machine below ``root``, from the files of apt and dpkg.

    :raises InputError: when one of the files cannot be read
    """
    offered = []
    for path in fnmatch.filter(files.names(root, LISTS), '{0}/{1}'.format(LISTS, LIST_OF_PLUGIN)):
        for fields in _paragraphs(files.read(root, path)):
            offered.append(Offer(fields['Package'], fields.get('Version'), fields.get(KERNEL_FIELD)))
    wanted = frozenset(offer.name for offer in offered)
    installed = dict((fields['Package'], fields.get('Version')) for fields in _paragraphs(
        files.read(root, DPKG_STATUS)) if fields['Package'] in wanted
        and fields.get('Status', '').endswith(' ok installed'))
    return Packages(tuple(offered), installed)


def _paragraphs(text):
    """The fields of each paragraph, as {name: value}."""
    found = (dict(_FIELD.findall(paragraph)) for paragraph in re.split(r'\n\n+', text or ''))
    return [fields for fields in found if 'Package' in fields]
