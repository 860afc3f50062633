# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.documents [PAGE...]``: write what the commands print now into the documents, where it differs."""
import sys

from tests.documents import pages, places
from tools.packages import TOP


def main():
    chosen = [page for page in pages.pages() if str(page.relative_to(TOP)) in sys.argv[1:] or not sys.argv[1:]]
    outputs = places.outputs([command for page in chosen for command in pages.commands(page)])
    for page in chosen:
        commands = pages.commands(page)
        got, outputs = outputs[:len(commands)], outputs[len(commands):]
        new = [command.output if output is None or pages.fits(command.output, output) else
               ''.join(line.rstrip() + '\n' for line in output.splitlines())
               for command, output in zip(commands, got)]
        if new != [command.output for command in commands]:
            page.write_text(pages.replace(page, new), encoding='utf-8')
            print(f'rewritten: {page.relative_to(TOP)}')


if __name__ == '__main__':
    main()
