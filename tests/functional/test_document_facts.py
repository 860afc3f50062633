# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What the documents say of the program is so: settings, defaults, states, messages, options of every command.

Every case of the test plan has its test.
"""
import ast
import json
import re
import subprocess
import sys

import pytest
import yaml

from plugin_lib import cli, pkey
from plugin_lib.bootstrap_image import nodes, ubuntu_images
from plugin_lib.commands import prepare
from plugin_lib.daemon import config, events, main
from plugin_lib.host import learnt, topology
from plugin_lib.planning import backoff, budget, discovery_image, storage
from plugin_lib.subnet_manager import partition_file, remarks
from plugin_lib.views import report
from tests.documents import pages, program
from tests.documents.pages import DOC
from tools import test_report
from tools.packages import TOP


def troubleshooting():
    """The messages of the troubleshooting page: the literals in the first column of its tables."""
    page = (DOC / 'troubleshooting.md').read_text(encoding='utf-8')
    return re.findall(r'^\| `([^`]+)` \|', page, re.M)


def findings():
    """What the checks of node, environment and drivers find that is not OK: the parts of each text that stand there."""
    for path in (TOP / 'plugin_lib').glob('**/*check*.py'), (TOP / 'plugin_lib/planning').glob('uncarried.py'):
        for call in (node for file in path for node in ast.walk(ast.parse(file.read_text(encoding='utf-8')))):
            name = isinstance(call, ast.Call) and getattr(call.func, 'id', None)
            if name == 'Gap' or (name == 'Finding' and ast.unparse(call.args[0]) != 'OK'):
                text = call.args[0 if name == 'Gap' else 2]
                text = text.func.value if isinstance(text, ast.Call) else text
                if isinstance(text, ast.Constant):
                    yield [part for part in re.split(r'\{\d\}|[:,]', text.value) if len(part) > 8]


def test_the_troubleshooting_page_knows_every_finding_and_invents_none():
    messages = troubleshooting()
    assert [message for message in messages if not program.says(message)] == [], 'nothing says so'
    told = [parts for parts in findings() if parts]
    assert len(told) > 20
    assert not [parts for parts in told if not any(max(parts, key=len).strip() in message for message in messages)]


def test_states_and_defaults_are_those_of_the_program():
    told = (DOC / 'user-guide.md').read_text(encoding='utf-8').partition('| state | meaning |')[2]
    told = set(re.findall(r'`([a-z-]+)`', ''.join(re.findall(r'^\|((?: `[a-z-]+`,?)+) \|', told, re.M))))
    code = ''.join((TOP / 'plugin_lib' / name).read_text(encoding='utf-8') for name in (
        'planning/vlans.py', 'planning/vlan_services.py', 'planning/vifs.py', 'daemon/convergence.py'))
    states = set(re.findall(r"(?:_find\((?:[\w.]+|service\._replace\(child=through\)), |state=|obstacle = (?:None if "
                            r"child else \()?|return |None, )'([a-z-]+)'(?:[,)]|$)", code, re.M))
    assert states == told
    table = (DOC / 'eipoibd.md').read_text(encoding='utf-8')
    defaults = dict(re.findall(r'^\| `(\w+)` \| (\w+) \|', table, re.M))
    assert defaults == {name: str(value).replace('None', 'none') for name, value in config.DEFAULTS._asdict().items()}


def setting(name):
    """The values that a setting of the Fuel UI may have, as the user guide words them."""
    allowed = json.loads((TOP / 'plugin_lib/published/schemas/settings.json').read_text())['properties'][name]
    values = [int(value) for value in allowed.get('enum', (allowed.get('minimum'), allowed.get('maximum')))]
    return f'{min(values)} to {max(values)}', allowed['default']


FIGURES = {
    'eipoibd.md': (
        f'within {events.QUIET * 1000:g} ms', f'of {events.BURST * 1000:g} ms at most', f'{learnt.MOST} a tap',
        f'again within {topology._LONGEST:g} seconds', f'up to {backoff.LONGEST:g} seconds',
        f'{budget.BUFFER // 1024} KB a buffer', f'{100 // budget._RESERVED_PART} % of the memory',
        f'{budget._LEAST_RESERVE // budget.MIB} MiB at least',
        f'more than {budget._NEARLY_FULL} of their {pkey.TABLE_SIZE} P_Keys', f'up to {config._GREATEST["vif_limit"]}'),
    'planning-guide-subnet-manager.md': (
        f'only 1 to {pkey.LAST_VLAN} can', f'beside the default P_Key ({pkey.MOST_VLANS})',
        f'more than {partition_file.LONGEST_LINE} characters', f'more than {remarks.SWITCH_ENTRIES} partitions'),
    'user-guide-discovery-image.md': (
        f'receive queues of {discovery_image.QUEUE_SIZE} entries', f'{nodes._AT_ONCE} at a time',
        f'{(ubuntu_images._BUILD_BYTES + 2 * ubuntu_images._IMAGE_BYTES) >> 30} GiB', 'after 60 seconds'),
    'user-guide-storage.md': (f'MTU {storage.CONNECTED_MTU}', 'up to a minute'),
    'user-guide.md': (
        f'a map of up to {report.MOST_DRAWN} nodes', '{}; {} by default'.format(*setting('num_of_vfs')),
        '{}; {} by default'.format(*setting('resync_interval')), '{}, {} by default'.format(*setting('queue_size'))),
}


@pytest.mark.parametrize('page', FIGURES)
def test_figures_are_those_of_the_program(page):
    text = ' '.join((DOC / page).read_text(encoding='utf-8').split())
    assert [figure for figure in FIGURES[page] if figure not in text] == []
    assert prepare.TIMEOUT == 60 and 'seconds=60\n' in (
        TOP / 'bootstrap/common/usr/lib/fuel-infiniband/discovery-gate').read_text()


def test_files_and_pages_that_are_named_are_there():
    tops = 'plugin_lib/', 'tests/', 'tools/', 'doc/', 'bootstrap/', 'packaging/', 'fuel8/', 'deployment_scripts/'
    for page in pages.pages():
        named = [name.partition('::')[0] for name, _ in pages.literals(page) if name.startswith(tops)]
        assert [name for name in named if 'NAME' not in name and not (TOP / name).exists()] == [], page
        links = re.findall(r'\]\(([^)#:]+)(?:#[^)]*)?\)', page.read_text(encoding='utf-8'))
        assert [link for link in links if not (page.parent / link).exists()] == [], page


def test_settings_of_the_user_guide_are_those_of_the_page():
    page = yaml.safe_load((TOP / 'environment_config.yaml').read_text(encoding='utf-8'))['attributes']
    labels = [field['label'] for _, field in sorted(page.items(), key=lambda item: item[1].get('weight', 0))
              if 'label' in field]
    guide = (DOC / 'user-guide.md').read_text(encoding='utf-8').partition('| setting | what it does |')[2]
    assert re.findall(r'^\| ([^|-][^|]*?) \|', guide.partition('\n\n')[0], re.M) == labels


def usage(*words):
    """What ``fuel-infiniband WORDS --help`` says before it explains anything."""
    return subprocess.run([sys.executable, '-m', 'plugin_lib', *words, '--help'], cwd=TOP, check=True,
                          stdout=subprocess.PIPE, text=True).stdout


def entry(page, name):
    """What a man page says of a command: from its name to the next empty line."""
    return re.search(rf'^`{name}\b.*?\n\n', page, re.M | re.S).group()


@pytest.mark.parametrize('name', cli.COMMANDS)
def test_every_command_and_option_is_in_the_man_page(name):
    part = entry((DOC / 'man/fuel-infiniband.md').read_text(encoding='utf-8'), name)
    shown = usage(name)
    actions = re.findall(r'^    ([a-z][a-z-]+)(?: |$)', shown, re.M) if 'ACTION' in shown else ()
    for words in [(name,), *((name, action) for action in actions)]:
        assert ' '.join(words) in part
        for option in re.findall(r'(?<![\w-])--?[a-z][a-z-]*', usage(*words).partition('\n\n')[0]):
            assert option == '-h' or f'`{option}`' in part, (words, option)


def test_every_option_of_eipoibd_is_in_its_man_page():
    page = (DOC / 'man/eipoibd.md').read_text(encoding='utf-8')
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
