# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The documents' commands: found (pages), run where they belong (places), written anew (__main__)."""
