# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Compile files without writing anything; run by Python 2.7 in ``./dev check``.

python -m compileall would leave .pyc files beside the sources.
"""
from __future__ import print_function

import io
import sys

status = 0
for path in sys.argv[1:]:
    with io.open(path, 'rb') as stream:
        try:
            compile(stream.read(), path, 'exec')
        except SyntaxError as error:
            print(error, file=sys.stderr)
            status = 1
sys.exit(status)
