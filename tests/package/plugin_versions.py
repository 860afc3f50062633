# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The plugin's packages in versions that are not out yet, for what happens when one takes the place of another."""
import pytest

from tools import packages

CURRENT = '1.0.0'


def build(flavour, version, dist):
    """Build a package of the plugin that calls itself ``version``; returns its Path below ``dist``."""
    stage = packages.stage

    def staged(flavour, tree):
        tree, series = stage(flavour, tree), version.rpartition('.')[0]
        for name, old, new in [('metadata.yaml', CURRENT, version)] + [
                (path.name, 'infiniband-1.0', f'infiniband-{series}') for path in tree.glob('*.sh')]:
            (tree / name).write_text((tree / name).read_text().replace(old, new))
        return tree

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packages, 'stage', staged)
        return packages.build(flavour, dist)
