# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The options that commands share, and what they mean."""
from __future__ import absolute_import, print_function, unicode_literals

import os
import sys

from plugin_lib._compat import fs_path, to_text, write
from plugin_lib.cli import ASTUTE
from plugin_lib.errors import EXIT_OK, InputError


def root(parser):
    # type: (object) -> None
    """``--root DIR``."""
    parser.add_argument('--root', metavar='DIR', type=to_text, default='/',
                        help='look at a captured machine instead of this one')


def astute(parser):
    # type: (object) -> None
    """``--astute FILE``; see :func:`published_data`."""
    parser.add_argument('--astute', metavar='FILE', type=to_text,
                        help='what Fuel publishes (default: /etc/astute.yaml)')


def shape(parser):
    # type: (object) -> None
    """``--format SHAPE``; see :func:`show`."""
    parser.add_argument('--format', choices=('table', 'json', 'yaml'), default='table',
                        help='for people or for programs (default: table)')


def published_data(options):
    # type: (object) -> str
    """The file of published data: as named, else Fuel's own below the root."""
    return os.path.join(options.root, ASTUTE.lstrip('/')) if options.astute is None else options.astute


def require_folder(path, what):
    # type: (str, str) -> None
    """Refuse a path named for a file to be written where its folder is not there: it is more often mistyped than new.

    :param what: what cannot be done then
    :raises InputError: with the folder
    """
    folder = os.path.dirname(os.path.realpath(fs_path(path)))
    if not os.path.isdir(folder):
        raise InputError(what, path, 'there is no folder {0}'.format(to_text(folder)),
                         'correct the path, or make the folder')


def show(options, view, subject):
    # type: (object, object, object) -> int
    """Print ``subject`` in the asked shape; returns EXIT_OK.

    :param view: a module with ``table(subject)`` -> text and ``document(subject)`` -> plain values
    """
    if options.format == 'table':
        write(sys.stdout, view.table(subject))
    elif options.format == 'json':
        import json
        write(sys.stdout, json.dumps(view.document(subject), indent=2, sort_keys=True) + '\n')
    else:
        import yaml
        write(sys.stdout, yaml.safe_dump(view.document(subject), default_flow_style=False))
    return EXIT_OK
