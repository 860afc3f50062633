# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``python -m plugin_lib``: the command line in a checkout."""
from __future__ import absolute_import, print_function, unicode_literals

import sys

from plugin_lib.cli import main

sys.exit(main())
