# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The command fuel-infiniband.

Everything that a command needs is imported when it runs: a hook that finds
nothing to do must cost next to nothing.
"""
from __future__ import absolute_import, print_function, unicode_literals

import sys

from plugin_lib.program import status_of

ASTUTE = '/etc/astute.yaml'
# Each is a module of plugin_lib.commands; in the order of the help.
COMMANDS = ('roles', 'discover', 'capture', 'plan', 'apply', 'status', 'check', 'report', 'partitions', 'drivers',
            'bootstrap', 'setup', 'prepare', 'functions', 'hook')
HOOKS = ('preflight', 'drivers', 'vlans', 'sriov', 'storage', 'ovs', 'verify', 'rdma', 'passthrough')


def main(argv=None):
    # type: (list) -> int
    """Run one command; returns the exit status.

    0 ok, 1 a check failed, 2 bad usage or bad input, 3 a change could not be applied.
    """
    argv = sys.argv[1:] if argv is None else argv
    return status_of(lambda: _run(argv))


def _run(argv):
    if len(argv) == 2 and argv[0] == 'hook' and argv[1] in HOOKS:
        return run_hook(argv[1])  # not through argparse: importing that takes longer than such a hook
    options = _parser(argv).parse_args(argv)
    return options.run(options)


def run_hook(name):
    # type: (str) -> int
    """Run a deployment task on this node; returns the exit status."""
    import gc

    from plugin_lib import hooks
    gc.disable()  # a hook ends before there is anything to collect
    return hooks.run(name, ASTUTE)


def _parser(argv):
    import argparse

    from plugin_lib import version
    parser = argparse.ArgumentParser(
        prog='fuel-infiniband', description='InfiniBand in a Fuel environment: what is published, what is there, '
        'what is to be done.', epilog='Exit status: 0 ok, 1 a check failed, 2 bad usage or input, 3 not applied.')
    parser.add_argument('--version', action='version', version='fuel-infiniband {0}'.format(version()))
    commands = parser.add_subparsers(dest='command', metavar='COMMAND')
    commands.required = True
    # All of them are needed only to list them.
    for name in argv[:1] if argv and argv[0] in COMMANDS else COMMANDS:
        __import__('plugin_lib.commands.' + name)  # the master of Fuel 6.1 and 7.0 has Python 2.6, without importlib
        module = sys.modules['plugin_lib.commands.' + name]
        command = commands.add_parser(name, help=module.SUMMARY, description=module.SUMMARY)
        module.arguments(command)
        command.set_defaults(run=module.run)
    return parser
