# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The commands in the documents, and what they print: blocks of the language ``console`` in doc/*.md.

A line that begins with ``$`` is a command, the lines up to the next one are its output; ``...`` in it stands for any
text, on a line of its own for any lines.  ``python -m tests.documents`` writes what the commands print now into the
documents.
"""
import re
import sys
from pathlib import Path
from typing import NamedTuple

from tests.lab import astute, hooks, lab
from tools import packages

DOC = packages.TOP / 'doc'
# What is another one each time.
_VARIES = [(re.compile(pattern), word) for pattern, word in (
    (r'\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b', 'MAC'), (r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ', 'TIME'), (r'pid \d+', 'PID'))]
_BLOCK = re.compile(r'^```console\n(.*?)^```$', re.M | re.S)


class Command(NamedTuple):
    """A command of a document, and the output that it shows there."""

    page: str
    text: str
    output: str


def pages():
    """The documents, by name."""
    return sorted(DOC.glob('**/*.md'))


def commands(page):
    """The Commands of a document, in order."""
    found = []
    for block in _BLOCK.findall(page.read_text(encoding='utf-8')):
        for part in re.split(r'^\$ ', block, flags=re.M)[1:]:
            text, _, output = part.partition('\n')
            found.append(Command(page.name, text, output))
    return found


def fits(expected, output):
    """Whether an output is what the document shows, but for MACs, times and process ids."""
    for varying, word in _VARIES:
        expected, output = varying.sub(word, expected), varying.sub(word, output)
    pattern = re.escape(expected.rstrip('\n')).replace(r'\.\.\.', '.*')
    pattern = re.sub(r'(^|\n)\.\*(?=\n|$)', r'\1(?s:.*)', pattern)
    return re.fullmatch(pattern, output.rstrip('\n')) is not None


def examples(folder):
    """Puts what the documents' commands read into a folder of a node."""
    for path in sorted((DOC / 'examples').iterdir()):
        (folder / path.name).write_bytes(path.read_bytes())


def on_a_node(body):
    """Run ``body(run)`` beside a deployed node of the lab; ``run(text)`` is the output of a command there."""
    def inside(made):
        plugin = packages.unpack(packages.build('fuel8'), f'{made.folder}/master')
        nodes = [made.add_node(astute.PKEYS) for _ in astute.MEMBERS]
        for node, member in zip(nodes, astute.MEMBERS):
            hooks.deploy(node, plugin, astute.render(member))
        home = Path(nodes[0].path('/root/examples'))
        home.mkdir(parents=True)
        examples(home)

        def run(text):
            done = nodes[0].run('sh', '-c', f'cd /root/examples && {text}', check=False)
            return done.stdout + done.stderr

        return body(run)

    return lab.run(inside)


def _rewrite(run):
    for page in pages():
        def filled(match):
            parts = re.split(r'^\$ ', match.group(1), flags=re.M)[1:]
            blocks = []
            for part in parts:
                text, _, output = part.partition('\n')
                got = run(text)
                blocks.append(f'$ {text}\n' + (output if fits(output, got) else got))
            return '```console\n' + ''.join(blocks) + '```'

        before = page.read_text(encoding='utf-8')
        after = _BLOCK.sub(filled, before)
        if after != before:
            page.write_text(after, encoding='utf-8')
            print(f'rewritten: {page.name}')
    return 0


if __name__ == '__main__':
    sys.exit(on_a_node(_rewrite))
