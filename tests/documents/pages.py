# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The commands in the documents, and what they print: blocks of the language ``console``.

A line that begins with a prompt is a command, the lines up to the next one are its output; ``...`` in it stands for any
text, on a line of its own for any lines.  The prompt tells where the command is run: see PLACES.
"""
import re
from typing import NamedTuple

from tools.packages import TOP

DOC = TOP / 'doc'
# What is before ~ or $ in a prompt -> where the command is run.
PLACES = {'': 'a checkout', 'fuel': 'a master of Fuel 9', 'fuel-6': 'a master of Fuel 6.1',
          'node-1': 'a deployed node', 'sm': 'the host of OpenSM'}
# What no machine without the hardware can run, and why. The document says so behind it: MARK.
NOT_RUN = {'mlxconfig -d DEVICE set SRIOV_EN=1 NUM_OF_VFS=16': 'changes the firmware settings of an HCA'}
MARK = ' (not run here)'
_PROMPT = re.compile(r'^(?:\$|\[root@([\w-]+) ~\]#|root@([\w-]+):~#) ', re.M)
_BLOCK = re.compile(r'^```console\n(.*?)^```$', re.M | re.S)
_FENCED = re.compile(r'^```(\S*).*?\n(.*?)^```$', re.M | re.S)
# What is another one each time.
_VARIES = [(re.compile(pattern), word) for pattern, word in (
    (r'\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b', 'MAC'), (r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ', 'TIME'), (r'pid \d+', 'PID'),
    (r'\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b', 'UUID'))]


class Command(NamedTuple):
    """A command of a document, the prompt before it, where it is run, and the output that is shown."""

    page: str
    prompt: str
    place: str
    text: str
    output: str


def pages():
    """Paths of the documents, in order."""
    return [TOP / 'README.md', TOP / 'CONTRIBUTING.md', TOP / 'CHANGELOG.md', *sorted(DOC.glob('**/*.md')),
            *sorted((TOP / 'tests').glob('**/*.md'))]


def _commands(name, block):
    prompts = list(_PROMPT.finditer(block))
    for prompt, following in zip(prompts, [*prompts[1:], None]):
        text, _, output = block[prompt.end():following and following.start()].partition('\n')
        yield Command(name, prompt.group(), PLACES[prompt.group(1) or prompt.group(2) or ''], text, output)


def commands(page):
    """The Commands of a document, in order."""
    name = str(page.relative_to(TOP))
    return [command for block in _BLOCK.findall(page.read_text(encoding='utf-8')) for command in _commands(name, block)]


def replace(page, outputs):
    """The text of a document in which its commands have these outputs, one each."""
    remaining = iter(outputs)

    def filled(match):
        lines = [f'{command.prompt}{command.text}\n{next(remaining)}' for command in _commands('', match.group(1))]
        return f'```console\n{"".join(lines)}```'

    return _BLOCK.sub(filled, page.read_text(encoding='utf-8'))


def other_blocks(page):
    """[(language, text)] of the blocks whose commands, if there were any, would not be run."""
    found = _FENCED.findall(page.read_text(encoding='utf-8'))
    return [(language, text) for language, text in found if language != 'console']


def literals(page):
    """[(text, what follows it)] of the literals in a document's running text."""
    prose = _FENCED.sub('', page.read_text(encoding='utf-8'))
    return [(' '.join(text.split()), ' '.join(after.split('\n')))
            for text, after in re.findall(r'`([^`]+)`(?=(.{0,20}))', prose, re.S)]


def fits(expected, output):
    """Whether an output is what the document shows, but for MACs, times, process ids, UUIDs and blanks at line ends."""
    expected, output = (''.join(line.rstrip() + '\n' for line in text.splitlines()) for text in (expected, output))
    for varying, word in _VARIES:
        expected, output = varying.sub(word, expected), varying.sub(word, output)
    pattern = ''.join(r'(?:.*\n)*' if line == '...' else re.escape(line).replace(r'\.\.\.', '.*') + '\n'
                      for line in expected.splitlines())
    return re.fullmatch(pattern, output) is not None
