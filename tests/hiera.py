# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The real hiera (Debian: hiera, ruby-deep-merge) with the hierarchy of each release of Fuel, /etc/hiera.yaml.

Sources: osnailyfacter's hiera.pp and its type hiera_config, 6.1 to 9.2.  Since 8.0 it puts ``plugins/NAME`` of each
enabled plugin first.  netconfig asks with hiera() up to 7.0, which takes the first file, and with hiera_hash() later.
"""
import os
import shutil
import subprocess

import yaml

from tests.model.netconfig import REPLACES

_OVERRIDES = ['override/node/%{::fqdn}', 'override/class/%{calling_class}', 'override/module/%{calling_module}',
              'override/plugins', 'override/common']
_CONFIGURED = ['override/configuration/%{::fqdn}', 'override/configuration/role', 'override/configuration/cluster']
_CLASSES = ['class/%{calling_class}', 'module/%{calling_module}']
_OF_NODES = ['deleted_nodes', 'nodes']

HIERARCHIES = {
    '6.1': [*_OVERRIDES, *_CLASSES, 'nodes', 'globals', 'astute'],
    '7.0': [*_OVERRIDES, *_CLASSES, 'nodes', 'globals', 'astute'],
    '8.0': ['plugins/infiniband', *_OVERRIDES, *_CONFIGURED, *_CLASSES, *_OF_NODES, 'globals', 'astute'],
    '9.2': ['plugins/infiniband', *_OVERRIDES, *_CONFIGURED, 'override/configuration/default_route', *_CLASSES,
            *_OF_NODES, 'old_admin_user', 'globals', 'astute'],
}


def missing():
    """What hiera lacks on this machine, '' when it can run."""
    if not shutil.which('hiera'):
        return 'apt-get install hiera ruby-deep-merge'
    done = subprocess.run(['ruby', '-e', "require 'deep_merge'"], capture_output=True, check=False)
    return 'apt-get install ruby-deep-merge' if done.returncode else ''


def lay_out(root, release, astute='../astute.yaml'):
    """Write the release's hiera.yaml below a root folder.

    :param astute: where astute.yaml is, seen from etc/hiera: Fuel links it there
    """
    os.makedirs(f'{root}/etc/hiera', exist_ok=True)
    if not os.path.lexists(f'{root}/etc/hiera/astute.yaml'):
        os.symlink(astute, f'{root}/etc/hiera/astute.yaml')
    config = {':backends': ['yaml'], ':hierarchy': HIERARCHIES[release], ':yaml': {':datadir': f'{root}/etc/hiera'},
              ':merge_behavior': 'deeper', ':logger': 'noop'}
    with open(f'{root}/etc/hiera.yaml', 'w', encoding='utf-8') as file:
        yaml.safe_dump(config, file)


def network_scheme(root, release, merged=None):
    """The network_scheme that hiera answers.

    :param merged: as hiera_hash() asks; None: as netconfig of this release does
    """
    merged = release not in REPLACES if merged is None else merged
    done = subprocess.run(['hiera', '-c', f'{root}/etc/hiera.yaml', '-f', 'yaml', *(['-h'] if merged else []),
                           'network_scheme', '::fqdn=node-1.domain.tld'], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)
