# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""How a program ends: what it says of the error that ended it, and its exit status."""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import os
import sys

from plugin_lib._compat import OutputError, write
from plugin_lib.errors import EXIT_NOT_APPLIED, EXIT_OK, ApplyError, InfinibandError


def status_of(run):
    # type: (object) -> int
    """The exit status of ``run()``: what it returns, or that of the error which it raises and which is told here."""
    try:
        return run()
    except InfinibandError as error:
        return _tell(error)
    except EnvironmentError as error:
        if not isinstance(error, OutputError):
            return _tell(ApplyError('the system refuses what has to be done', error.filename or '', error.strerror,
                                    'put that right and run it again', error.errno))
        # What is left in the buffer of stdout would fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if error.errno == errno.EPIPE:
            return EXIT_OK  # whoever reads our output, head for one, has seen enough
        return _tell(ApplyError('cannot write the output', 'stdout', error.strerror, 'make room for it', error.errno))
    except KeyboardInterrupt:
        write(sys.stderr, 'interrupted\n')
        return EXIT_NOT_APPLIED


def _tell(error):
    try:
        write(sys.stderr, ''.join(line + '\n' for line in error.lines()))
    except OutputError:
        pass  # nobody listens: the exit status says enough
    return error.exit_status
