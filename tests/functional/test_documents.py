# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Every command in the documents is run, and prints what they say, where it belongs: tests/documents/places.py.

Covered: all documents; commands in the running text too, each of which has to be in a block that is run, or is one of
the few that cannot be, which the document says beside it. A new one that is neither fails here.
"""
import os
import re
import shutil
import subprocess
import sys

import pytest

from plugin_lib import cli
from tests.documents import pages, places, program
from tests.documents.pages import MARK, NOT_RUN
from tools.packages import TOP

OURS = ('fuel-infiniband', 'eipoibd', 'fuel', 'fuel-bootstrap')
# Commands of the developer that hold these tests themselves, or take too long -> the file that runs what they run.
ELSEWHERE = {'./dev test': '.ci/run', './dev demo': 'tests/functional/test_demo.py', './dev check': '.ci/run',
             './dev vm': '.ci/run', './dev soak': 'tests/unit/test_daemon_machine.py'}
# Literals of several words that are no command: lines of files, of the kernel and of the program, options, a form.
_NO_COMMAND = re.compile(
    r'^(-|# |\[root@|\{"|vif: |always-broadcast |add-port |eth4 vlan \d|eipoibd has tried |HCA port P_Key |\w+ = |'
    r'(virt_enabled|no_partition_enforcement|part_enforce|allow_both_pkeys) \w+$)')
_PLACEHOLDER = re.compile(r'^[A-Z]{2,}(\.\.\.)?$|^\.\.\.$')
_LANGUAGES = {'text', 'python', '{toctree}'}
_PROGRAM = re.compile(
    r'^\s*(\$|#|\S+[@:]\S*[$#]) |^\s*(sudo|fuel|fuel-infiniband|eipoibd|\./dev|apt-get|ip|ovs-\w+)( |$)')


@pytest.fixture(scope='module')
def told():
    """{place: [(page, command, what it printed)]} of all commands that could be run here."""
    if len(places.missing()) == len(pages.PLACES):
        return {}
    found = {}
    commands = [command for page in pages.pages() for command in pages.commands(page)
                if command.text not in ELSEWHERE]
    for command, output in zip(commands, places.outputs(commands)):
        found.setdefault(command.place, []).append((command, output))
    return found


@pytest.mark.parametrize('place', pages.PLACES.values())
def test_commands_print_what_the_documents_say(place, told):
    if place in places.missing():
        pytest.skip(f'{place} cannot be had here: {places.missing()[place]}')
    assert told[place], 'none'
    wrong = [f'{command.page}: {command.text}\n{output}' for command, output in told[place]
             if not pages.fits(command.output, output)]
    assert not wrong, '\n'.join(wrong)


def test_an_output_is_compared_as_a_whole():
    assert pages.fits('a\n...\nd e\n', 'a\nb\nc\nd e  \n')
    assert pages.fits('at 2026-11-22T19:51:12Z ... ok\n', 'at 2027-01-01T00:00:00Z eth4 ok')
    for output in ('', 'a\n', 'a\nd e\nf\n', 'x\na\nd e\n', 'a\nd f\n'):
        assert not pages.fits('a\n...\nd e\n', output)
    shown = [command for page in pages.pages() for command in pages.commands(page)]
    assert not [command for command in shown if set(command.output.split()) == {'...'}], 'such a block shows nothing'


def shown():
    """The words of each command in a block that is run."""
    return [command.text.split() for page in pages.pages() for command in pages.commands(page)]


def has_run(words):
    """Whether a command with these words, in this order, stands in a block; what stands for something fits anything."""
    wanted = [word for word in words if not _PLACEHOLDER.match(word)]
    for command in shown():
        remaining = iter(command)
        if command[0] == words[0] and all(word in remaining for word in wanted):
            return True
    return False


def hidden(chosen):
    """Commands in the running text of documents that are in no block, and not known as what cannot be run."""
    wrong = []
    for page in chosen:
        for literal, after in pages.literals(page):
            words = literal.split()
            if len(words) < 2 or _NO_COMMAND.match(literal) or literal in ELSEWHERE:
                continue
            if words[0] in cli.COMMANDS:
                words.insert(0, 'fuel-infiniband')
            if literal in NOT_RUN:
                if not after.startswith(MARK):
                    wrong.append(f'{page.name}: {literal}: it does not say{MARK}')
            elif not has_run(words) and (words[0] in OURS or shutil.which(words[0]) or not program.says(literal)):
                wrong.append(f'{page.name}: {literal}')
    return wrong


def test_commands_in_the_running_text_are_run_too():
    """Every literal of several words is a command that is run, or no command."""
    assert not hidden(pages.pages())


@pytest.mark.parametrize('literal', ['fuel-infiniband check --verbose', 'eipoibd --now', 'fuel nodes', 'ip link show',
                                     'a-program --of another', 'partitions --root'])
def test_a_new_command_is_noticed(tmp_path, literal):
    page = tmp_path / 'page.md'
    page.write_text(f'To see it, run `{literal}`{MARK} there; `fuel-infiniband check` says OK.\n')
    assert hidden([page]) == [f'page.md: {literal}']


def test_what_is_not_run_is_little_and_said():
    everything = [(page.name, literal, after) for page in pages.pages() for literal, after in pages.literals(page)]
    marked = {literal for _, literal, after in everything if after.startswith(MARK)}
    assert marked == set(NOT_RUN) and len(NOT_RUN) < 5
    report = (pages.DOC / 'test-report.md').read_text(encoding='utf-8')
    assert all(f'`{command}`{MARK}, {why}' in report for command, why in NOT_RUN.items())


def test_no_block_hides_a_command():
    for page in pages.pages():
        for language, block in pages.other_blocks(page):
            assert language in _LANGUAGES, f'{page.name}: {language or "no language"}'
            if language == '{toctree}':
                continue  # names of pages
            assert not [line for line in block.splitlines() if _PROGRAM.match(line)], f'{page.name}:\n{block}'
        indented = re.findall(r'^    \S.*$', page.read_text(encoding='utf-8'), re.M)
        assert not [line for line in indented if _PROGRAM.match(line)], page.name


@pytest.mark.parametrize('command, path', ELSEWHERE.items())
def test_what_is_run_elsewhere_is(command, path):
    text = (TOP / path).read_text(encoding='utf-8')
    if path == '.ci/run':  # ./dev test begins with the check, and its pytest runs tests/vm
        assert re.search(r'exec .*\./dev test$', text, re.M)
    else:
        name = command.split()[1]
        exec_, = re.findall(rf'^{name}\) exec .venv/bin/python -m ([\w.]+)', (TOP / 'dev').read_text(), re.M)
        assert exec_ in text or exec_.rpartition('.')[2] in text


def test_commands_that_the_program_advises_exist(tmp_path):
    """``next: fuel-infiniband drivers add FILE...``: a command of that name with these options; Fuel's own likewise."""
    programs = {'fuel-infiniband': [sys.executable, '-m', 'plugin_lib'], 'fuel': [str(TOP / '.venv27/bin/fuel')]}
    advised = {found for text in program.texts() for found in re.findall(
        r'(?:run|see|with|after|next): (fuel(?:-infiniband)? [a-z][^,;:()\n{]*?)(?=  |$|[,;:()\n{])', text)}
    assert len(advised) > 7
    for command in sorted(advised):
        name, *words = [word for word in command.split() if not _PLACEHOLDER.match(word)]
        options = [words.pop(words.index(word)) for word in words[:] if word.startswith('-')]
        if not shutil.which(programs[name][0]):
            continue  # no Python 2.7, and so no python-fuelclient
        done = subprocess.run([*programs[name], *words, '--help'], cwd=TOP, env=dict(os.environ, HOME=str(tmp_path)),
                              check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert done.returncode == 0 and all(option in done.stdout for option in options), command
