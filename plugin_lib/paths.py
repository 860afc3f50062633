# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Files of eipoibd that others look at too: here, because a hook must not import eipoibd to look for them."""
from __future__ import absolute_import, print_function, unicode_literals

# Of root alone, and gone with a reboot: locks, the ledger, and what is told to others.
RUN_FOLDER = '/run/eipoibd'
STATUS_FILE = 'status.json'
CONFIG_FILE = '/etc/fuel-infiniband/eipoibd.conf'
