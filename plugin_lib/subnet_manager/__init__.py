# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Partitions for subnet managers: what an environment needs, what a file of them means, how both are merged."""
from __future__ import absolute_import, print_function, unicode_literals
