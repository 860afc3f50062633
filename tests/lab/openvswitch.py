# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Open vSwitch without its kernel module: a private pair of daemons."""
import os
import subprocess

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
    for argv in (['mkdir', '-p', configuration, run, log],
                 ['rm', '-f', database],
                 ['ovsdb-tool', 'create', database, SCHEMA],
                 ['ovsdb-server', database, f'--remote=p{socket}', *_common('ovsdb-server', run, log)],
                 ['ovs-vsctl', f'--db={socket}', '--no-wait', 'init']):
        _run(within(argv), run)
    start_switch(within, run, log)


def start_switch(within, run, log):
    """Start ovs-vswitchd alone, beside an ovsdb-server that runs; see :func:`start`."""
    _run(within(['ovs-vswitchd', f'unix:{run}/db.sock', '--disable-system', *_common('ovs-vswitchd', run, log)]), run)


def _common(name, run, log):
    return [f'--pidfile={run}/{name}.pid', f'--log-file={log}/{name}.log',
            '-vconsole:off', '-vsyslog:off', '-vfile:warn', '--detach', '--no-chdir']


def _run(argv, run):
    # Management sockets, of bridges too, go where this says, whatever the daemons' own options are.
    environment = dict(os.environ, OVS_RUNDIR=run)
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise RuntimeError(f'{" ".join(argv)}: exit {done.returncode}\n{done.stdout}{done.stderr}')
