# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Generated cases: new ones in each run, but where ``CI`` is set the same ones for the same tests; no timing is a test.

A gate says the same of the same commit; what it has not drawn, the runs at the desk and ``./dev soak`` find.
"""
from __future__ import absolute_import, print_function, unicode_literals

import os

from hypothesis import HealthCheck, settings

UNTIMED = {str('deadline'): None, str('suppress_health_check'): [HealthCheck.too_slow]}

settings.register_profile(str('ours'), **UNTIMED)
settings.register_profile(str('gate'), derandomize=True, database=None, **UNTIMED)
settings.load_profile(str('gate' if os.environ.get('CI') else 'ours'))
