# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The command fuel-infiniband, killed somewhere, without a chance to tidy up.

``python -BEs -c AT_STEP N PLUGIN_FOLDER ARGUMENTS...`` is killed right before the n-th time that it would change a
file by its name or write to one of its own, ``AT_TIME SECONDS ...`` wherever it is then. Any Python that the command
runs on will do; when it comes to its end before that, its exit status is the command's.
"""
_RUN = '''
sys.path[0] = sys.argv.pop(1)
from plugin_lib.cli import main
sys.exit(main())
'''
AT_STEP = '''
import os, signal, sys
left = [int(sys.argv.pop(1))]
def deadly(name):
    real = getattr(os, name)
    def counted(*arguments, **options):
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **options)
    setattr(os, name, counted)
for name in ('write', 'mkdir', 'link', 'symlink', 'rename', 'unlink', 'rmdir'):
    deadly(name)
''' + _RUN
AT_TIME = '''
import signal, sys
signal.setitimer(signal.ITIMER_REAL, float(sys.argv.pop(1)))
''' + _RUN
KILLED = -9, 137, -14, 142  # by SIGKILL, by SIGALRM; as subprocess says it, and as a shell


def run(master, how, when, home, arguments):
    """Run the command until it is killed; its exit status, 0 where it came to its end before.

    :param how: AT_STEP or AT_TIME; ``when`` is the number of the step, or seconds
    :param home: the plugin's folder on the master
    """
    done = master.run('python', '-BEs', '-c', how, str(when), home, *arguments, check=False)
    assert done.returncode in (0, *KILLED), done
    return done.returncode


def at_moments(master, whole, number, home, arguments):
    """Run the command so often, killed each time at another moment of the ``whole`` seconds that it takes.

    Yields (number of the run, moment in seconds) after each; it has to be killed once at least.
    """
    statuses = set()
    for part in range(number):
        moment = max(0.001, whole * part / number)
        statuses.add(run(master, AT_TIME, moment, home, arguments))
        yield part, moment
    assert statuses - {0}, 'it was killed once at least'
