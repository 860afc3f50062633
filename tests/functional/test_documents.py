# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Every command in the documents prints what they say: run on a deployed node of the lab, in the order of the page.

What needs a Fuel master or a checkout is run by the tests in ELSEWHERE, and held to be there.  Sphinx builds
the documents and man pages without a warning; every command and option is in a man page.
"""
import ast
import re
import subprocess
import sys

import pytest
import yaml

from plugin_lib import cli
from plugin_lib.daemon import config, main
from tests import documents
from tests.lab import requirements
from tools import test_report
from tools.packages import TOP

# First words of commands in the documents -> the test that runs them, and what of it shows that.
ELSEWHERE = {
    'fuel plugins': ('tests/package/test_rpm_lifecycle.py', "'--install'"),
    './dev': ('tests/package/test_dev.py', './dev'),
    'fuel-infiniband setup': ('tests/package/test_rpm_lifecycle.py', "'setup'"),
    'fuel-infiniband drivers add': ('tests/package/test_driver_repository.py', "'drivers', 'add'"),
    'fuel-infiniband drivers check': ('tests/package/test_driver_repository.py', "'drivers', 'check', '--kernel'"),
    'fuel-infiniband bootstrap build': ('tests/package/test_bootstrap_centos.py', "'--dry-run'"),
    'fuel-infiniband bootstrap status': ('tests/package/test_bootstrap_centos.py', "'status'"),
    'fuel-infiniband bootstrap restore': ('tests/package/test_bootstrap_centos.py', "'restore'"),
    'fuel-infiniband bootstrap restart-nodes': ('tests/package/test_restart_nodes.py', "'restart-nodes'"),
    'fuel-infiniband partitions --environment': ('tests/unit/test_partitions_command.py', "'--environment'"),
    'fuel-infiniband capture': ('tests/unit/test_host_capture.py', "'capture'"),
}
# What stands for something in a command of the prose.
_PLACEHOLDER = re.compile(r'\b[A-Z]{2,}\b|\.\.\.|#.*|\*')


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


def in_prose():
    """The commands of fuel-infiniband in the running text and in the blocks that are not run."""
    for page in [*documents.pages(), TOP / 'README.md']:
        text = re.sub(r'^```console\n.*?^```$', '', page.read_text(encoding='utf-8'), flags=re.M | re.S)
        for found in re.findall(r'`(fuel-infiniband [a-z][^`\n]*)`|^(?:\S*/)?(fuel-infiniband [a-z].*)$', text, re.M):
            yield page.name, ' '.join(''.join(found).partition('  ')[0].split())


def test_each_command_of_the_prose_is_one_and_some_test_runs_it():
    run = [command.text for page in documents.pages() for command in documents.commands(page)]
    wrong = []
    for page, command in in_prose():
        words = _PLACEHOLDER.sub('1', command).split()[1:]
        options = {word for word in words if word.startswith('-')}
        asked = subprocess.run([sys.executable, '-m', 'plugin_lib', *words, '--help'], cwd=TOP, check=False, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        if asked.returncode or not all(option in asked.stdout for option in options):
            wrong.append(f'{page}: {command}: there is no such command or option')
        shown = any(other.split()[1:2] == words[:1] and options <= set(other.split()) for other in run)
        if not shown and not command.startswith(tuple(ELSEWHERE)):
            wrong.append(f'{page}: {command}: nothing runs it')
    assert not wrong, '\n'.join(wrong)


def literals():
    """Texts in plugin_lib, each as the parts between what is filled in."""
    for path in (TOP / 'plugin_lib').glob('**/*.py'):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield [part for part in re.split(r'\{[^}]*\}', node.value) if len(part) > 4]


def test_messages_of_the_troubleshooting_page_are_those_of_the_program():
    page = (documents.DOC / 'troubleshooting.md').read_text(encoding='utf-8')
    messages = re.findall(r'^\| `([^`]+)` \|', page, re.M)
    assert len(messages) > 8
    texts = list(literals())
    # At least half of it is what one text of the program says; the rest is what that fills in.
    unknown = [message for message in messages if not any(
        sum(len(part) for part in parts if part in message) * 2 >= len(message) for parts in texts)]
    assert not unknown


def test_states_and_defaults_are_those_of_the_program():
    told = (documents.DOC / 'user-guide.md').read_text(encoding='utf-8').partition('| state | meaning |')[2]
    told = set(re.findall(r'`([a-z-]+)`', ''.join(re.findall(r'^\|((?: `[a-z-]+`,?)+) \|', told, re.M))))
    code = ''.join((TOP / 'plugin_lib' / name).read_text(encoding='utf-8') for name in (
        'planning/vlans.py', 'planning/vlan_services.py', 'planning/vifs.py', 'daemon/convergence.py'))
    states = set(re.findall(r"(?:_find\((?:[\w.]+|service\._replace\(child=through\)), |state=|obstacle = (?:None if "
                            r"child else \()?|return |None, )'([a-z-]+)'(?:[,)]|$)", code, re.M))
    assert states == told
    table = (documents.DOC / 'eipoibd.md').read_text(encoding='utf-8')
    defaults = dict(re.findall(r'^\| `(\w+)` \| (\w+) \|', table, re.M))
    assert defaults == {name: str(value).replace('None', 'none') for name, value in config.DEFAULTS._asdict().items()}


def test_settings_of_the_user_guide_are_those_of_the_page():
    page = yaml.safe_load((TOP / 'environment_config.yaml').read_text(encoding='utf-8'))['attributes']
    labels = [field['label'] for _, field in sorted(page.items(), key=lambda item: item[1].get('weight', 0))
              if 'label' in field]
    guide = (documents.DOC / 'user-guide.md').read_text(encoding='utf-8').partition('| setting | what it does |')[2]
    assert re.findall(r'^\| ([^|-][^|]*?) \|', guide.partition('\n\n')[0], re.M) == labels


@pytest.mark.parametrize('path, shows', sorted(set(ELSEWHERE.values())))
def test_what_is_run_elsewhere_is(path, shows):
    assert shows in (TOP / path).read_text(encoding='utf-8')


@pytest.mark.parametrize('builder', ['html', 'man'])
def test_sphinx_builds_them_without_a_warning(builder, tmp_path):
    done = subprocess.run([sys.executable, '-m', 'sphinx', '-q', '-W', '--keep-going', '-b', builder, 'doc', tmp_path],
                          cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, '')


def usage(*words):
    """What ``fuel-infiniband WORDS --help`` says before it explains anything."""
    return subprocess.run([sys.executable, '-m', 'plugin_lib', *words, '--help'], cwd=TOP, check=True,
                          stdout=subprocess.PIPE, text=True).stdout


def entry(page, name):
    """What a man page says of a command: from its name to the next empty line."""
    return re.search(rf'^`{name}\b.*?\n\n', page, re.M | re.S).group()


@pytest.mark.parametrize('name', cli.COMMANDS)
def test_every_command_and_option_is_in_the_man_page(name):
    part = entry((documents.DOC / 'man/fuel-infiniband.md').read_text(encoding='utf-8'), name)
    shown = usage(name)
    actions = re.findall(r'^    ([a-z][a-z-]+)(?: |$)', shown, re.M) if 'ACTION' in shown else ()
    for words in [(name,), *((name, action) for action in actions)]:
        assert ' '.join(words) in part
        for option in re.findall(r'(?<![\w-])--?[a-z][a-z-]*', usage(*words).partition('\n\n')[0]):
            assert option == '-h' or f'`{option}`' in part, (words, option)


def test_every_option_of_eipoibd_is_in_its_man_page():
    page = (documents.DOC / 'man/eipoibd.md').read_text(encoding='utf-8')
    for option in main._parser().option_list:
        assert f'`{option.get_opt_string()}`' in page or option.dest is None


def test_every_case_of_the_test_plan_has_its_test_and_its_line_in_the_report():
    cases = test_report.cases()
    assert len({case.id for case in cases}) == len(cases) > 30
    report = test_report.REPORT.read_text(encoding='utf-8')
    for case in cases:
        path, _, function = case.test.partition('::')
        assert (TOP / path).is_file() and f'def {function}' in (TOP / path).read_text(encoding='utf-8'), case
        assert f'| {case.id} | {case.steps} |' in report, case
    assert 'no test here can cover' in report
