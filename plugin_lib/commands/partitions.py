# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``fuel-infiniband partitions``: from the environment's networks to the subnet manager's partitions."""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import io
import os
import stat
import sys

from plugin_lib import published
from plugin_lib._compat import fs_path, to_text, write
from plugin_lib.commands import options as shared
from plugin_lib.daemon import status
from plugin_lib.effect.files import write_atomically
from plugin_lib.errors import EXIT_CHECK_FAILED, EXIT_OK, ApplyError, InputError, InputErrors
from plugin_lib.published import master, networks
from plugin_lib.subnet_manager import generate, merge, needs, partition_file, remarks
from plugin_lib.views import partitions as view

SUMMARY = "make the subnet manager's partitions from the networks of environments"
# A port in each of 127 partitions, for a thousand nodes, takes 3 MB.
MOST_BYTES = 8 << 20
WHAT = 'cannot use the partition file'


def arguments(parser):
    parser.epilog = (
        'With --file the partitions become a part of that file, which is shown as a diff; all other lines stay as they '
        'are, and nothing is written without --write. --file alone shows what the subnet manager makes of the file.')
    parser.add_argument('--networks', metavar='FILE', type=to_text, action='append', default=[],
                        help="an environment's network_configuration, JSON as the API has it")
    parser.add_argument('--environment', metavar='ID', type=int, action='append', default=[],
                        help='the number of an environment, to ask the API of the Fuel master')
    parser.add_argument('--api', metavar='URL', type=to_text, default=master.URL,
                        help='where the Fuel master answers (default: {0})'.format(master.URL))
    parser.add_argument('--astute', metavar='FILE', type=to_text, nargs='+', default=[],
                        help='what Fuel published to nodes, instead: only what their InfiniBand ports carry')
    parser.add_argument('--network', metavar='NAME', type=to_text, action='append',
                        help='only this network of an environment; may be given several times')
    parser.add_argument('--guids', action='store_true',
                        help='members are the ports that need a partition, by the status.json of eipoibd beside each '
                        'astute.yaml, not every port')
    parser.add_argument('--output', choices=(generate.OPENSM, generate.UFM, generate.MLNX_OS), default=generate.OPENSM,
                        help='for whom (default: opensm); ufm: partitions.conf.user_ext')
    parser.add_argument('--mtu', type=int, choices=sorted(generate.MTUS), help='of multicast, in bytes (default: 2048)')
    parser.add_argument('--rate', choices=sorted(generate.RATES, key=float),
                        help='of multicast, in Gbit/s (default: 10)')
    parser.add_argument('--file', metavar='FILE', type=to_text, help="the subnet manager's partition file")
    parser.add_argument('--write', action='store_true', help='write FILE')


def run(options):
    if not (options.networks or options.environment or options.astute):
        return _explain(options)
    refused = _Refused()
    partitions = _partitions(options, refused)
    if options.output == generate.MLNX_OS:
        if options.file:
            raise _usage('--file', 'a switch takes commands, no file')
        refused.tell()
        write(sys.stdout, ''.join(line + '\n' for line in generate.commands(partitions, options.mtu, options.rate)))
        return EXIT_OK
    if options.write and not options.file:
        raise _usage('--write', 'there is no file to write', 'name it with --file')
    # UFM writes the default partition itself.
    default = generate.default_line(options.mtu, options.rate) if options.output == generate.OPENSM else None
    path = options.file or 'partitions.conf'
    before = refused.note(None, _read, options.file) if options.file else ''
    after = before if before is None else refused.note(
        None, merge.merged, before, path, partitions, generate.lines(partitions, options.mtu, options.rate), default)
    refused.tell()
    if not options.file:
        write(sys.stdout, after)
        return EXIT_OK
    for remark in remarks.of(partition_file.parse(after)):
        write(sys.stderr, 'warning: {0}: {1}\n'.format(path, remark))
    write(sys.stdout, merge.difference(before, after, path) or '{0}: nothing to change\n'.format(path))
    if options.write and before != after:
        _replace(path, after)
        write(sys.stdout, 'written; {0}\n'.format(_advice(options.output, before, after)))
    return EXIT_OK


def _advice(output, before, after):
    if merge.needs_restart(before, after):
        return 'restart the subnet manager: it keeps the MTU and rate of multicast groups that exist'
    return 'have the subnet manager read it: {0}'.format(
        'pkill -HUP -x opensm' if output == generate.OPENSM else 'restart UFM, or reload its OpenSM')


def _explain(options):
    """Show what is in a file, and what OpenSM misreads in it."""
    if not options.file or options.write:
        raise _usage('--networks, --environment or --astute', 'one of them must say what is needed')
    text = _read(options.file)
    if not text:
        raise InputError(WHAT, options.file, 'there is nothing in it', 'name the partition file of the subnet manager')
    found = partition_file.parse(text)
    write(sys.stdout, view.table(found, remarks.of(found)))
    return EXIT_CHECK_FAILED if found.is_dropped else EXIT_OK


class _Refused(object):
    """What is wrong, collected, so that all of it is one message."""

    def __init__(self):
        self._errors = []

    def note(self, nothing, function, *arguments):
        """What the function returns; where it refuses its input, the part that makes sense, or ``nothing``."""
        try:
            return function(*arguments)
        except InputError as error:
            self._errors.append(error)
            return getattr(error, 'rest', nothing)

    def __bool__(self):
        return bool(self._errors)

    __nonzero__ = __bool__

    def tell(self):
        """Raise InputErrors with all of it, if there is any."""
        if self._errors:
            raise InputErrors(self._errors)


def _partitions(options, refused):
    if options.astute:
        if options.networks or options.environment or options.network:
            raise _usage('--astute', 'it tells what nodes carry, --networks and --environment what environments have',
                         'give one of the two')
        nodes = [refused.note(None, _node, path, options.guids) for path in options.astute]
        return refused.note([], needs.of_nodes, [node for node in nodes if node], options.guids, not refused)
    if options.guids:
        raise _usage('--guids', 'the networks of an environment do not tell the ports of its nodes', 'give --astute')
    environments = [(path, refused.note([], networks.load, path)) for path in options.networks]
    asked = master.Master(options.api)
    for number in options.environment:
        document, address = refused.note((None, None), asked.networks, number)
        if address:
            environments.append((address, refused.note([], networks.read, document, address)))
    return refused.note([], needs.of_networks, environments, options.network, not refused)


def _node(path, with_guids):
    return published.read(path), _guids(path) if with_guids else {}


def _guids(path):
    """{EIPOIB interface: GUID of its port} of the node with this astute.yaml."""
    found = status.load(os.path.dirname(path))
    try:
        return dict((name, int(nic['guid'], 16)) for name, nic in found['interfaces'].items() if nic.get('guid'))
    except (AttributeError, TypeError, ValueError):
        raise InputError('cannot tell the ports of a node', path,
                         'there is no {0} beside it'.format(status.STATUS_FILE) if found is None else
                         'the GUIDs in {0} make no sense'.format(status.STATUS_FILE),
                         'copy it from /run/eipoibd of the node, or leave out --guids')


def _read(path):
    """The text of the partition file, empty when there is none.

    :raises InputError: when it cannot be what a subnet manager reads, or where its folder would be there is none
    """
    todo = 'correct it; nothing was written'
    try:
        if stat.S_ISDIR(os.stat(fs_path(path)).st_mode):
            raise InputError(WHAT, path, 'it is a folder', todo)
        with io.open(fs_path(path), 'rb') as stream:
            raw = stream.read(MOST_BYTES + 1)
    except EnvironmentError as error:
        if error.errno == errno.ENOENT:
            shared.require_folder(path, WHAT)
            return ''
        raise InputError(WHAT, path, error.strerror, todo)
    for is_wrong, why in (
            (len(raw) > MOST_BYTES, 'it has more than {0} MB: no subnet manager has such a file'.format(
                MOST_BYTES >> 20)),
            (b'\0' in raw, 'it holds a NUL, behind which OpenSM reads nothing of the line: line {0}'.format(
                raw[:raw.find(b'\0')].count(b'\n') + 1)),
            (b'\r' in raw, 'it holds a carriage return, as lines of Windows have, which is not blank to OpenSM: '
                           'line {0}'.format(raw[:raw.find(b'\r')].count(b'\n') + 1))):
        if is_wrong:
            raise InputError(WHAT, path, why, todo)
    try:
        return raw.decode('utf-8')
    except UnicodeDecodeError as error:
        raise InputError(WHAT, path, 'not UTF-8: line {0}'.format(raw[:error.start].count(b'\n') + 1), todo)


def _replace(path, text):
    try:
        write_atomically(path, text, None if os.path.exists(fs_path(path)) else 0o644)
    except EnvironmentError as error:
        raise ApplyError('cannot write the partitions', path, error.strerror, 'write as its owner', error.errno)


def _usage(where, why, todo='see: fuel-infiniband partitions --help'):
    return InputError('cannot do what was asked for', where, why, todo)
