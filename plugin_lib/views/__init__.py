# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""How results look: each view makes a ``document`` for machines and a ``table`` for people."""
