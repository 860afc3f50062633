# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The command fuel-infiniband, killed right before the n-th time that it would change anything or run a program.

``python -BEs -c CODE N PLUGIN_FOLDER ARGUMENTS...``, with any Python that the command runs on; when it comes to its
end before that, its exit status is the command's.
"""
CODE = '''
import os, signal, subprocess, sys
left = [int(sys.argv.pop(1))]
sys.path[0] = sys.argv.pop(1)
def deadly(module, name):
    real = getattr(module, name)
    def counted(*arguments, **options):
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **options)
    setattr(module, name, counted)
from plugin_lib.effect import commands
for module, name in ((os, 'rename'), (os, 'unlink'), (os, 'rmdir'), (os, 'symlink'), (os, 'write'), (os, 'fsync'),
                     (commands, '_run')):
    deadly(module, name)
from plugin_lib.cli import main
sys.exit(main())
'''
KILLED = -9, 137  # as subprocess says it, and as a shell
