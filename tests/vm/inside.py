# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What the tests do in a guest; every function here runs there."""
import os
import subprocess


def run(argv):
    """{'status', 'output'} of a program; its errors are in the output."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return {'status': done.returncode, 'output': done.stdout}
