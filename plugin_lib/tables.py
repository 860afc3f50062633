# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Tables for a terminal: aligned columns, no borders, cells that are ready to be copied."""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib._compat import printable, to_text


def render(headers, rows):
    # type: (list, list) -> str
    """``rows`` below ``headers`` as aligned text that ends in a newline.

    :param headers: column titles
    :param rows: a sequence of rows; a cell is anything printable, None and '' show as ``-``
    """
    lines = [[to_text(title).upper() for title in headers]]
    lines += [['-' if cell in (None, '') else printable(to_text(cell)) for cell in row] for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headers))]
    return ''.join('  '.join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() + '\n' for line in lines)
