# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Linux namespaces that live exactly as long as the process that holds them.

Nothing here has a name in the file system: when the process at the top ends, however it ends, the kernel ends
everything in its PID namespace, and mounts, devices and networks go with the processes.
"""
import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import traceback

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
MS_REC = 0x4000
MS_BIND = 0x1000
MS_PRIVATE = 0x40000
PR_SET_PDEATHSIG = 1

# What a task of Fuel 9 sees: the PATH of its Puppet exec.
TASK_ENVIRONMENT = {'PATH': '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOME': '/root',
                    'LANG': 'C.UTF-8', 'DEBIAN_FRONTEND': 'noninteractive'}


class Refused(OSError):
    """The kernel refuses a namespace or a mount; the message names it."""


_libc = ctypes.CDLL(None, use_errno=True)


def _call(name, what, *arguments):
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise Refused(number, f'{name} {what}: {os.strerror(number)}')


def unshare(flags):
    """Move the calling process into fresh namespaces (unshare(2)); raises Refused naming the flags."""
    _call('unshare', hex(flags), flags)


def mount(source, target, kind=None, flags=0, options=None):
    """mount(2); raises Refused naming the target."""
    encoded = [None if text is None else os.fsencode(text) for text in (source, target, kind, options)]
    _call('mount', target, encoded[0], encoded[1], encoded[2], ctypes.c_ulong(flags), encoded[3])


def bind(source, target):
    """Mount the folder or file ``source``, with what is mounted below it, on ``target`` too."""
    mount(source, target, flags=MS_BIND | MS_REC)


def die_with_parent():
    """Have the kernel kill the calling process as soon as its parent is gone."""
    _call('prctl', 'PR_SET_PDEATHSIG', PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _become_root_of_new_user_namespace():
    uid, gid = os.geteuid(), os.getegid()
    unshare(CLONE_NEWUSER)
    for name, text in (('setgroups', 'deny'), ('uid_map', f'0 {uid} 1'), ('gid_map', f'0 {gid} 1')):
        try:
            with open(f'/proc/self/{name}', 'w', encoding='ascii') as entry:
                entry.write(text)
        except OSError as error:
            raise Refused(error.errno, f'{name} of a user namespace: {error.strerror}') from error


def _fork(body):
    """Run ``body()`` in a child process; its return value (None: 0) is the child's exit status."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        die_with_parent()
        status = body() or 0
    except KeyboardInterrupt:
        status = 128 + signal.SIGINT
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else 1
    except Refused as error:
        print(error.strerror, file=sys.stderr)
    except BaseException:  # noqa: B036 - the child must never run on in its parent's code
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):  # whoever read it may be gone
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _stop(number, _frame):
    # Not an exception: one that is raised in a fork handler or a destructor is lost.  The kernel cleans up after us.
    os._exit(128 + number)


def _wait_passing_on_signals(pid):
    """Exit status of ``pid``; SIGTERM and SIGINT meant for us are passed on, and are then the status (128 + number)."""
    passed_on = []

    def pass_on(number, _frame):
        passed_on.append(number)
        with contextlib.suppress(ProcessLookupError):  # it has just ended
            os.kill(pid, number)

    previous = {number: signal.signal(number, pass_on) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return 128 + passed_on[0] if passed_on else status


def enclosed(body):
    """Run ``body()`` as process 1 of namespaces of its own and return its exit status.

    It is root there with mount, PID, network, host name and IPC namespaces; where the caller may not make these,
    also a user namespace.  Whatever it starts ends with it.  SIGINT and SIGTERM end it at once, with 128 and their
    number as status.  Where the kernel refuses the namespaces, the reason is on stderr and the status is 1.
    """
    def inside():
        signal.signal(signal.SIGINT, _stop)
        signal.signal(signal.SIGTERM, _stop)
        unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC)
        mount(None, '/', flags=MS_REC | MS_PRIVATE)
        mount('proc', '/proc', 'proc')
        os.environ['PATH'] += ':/usr/local/sbin:/usr/sbin:/sbin'  # root's programs, also for whoever was not root
        return body()

    def outside():
        try:
            unshare(CLONE_NEWPID)
        except Refused:  # not root, or root of a container
            _become_root_of_new_user_namespace()
            unshare(CLONE_NEWPID)
        return _wait_passing_on_signals(_fork(inside))

    return _wait_passing_on_signals(_fork(outside))


class Machine:
    """A virtual machine made of namespaces: its own processes, network, mounts and host name.

    :param hostname: what uname(2) says in it
    :param root: folder that is its root file system
    :param prepare: called in the new namespaces before ``root`` becomes the root; makes the mounts below ``root``
    """

    def __init__(self, hostname, root, prepare):
        def process_1():
            # Children of daemons that detach end up here; nobody else can reap them.
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            os.chroot(root)
            os.chdir('/')
            mount('proc', '/proc', 'proc')
            os.write(told, b'.')
            os.close(told)
            while True:
                signal.pause()

        def starter():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC)
            mount(None, '/', flags=MS_REC | MS_PRIVATE)
            socket.sethostname(hostname)
            prepare()
            unshare(CLONE_NEWPID)  # last: the first process that is started from here on is the machine's process 1
            pid = _fork(process_1)
            os.write(told, b'%d' % pid)
            os.close(told)
            os.waitpid(pid, 0)

        self.root = root
        self.hostname = hostname
        heard, told = os.pipe()
        self._starter = _fork(starter)
        os.close(told)
        with os.fdopen(heard) as answers:
            answer = answers.read()  # two writers, in either order: the process's number, and that it is ready
        if '.' not in answer:
            raise RuntimeError(f'the namespaces of {hostname} could not be made; the reason is above')
        self.pid = int(answer.replace('.', ''))

    def inside(self, *argv):
        """The command that runs ``argv`` as the machine would: its root, processes, network and mounts."""
        return ['nsenter', f'--target={self.pid}', '--mount', '--net', '--uts', '--ipc', '--pid',
                '--root', '--wd', '--', *argv]

    def beside(self, *argv):
        """The command that runs ``argv`` in the machine's network and mounts, with the lab's files and processes."""
        return ['nsenter', f'--target={self.pid}', '--mount', '--net', '--', *argv]

    def run(self, *argv, check=True, **options):
        """Run a command in the machine with the environment of a Fuel task; returns the CompletedProcess.

        :raises RuntimeError: when it fails and ``check`` is set, with what it printed
        """
        done = subprocess.run(self.inside(*argv), capture_output=True, text=True, env=TASK_ENVIRONMENT,
                              check=False, **options)
        if check and done.returncode:
            raise RuntimeError(f'{self.hostname}: {" ".join(argv)}: exit {done.returncode}\n{done.stdout}{done.stderr}')
        return done

    def close(self):
        """End the machine and everything that runs in it."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self._starter, 0)
