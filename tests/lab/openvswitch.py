# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Open vSwitch without its kernel module: a private pair of daemons, and transactions with its database."""
import os
import subprocess

from ovs import jsonrpc, stream

SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema'


def start(within, configuration, run, log):
    """Start ovsdb-server and ovs-vswitchd; they run when this returns, and end with their PID namespace.

    :param within: function that turns an argv into the argv that runs it where the switch is to live
    :param configuration: folder of the database, as seen there
    :param run: folder of sockets and pid files; ``<run>/db.sock`` is the database
    :param log: folder of the logs
    :raises RuntimeError: with what the daemon printed
    """
    database = f'{configuration}/conf.db'
    socket = f'unix:{run}/db.sock'

    def common(name):
        return [f'--pidfile={run}/{name}.pid', f'--unixctl={run}/{name}.ctl', f'--log-file={log}/{name}.log',
                '-vconsole:off', '-vsyslog:off', '-vfile:warn', '--detach', '--no-chdir']

    # Management sockets of bridges go where this says, whatever the daemons' own options are.
    environment = dict(os.environ, OVS_RUNDIR=run)
    for argv in (['mkdir', '-p', configuration, run, log],
                 ['rm', '-f', database],
                 ['ovsdb-tool', 'create', database, SCHEMA],
                 ['ovsdb-server', database, f'--remote=p{socket}', *common('ovsdb-server')],
                 ['ovs-vsctl', f'--db={socket}', '--no-wait', 'init'],
                 ['ovs-vswitchd', socket, '--disable-system', *common('ovs-vswitchd')]):
        done = subprocess.run(within(argv), capture_output=True, text=True, check=False, env=environment)
        if done.returncode:
            raise RuntimeError(f'{" ".join(argv)}: exit {done.returncode}\n{done.stdout}{done.stderr}')


class Database:
    """A connection to an ovsdb-server: one JSON-RPC transaction takes 1 ms, an ovs-vsctl several."""

    def __init__(self, socket):
        error, connection = stream.Stream.open_block(stream.Stream.open(f'unix:{socket}'))
        if error:
            raise OSError(error, f'{socket}: {os.strerror(error)}')
        self._connection = jsonrpc.Connection(connection)

    def transact(self, *operations):
        """Run operations of RFC 7047 as one transaction and return their results.

        :raises RuntimeError: with the server's words
        """
        request = jsonrpc.Message.create_request('transact', ['Open_vSwitch', *operations])
        error, reply = self._connection.transact_block(request)
        if error:
            raise RuntimeError(f'OVSDB: {os.strerror(error)}')
        if reply.error or any('error' in (row or {}) for row in reply.result):
            raise RuntimeError(f'OVSDB: {reply.error or reply.result}')
        return reply.result

    def configure(self, *operations):
        """As :meth:`transact`, and return when the switch does what the database says.

        Without the new next_cfg the switch may keep forwarding by the old configuration until its next change: seen
        with trunks in 3.1.0.  It is also how ovs-vsctl waits.
        """
        results = self.transact(*operations,
                                {'op': 'mutate', 'table': 'Open_vSwitch', 'where': [],
                                 'mutations': [['next_cfg', '+=', 1]]},
                                {'op': 'select', 'table': 'Open_vSwitch', 'where': [], 'columns': ['next_cfg']})
        older = ['cur_cfg', '<', results[-1]['rows'][0]['next_cfg']]
        self.transact({'op': 'wait', 'table': 'Open_vSwitch', 'where': [older], 'columns': ['cur_cfg'],
                       'until': '==', 'rows': [], 'timeout': 5000})
