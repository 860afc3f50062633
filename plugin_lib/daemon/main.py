# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The program eipoibd.

optparse, because the discovery image of Fuel 6.1 and 7.0 has Python 2.6.
"""
from __future__ import absolute_import, print_function, unicode_literals

import optparse
import os
import sys

from plugin_lib import version
from plugin_lib._compat import printable, to_text, write
from plugin_lib.daemon import config, locks
from plugin_lib.daemon.convergence import converge, flush, foresee
from plugin_lib.daemon.log import Log
from plugin_lib.daemon.service import Service
from plugin_lib.daemon.status import Status
from plugin_lib.effect.executor import Executor
from plugin_lib.effect.ledger import Ledger
from plugin_lib.errors import EXIT_NOT_APPLIED, EXIT_OK, InputError
from plugin_lib.host.source import is_this_machine, open_root
from plugin_lib.host.topology import Surroundings
from plugin_lib.paths import CONFIG_FILE, RUN_FOLDER
from plugin_lib.planning import talkers
from plugin_lib.program import status_of

LEDGER_FILE = 'children.json'


def main(argv=None):
    # type: (list) -> int
    """Run eipoibd; returns the exit status: 0 ok, 2 bad usage or input, 3 something could not be applied."""
    options, rest = _parser().parse_args(argv)
    options.root, options.config = to_text(options.root), options.config and to_text(options.config)
    return status_of(lambda: _run(options, [to_text(word) for word in rest]))


def _run(options, rest):
    _check(options, rest)
    if options.dry_run:
        return _dry_run(options)
    _check_privilege()
    if options.once:
        return _once(options)
    if options.flush:
        return _flush()
    return _serve(options)


def one_pass(settings=config.DEFAULTS):
    # type: (object) -> object
    """The daemon.convergence.Result of one pass on this machine, beside the service if it runs.

    :param settings: daemon.config.Config
    :raises InfinibandError: when nothing could be done
    """
    with locks.held(RUN_FOLDER, locks.PASS, locks.PASS_TIMEOUT):
        source = open_root()
        result = converge(source, Executor(), ledger(), settings=settings, talk=talk_once(source))
        if not locks.is_held(RUN_FOLDER, locks.SERVICE):  # else the status is the service's
            Status(RUN_FOLDER, 'once').update(result)
    return result


def talk_once(source, root='/'):
    # type: (object, str) -> object
    """For daemon.convergence: who talks through the EIPOIB interfaces, for whoever looks only once."""
    def talk(eipoibs):
        surroundings = Surroundings(source, root)
        try:
            return talkers.find(surroundings.settle(), eipoibs) if eipoibs else talkers.NOBODY
        finally:
            surroundings.close()
    return talk


def ledger(root='/'):
    # type: (str) -> Ledger
    """The ledger of the machine below ``root``."""
    return Ledger(os.path.join(root, RUN_FOLDER.lstrip('/'), LEDGER_FILE))


def _parser():
    parser = optparse.OptionParser(
        str('eipoibd [options]'), version=str('eipoibd ' + version()),
        description=str('Turns the P_Keys that the subnet manager gives to an InfiniBand port into VLANs of its EIPOIB'
                        ' (Ethernet over IPoIB) interface. Without an option it serves until it is stopped.'),
        epilog=str('Exit status: 0 ok, 2 bad usage or input, 3 something could not be applied.'))
    # Python 2.6's optparse takes native strings only.
    for name, facts in (
            ('--once', {'action': 'store_true', 'help': 'make one pass, beside the service if it runs; a VLAN whose'
                                                        ' P_Key has vanished is left to the service'}),
            ('--dry-run', {'action': 'store_true', 'help': 'tell what a pass would do, and change nothing'}),
            ('--flush', {'action': 'store_true', 'help': 'remove everything that eipoibd made, and nothing else'}),
            ('--config', {'metavar': 'FILE', 'help': 'configuration, {0} by default'.format(CONFIG_FILE)}),
            ('--root', {'metavar': 'DIR', 'default': '/', 'help': 'look at a captured machine; with --dry-run only'})):
        parser.add_option(str(name), **dict((str(key), str(value)) for key, value in facts.items()))
    return parser


def _check(options, rest):
    if rest:
        raise InputError('eipoibd takes no arguments', ' '.join(rest), '', 'see: eipoibd --help')
    if sum(bool(mode) for mode in (options.once, options.dry_run, options.flush)) > 1:
        raise InputError('--once, --dry-run and --flush exclude each other', '', '', 'give one of them')
    if not (options.dry_run or is_this_machine(options.root)):
        raise InputError('a captured machine cannot be changed', options.root, '', 'add --dry-run')


def _check_privilege():
    if os.geteuid() != 0:
        raise InputError('eipoibd needs root', 'user id {0}'.format(os.geteuid()),
                         'it makes network interfaces', 'run it as root, or with --dry-run')


def _once(options):
    result = one_pass(config.read(options.config))
    lines = [finding.line() for finding in result.findings]
    lines += ['problem: ' + problem for problem in result.host.problems]
    lines += ['warning: ' + warning for warning in result.warnings]
    if not result.host.eipoibs:
        lines.append('no EIPOIB interface here: nothing to do')
    elif not result.outcomes:
        lines.append('nothing to do')
    _print(lines)
    return EXIT_NOT_APPLIED if result.errors else EXIT_OK


def _dry_run(options):
    settings = config.read(options.config)
    source = open_root(options.root)
    steps, findings, warnings = foresee(source, ledger(options.root), settings, talk_once(source, options.root))
    lines = ['{0}: {1}'.format(step.subject, operation.describe()) for step in steps for operation in step.operations]
    lines += [finding.line() for finding in findings]
    lines += ['warning: ' + warning for warning in warnings]
    _print(lines if steps else lines + ['nothing to do'])
    return EXIT_OK


def _flush():
    with locks.held(RUN_FOLDER, locks.SERVICE):  # the service would make everything again
        with locks.held(RUN_FOLDER, locks.PASS, locks.PASS_TIMEOUT):
            outcomes = flush(open_root(), Executor(), ledger())
    _print(['{0}: {1}'.format(outcome.step.subject, outcome.error.one_line() if outcome.error else 'removed')
            for outcome in outcomes] or ['nothing to remove: eipoibd made nothing here'])
    return EXIT_NOT_APPLIED if any(outcome.error for outcome in outcomes) else EXIT_OK


def _print(lines):
    write(sys.stdout, ''.join(printable(line) + '\n' for line in lines))


def _serve(options):
    Service(open_root(), Executor(), ledger(), RUN_FOLDER, options.config, Log(sys.stderr)).run()
    return EXIT_OK
