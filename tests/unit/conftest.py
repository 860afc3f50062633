# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What several of the unit tests begin with."""
from __future__ import absolute_import, print_function, unicode_literals

import os

import pytest

from tests.model import sriov_case


@pytest.fixture
def case(tmpdir):
    """Makes the node of a case of virtual functions, of its name."""
    return lambda name: sriov_case.Case(os.path.join(sriov_case.FOLDER, name), tmpdir)
