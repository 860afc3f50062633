# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What the machine has: interfaces, HCA ports, EIPOIB interfaces, IPoIB children, OVSDB.

Everything here only reads.  The root folder is a parameter, so that a captured
tree answers as the machine would.
"""
