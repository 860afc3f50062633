# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The library of the Fuel plugin for InfiniBand: read -> plan -> apply.

``published`` reads what Fuel publishes, ``host`` reads what the machine has,
``planning`` decides without any I/O, ``effect`` is the only code that changes
anything, and ``daemon`` is eipoibd, which repeats the three.
"""
from __future__ import absolute_import, print_function, unicode_literals

import io
import os


def version():
    # type: () -> str
    """The plugin's version, as metadata.yaml states it.

    metadata.yaml stands beside this package in a checkout and in the installed
    node package alike, so that the number is written in one place.  It is found
    with a regular expression because eipoibd must start without PyYAML.
    """
    import re
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    with io.open(os.path.join(here, 'metadata.yaml'), encoding='utf-8') as stream:
        return re.search(r"^version:\s*'?([0-9.]+)", stream.read(), re.M).group(1)
