# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The patches of a network scheme that can be made: those that close a loop, or join nothing, are left out.

Neither Open vSwitch nor a Linux bridge of Fuel's runs a spanning tree: a loop floods the node and the fabric.
"""
from __future__ import absolute_import, print_function, unicode_literals


def usable(scheme, bridges, joins):
    """The patches between bridges among ``bridges``, in the scheme's order, and lines about those that are left out.

    :param joins: what joins bridges beside patches, as pairs of (bridge, tag), tag 0 for none
    :returns: (list of scheme.Patch, lines)
    """
    patches, lines, joined = [], [], {}
    for ends in joins:
        first, second = [_group(joined, end) for end in ends]
        if first != second:
            joined[first] = second
    for patch in scheme.patches:
        if not bridges.intersection(patch.bridges):
            continue
        unknown = [name for name in patch.bridges if name not in scheme.bridges]
        if unknown:
            lines.append('{0} is not made: the network scheme has no bridge {1}'.format(title(patch), unknown[0]))
            continue
        # A Linux bridge has no tags: l23network gives the patch none there.
        ends = [_group(joined, (name, tag if scheme.bridges[name].provider == 'ovs' else 0))
                for name, tag in zip(patch.bridges, patch.tags)]
        if patch in patches:
            continue
        if ends[0] == ends[1] or patch.bridges[0] == patch.bridges[1]:
            lines.append('{0} is not made: it would close a loop'.format(title(patch)))
        else:
            joined[ends[0]] = ends[1]
            patches.append(patch)
    return patches, lines


def title(patch):
    """A patch as a person names it."""
    return 'the patch between {0} and {1}'.format(*patch.bridges)


def _group(joined, end):
    """What stands for everything that is joined with (bridge, tag): traffic without a tag and of each tag apart."""
    while end in joined:
        end = joined[end]
    return end
