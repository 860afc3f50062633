# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Pure decisions: (published, host) -> steps.  No I/O, no clock, no environment."""
