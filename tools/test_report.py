# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""``python -m tools.test_report``: doc/test-report.md, from what the last ``./dev test`` left in build/log.

Each case of doc/test-plan.md with how its test went; the numbers of the whole run; what no test here can cover.
"""
from __future__ import annotations

import platform
import re
import sys
import xml.etree.ElementTree as ElementTree
from typing import NamedTuple

from tests.documents.pages import MARK, NOT_RUN
from tools.packages import TOP

PLAN, REPORT = TOP / 'doc/test-plan.md', TOP / 'doc/test-report.md'
RESULTS = TOP / 'build/log/python3.xml'
_CASE = re.compile(r'^\| ([A-Z]{2}-\d+) \| (.*?) \| .* \| `(\S+)` \|$', re.M)

NOT_RUN_LINES = '\n'.join(f'  `{command}`{MARK}, {why}' for command, why in NOT_RUN.items())
UNCOVERED = f"""\
## What no test here can cover

- Hardware: HCAs, cables, switches, Mellanox's own drivers and firmware, their timing, RDMA itself. The guest of level 2
  has the real kernel's IPoIB on a stand-in HCA; the lab emulates sysfs and forwards real packets.
- A Fuel master: its API, package scripts and settings page are stand-ins built from its source's facts.
- Ubuntu 14.04's upstart and kernel, CentOS 6, Python 2.6: what runs there is checked by compiling and by tools that
  know those versions.
- UFM and MLNX-OS: what is written for them follows their manuals.
- Of the commands in the documents, which are run and their output compared, these, marked there as here:
{NOT_RUN_LINES}
- The masters that run them have dnf as `yum`, an `ssh` that says what a node of the lab said, and a fuel-bootstrap that
  makes its image of this machine's root.
"""


class Case(NamedTuple):
    """A line of the test plan; ``test`` is ``file`` or ``file::function``."""

    id: str
    steps: str
    test: str


def cases():
    """The Cases of the test plan."""
    return [Case(*found) for found in _CASE.findall(PLAN.read_text(encoding='utf-8'))]


def outcomes(path):
    """({``file::function``: [(outcome, seconds)]}, (tests, failures, skipped, seconds)) of a JUnit file."""
    suite = ElementTree.parse(path).getroot().find('testsuite')
    found = {}
    for case in suite.iter('testcase'):
        outcome = 'passed'
        for kind in ('failure', 'error', 'skipped'):
            if case.find(kind) is not None:
                outcome = 'skipped' if kind == 'skipped' else 'failed'
        module = re.match(r'tests(\.[a-z0-9_]+)*?\.test_\w+', case.get('classname')).group()
        name = f'{module.replace(".", "/")}.py::{case.get("name").partition("[")[0]}'
        found.setdefault(name, []).append((outcome, float(case.get('time'))))
    total = int(suite.get('tests')), int(suite.get('failures')) + int(suite.get('errors')), int(suite.get('skipped'))
    return found, (*total, float(suite.get('time')), suite.get('timestamp')[:10])


def runs_of(case, found):
    """[(outcome, seconds)] of the tests of a Case."""
    return [run for name, several in found.items() for run in several
            if name == case.test or name.startswith(case.test + '::')]


def row(case, found):
    """The line of the report for a Case."""
    runs = runs_of(case, found)
    words = {outcome for outcome, _ in runs}
    outcome = 'failed' if 'failed' in words else 'skipped' if 'skipped' in words else 'passed'
    return f'| {case.id} | {case.steps} | {outcome} | {len(runs)} | {sum(seconds for _, seconds in runs):.1f} s |'


def main():
    found, (tests, failed, skipped, seconds, day) = outcomes(RESULTS)
    absent = [case.id for case in cases() if not runs_of(case, found)]
    if absent:
        sys.exit(f'{RESULTS} is not of a run of everything: it lacks {", ".join(absent)}; run ./dev test')
    lines = [
        '# Test report', '',
        f'Of a run of what `./dev test` tests, on {day}: {platform.freedesktop_os_release()["PRETTY_NAME"]}, Python',
        f'{platform.python_version()}. {tests} tests, {failed} failed, {skipped} skipped, {seconds / 60:.0f} minutes.',
        'Made by `tools/test_report.py` from the results of that run,',
        'for the cases of [the plan](test-plan.md).',
        '', '| ID | steps | outcome | tests | time |', '|---|---|---|---|---|',
        *(row(case, found) for case in cases()), '', UNCOVERED.rstrip()]
    REPORT.write_text('\n'.join(lines) + '\n', encoding='utf-8')
    return 0


if __name__ == '__main__':
    sys.exit(main())
