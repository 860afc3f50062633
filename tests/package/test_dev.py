# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The developer's commands: usage, the other names for them, and that what they install is pinned in one place."""
import re
import subprocess
import sys
from importlib import metadata

import pytest

from tools.packages import TOP


def dev(*arguments):
    return subprocess.run(['./dev', *arguments], cwd=TOP, capture_output=True, text=True, check=False)


def commands():
    return re.findall(r'^  (\w+)  ', dev('help').stdout, re.M)


def requirements(name):
    lines = [line.partition('#')[0].strip() for line in (TOP / name).read_text().splitlines()]
    return [line for line in lines if line]


@pytest.mark.parametrize('arguments', [(), ('deploy',), ('--verbose',)])
def test_unknown_commands_get_the_usage_and_status_2(arguments):
    result = dev(*arguments)
    assert (result.returncode, result.stdout) == (2, '')
    assert result.stderr.startswith('usage: ./dev COMMAND')


def test_make_forwards_the_same_names():
    names = re.search(r'^COMMANDS = (.*)$', (TOP / 'Makefile').read_text(), re.M).group(1).split()
    assert names == commands()


def test_the_gate_runs_the_test_command():
    assert re.search(r'exec .*\./dev test$', (TOP / '.ci/run').read_text(), re.M)


@pytest.mark.parametrize('name', ['requirements.txt', 'requirements-2.7.txt'])
def test_every_python_package_is_pinned_once(name):
    pinned = [re.match(r'^([\w.-]+)==[\w.-]+(; python_version < "3\.11")?$', line) for line in requirements(name)]
    assert all(pinned)
    names = [match.group(1).lower() for match in pinned]
    assert len(set(names)) == len(names)


def test_the_pins_hold_all_that_they_need():
    """They are installed with --no-deps; the builder's own needs are of its time, see requirements.txt."""
    pinned = {line.partition('==')[0].lower().replace('_', '-') for line in requirements('requirements.txt')}
    for name in pinned - {'fuel-plugin-builder', 'exceptiongroup', 'tomli'}:
        for need in metadata.requires(name) or ():
            if 'extra ==' not in need and 'python_version' not in need and 'platform' not in need:
                assert re.match(r'[\w.-]+', need).group().lower().replace('_', '-') in pinned, (name, need)


def test_every_system_package_is_listed_once():
    names = ' '.join(requirements('tools/system-packages.txt')).replace('|', ' ').split()
    assert len(set(names)) == len(names)


def test_all_that_eipoibd_imports_is_held_to_python_2_6():
    """``dev`` lists it for vermin: the discovery image of Fuel 6.1 and 7.0 has that Python."""
    function, = re.findall(r'^eipoibd_modules\(\) \{.*?^\}', (TOP / 'dev').read_text(), re.M | re.S)
    listed = subprocess.run(['sh', '-c', f'{function}\neipoibd_modules'], cwd=TOP, capture_output=True, text=True,
                            check=True).stdout.split()
    code = ('import os, sys, plugin_lib.daemon.main\n'
            'print(*(os.path.relpath(module.__file__) for name, module in sys.modules.items() '
            'if name.startswith("plugin_lib")))')
    imported = subprocess.run([sys.executable, '-c', code], cwd=TOP, capture_output=True, text=True,
                              check=True).stdout.split()
    assert 'plugin_lib/daemon/service.py' in imported
    assert set(imported) - set(listed) == set()
