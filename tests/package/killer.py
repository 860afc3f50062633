# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The command fuel-infiniband, killed right before the n-th time that it would change a file.

``python -BEs -c CODE N PLUGIN_FOLDER ARGUMENTS...``, with any Python that the command runs on; when it comes to its
end before that, its exit status is the command's.
"""
CODE = '''
import os, signal, sys
left = [int(sys.argv.pop(1))]
sys.path[0] = sys.argv.pop(1)
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
from plugin_lib.cli import main
sys.exit(main())
'''
KILLED = -9, 137  # as subprocess says it, and as a shell
