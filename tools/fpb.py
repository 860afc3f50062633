# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Run fuel-plugin-builder 4.2.0, a Python 2 program, on the Python of today.

``python -m tools.fpb --check DIR`` and ``--build DIR`` take the builder's own
arguments.  The builder itself is not changed: four names are given the meaning
that they had in Python 2 and PyYAML 3 before it starts.  Its errors exit 255.
"""
import builtins
import sys

import yaml

_load_with = yaml.load


def _load(stream, Loader=yaml.SafeLoader):  # noqa: N803 - PyYAML's own spelling
    return _load_with(stream, Loader)  # the builder names no Loader, which PyYAML 6 insists on


def _list_filter(function, iterable):
    return [item for item in iterable if function(item)]


def main():
    """Adapt the builder and run its command line with this process's arguments."""
    builtins.unicode = lambda text, encoding: text  # argparse gives it text already
    yaml.load = _load

    from fuel_plugin_builder import cli, version_mapping
    from fuel_plugin_builder.actions import build

    version_mapping.filter = _list_filter  # it indexes the result
    build.filter = _list_filter  # it asks whether the result is empty
    cli.main()


if __name__ == '__main__':
    sys.exit(main())
