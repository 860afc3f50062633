# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The driver packages that the operator adds to the plugin's repository on the Fuel master.

MLNX_OFED, the only source of eth_ipoib, may not be redistributed with the plugin.  What is there is listed in
``repositories/drivers.yaml``; nodes learn from the index of the repository which package is for which kernel, the
build of the discovery image from the list itself.
"""
from __future__ import absolute_import, print_function, unicode_literals
