# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Every command in the documents prints what they say: run on a deployed node of the lab, in the order of the page.

What needs a Fuel master or a checkout is run by the tests in ELSEWHERE, and held to be there.  Sphinx builds
the documents and man pages without a warning; every command and option is in a man page.
"""
import re
import subprocess
import sys

import pytest

from plugin_lib import cli
from tests import documents
from tests.lab import requirements
from tools import test_report
from tools.packages import TOP

# First words of commands in the documents -> the test that runs them, and what of it shows that.
ELSEWHERE = {
    'fuel plugins': ('tests/package/test_rpm_lifecycle.py', "'--install'"),
    './dev': ('tests/package/test_dev.py', './dev'),
}


def test_commands_print_what_the_documents_say():
    missing = requirements.missing()
    if missing:
        pytest.skip('level 1 of the lab cannot run here: ' + '; '.join(missing))

    def body(run):
        wrong = []
        for page in documents.pages():
            for command in documents.commands(page):
                output = run(command.text)
                if not documents.fits(command.output, output):
                    wrong.append(f'{command.page}: {command.text}\n{output}')
        assert not wrong, '\n'.join(wrong)

    assert documents.on_a_node(body) in (0, None), 'what does not fit is on stderr'


def test_no_command_hides_outside_of_the_blocks_that_are_run():
    for page in [*documents.pages(), TOP / 'README.md']:
        for language, block in re.findall(r'^```(\S*)\n(.*?)^```$', page.read_text(encoding='utf-8'), re.M | re.S):
            for line in filter(None, block.splitlines() if language in ('', 'sh') else ()):
                known = [first for first in ELSEWHERE if line.startswith(first)]
                own = re.match(r'(\S*/)?(fuel-infiniband|eipoibd)( |$)', line)
                assert known or own, f'{page.name}: {line}'


@pytest.mark.parametrize('path, shows', sorted(set(ELSEWHERE.values())))
def test_what_is_run_elsewhere_is(path, shows):
    assert shows in (TOP / path).read_text(encoding='utf-8')


@pytest.mark.parametrize('builder', ['html', 'man'])
def test_sphinx_builds_them_without_a_warning(builder, tmp_path):
    done = subprocess.run([sys.executable, '-m', 'sphinx', '-q', '-W', '--keep-going', '-b', builder, 'doc', tmp_path],
                          cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, '')


@pytest.mark.parametrize('name', cli.COMMANDS)
def test_every_command_and_option_is_in_the_man_page(name):
    page = (documents.DOC / 'man/fuel-infiniband.md').read_text(encoding='utf-8')
    shown = subprocess.run([sys.executable, '-m', 'plugin_lib', name, '--help'], cwd=TOP, check=True,
                           stdout=subprocess.PIPE, text=True).stdout
    part = page[page.index(f'`{name}'):]
    usage = shown.partition('\n\n')[0]
    for option in re.findall(r'--[a-z][a-z-]+', usage):
        assert option in part, (name, option)


def test_every_case_of_the_test_plan_has_its_test_and_its_line_in_the_report():
    cases = test_report.cases()
    assert len({case.id for case in cases}) == len(cases) > 30
    report = test_report.REPORT.read_text(encoding='utf-8')
    for case in cases:
        path, _, function = case.test.partition('::')
        assert (TOP / path).is_file() and f'def {function}' in (TOP / path).read_text(encoding='utf-8'), case
        assert f'| {case.id} | {case.steps} |' in report, case
    assert 'no test here can cover' in report
