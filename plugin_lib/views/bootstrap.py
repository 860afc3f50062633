# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``fuel-infiniband bootstrap status``: which discovery image nodes boot."""
from __future__ import absolute_import, print_function, unicode_literals


def document(status):
    # type: (object) -> dict
    """Plain values of a bootstrap_image.master.Status."""
    return {'active': status.active, 'infiniband': status.is_ours, 'previous': status.previous,
            'built': list(status.built)}


def table(status):
    # type: (object) -> str
    """The same for people."""
    return ''.join('{0:<11} {1}\n'.format(label + ':', value) for label, value in (
        ('active', status.active or 'none'), ('infiniband', 'yes' if status.is_ours else 'no'),
        ('previous', status.previous or 'none'), ('built', ', '.join(status.built) or 'none')))
