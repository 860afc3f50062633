# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The command fuel-infiniband.

Everything that a command needs is imported when it runs: a hook that finds
nothing to do must cost next to nothing.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import os
import sys

from plugin_lib import version
from plugin_lib._compat import to_text, write
from plugin_lib.errors import EXIT_CHECK_FAILED, EXIT_NOT_APPLIED, EXIT_OK, InfinibandError

ASTUTE = '/etc/astute.yaml'
HOOKS = ('preflight', 'drivers', 'vlans', 'ovs', 'verify')


def main(argv=None):
    # type: (list) -> int
    """Run one command; returns the exit status.

    0 ok, 1 a check failed, 2 bad usage or bad input, 3 a change could not be applied.
    """
    argv = sys.argv[1:] if argv is None else argv
    try:
        if len(argv) == 2 and argv[0] == 'hook' and argv[1] in HOOKS:
            return _hook(argv[1])  # not through argparse: importing that takes longer than such a hook
        options = _parser().parse_args(argv)
        return options.run(options)
    except InfinibandError as error:
        write(sys.stdout, '')
        write(sys.stderr, ''.join(line + '\n' for line in error.lines()))
        return error.exit_status
    except EnvironmentError as error:
        # What is left in the buffer of stdout would fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if error.errno == errno.EPIPE:
            return EXIT_OK  # whoever reads our output, head for one, has seen enough
        write(sys.stderr, 'error: cannot write the output\n  why:   {0}\n'.format(error.strerror))
        return EXIT_NOT_APPLIED
    except KeyboardInterrupt:
        sys.stderr.write('interrupted\n')
        return EXIT_NOT_APPLIED


def _roles(options):
    from plugin_lib import published
    from plugin_lib.views import roles
    return _show(options, roles, published.read(_astute(options)))


def _discover(options):
    from plugin_lib.host import machine, source
    from plugin_lib.views import discover
    return _show(options, discover, machine.read(source.open_root(options.root)))


def _capture(options):
    from plugin_lib.host import capture, source
    capture.capture(source.open_root(options.root), options.directory, capture.written_by_us(options.root))
    write(sys.stdout, 'recorded this machine in {0}; look at it with: fuel-infiniband discover --root {0}\n'.format(
        options.directory))
    return EXIT_OK


def _plan(options):
    from plugin_lib import stages
    from plugin_lib.views import plan
    node = stages.Node(options.root, _astute(options))
    return _show(options, plan, [stages.plan(node, stage) for stage in stages.ORDER])


def _apply(options):
    from plugin_lib import stages
    from plugin_lib.hooks import report
    from plugin_lib.views import plan
    node = stages.Node('/', ASTUTE if options.astute is None else options.astute)
    done = [outcome for stage in stages.ORDER for outcome in stages.apply(node, stage, report)]
    if not done:
        write(sys.stdout, plan.table([stages.plan(node, stage) for stage in stages.ORDER]))
    return EXIT_OK


def _status(options):
    from plugin_lib.daemon import main as eipoibd
    from plugin_lib.daemon import status
    from plugin_lib.views import status as view
    return _show(options, view, status.read(os.path.join(options.root, eipoibd.RUN_FOLDER.lstrip('/'))))


def _check(options):
    from plugin_lib import stages
    from plugin_lib.views import findings
    found = stages.check(stages.Node(options.root, _astute(options)))
    _show(options, findings, found)
    return EXIT_CHECK_FAILED if findings.failed(found) else EXIT_OK


def _hook(name):
    import gc

    from plugin_lib import hooks
    gc.disable()  # a hook ends before there is anything to collect
    return hooks.run(name, ASTUTE)


def _astute(options):
    """The published data: as named, else Fuel's own below the root."""
    return os.path.join(options.root, ASTUTE.lstrip('/')) if options.astute is None else options.astute


def _show(options, view, subject):
    if options.format == 'table':
        write(sys.stdout, view.table(subject))
    elif options.format == 'json':
        import json
        write(sys.stdout, json.dumps(view.document(subject), indent=2, sort_keys=True) + '\n')
    else:
        import yaml
        write(sys.stdout, yaml.safe_dump(view.document(subject), default_flow_style=False))
    return EXIT_OK


def _parser():
    import argparse
    parser = argparse.ArgumentParser(
        prog='fuel-infiniband', description='InfiniBand in a Fuel environment: what is published, what is there, '
        'what is to be done.', epilog='Exit status: 0 ok, 1 a check failed, 2 bad usage or input, 3 not applied.')
    parser.add_argument('--version', action='version', version='fuel-infiniband {0}'.format(version()))
    commands = parser.add_subparsers(dest='command', metavar='COMMAND')
    commands.required = True
    root = _option('--root', metavar='DIR', type=to_text, default='/',
                   help='look at a captured machine instead of this one')
    astute = _option('--astute', metavar='FILE', type=to_text, help='what Fuel publishes (default: /etc/astute.yaml)')
    shape = _option('--format', choices=('table', 'json', 'yaml'), default='table',
                    help='for people or for programs (default: table)')

    def add(name, run, parents, summary):
        command = commands.add_parser(name, help=summary, description=summary, parents=parents)
        command.set_defaults(run=run)
        return command

    add('roles', _roles, [root, astute, shape], 'show the interfaces and network roles that Fuel publishes')
    add('discover', _discover, [root, shape], 'show the interfaces, HCA ports and P_Keys of the machine')
    capture = add('capture', _capture, [root], 'record this machine, to replay it elsewhere with --root; no secrets')
    capture.add_argument('directory', metavar='DIR', type=to_text, help='a new folder')
    add('plan', _plan, [root, astute, shape], 'show what apply would do, in order; changes nothing')
    add('apply', _apply, [astute], 'configure this node; does nothing where nothing is to be done')
    add('status', _status, [root, shape], 'show what eipoibd serves')
    add('check', _check, [root, astute, shape], 'check that environment, node and fabric agree')
    hook = add('hook', None, [], 'run a deployment task of the plugin')
    hook.add_argument('name', choices=HOOKS, metavar='NAME', help=', '.join(HOOKS))
    hook.set_defaults(run=lambda options: _hook(options.name))
    return parser


def _option(*names, **settings):
    import argparse
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument(*names, **settings)
    return parent
