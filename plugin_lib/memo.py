# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Not thinking twice: a machine on which nothing happens reads the same every time."""
from __future__ import absolute_import, print_function, unicode_literals

import functools

_KEPT = 8  # ports of a machine with four HCAs


def remembering(function):
    # type: (object) -> object
    """``function``, which answers from memory when one of its last questions comes again.

    For pure functions of values: questions are compared, not hashed, and nobody may change one or an answer afterwards.
    A part that is the same object costs no comparison.
    """
    known = []

    @functools.wraps(function)
    def remembered(*question):
        for asked, answer in known:
            if asked == question:
                return answer
        answer = function(*question)
        known.insert(0, (question, answer))
        del known[_KEPT:]
        return answer

    return remembered
