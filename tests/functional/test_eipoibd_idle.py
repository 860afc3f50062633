# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What eipoibd costs a node on which nothing happens, on Python 3 and 2.7: not one wake-up, and little memory."""
import configparser
import shutil
import time
from pathlib import Path

import pytest

from tests.functional.eipoibd_node import (
    CHECKOUT,
    CONFIG,
    PROGRAM,
    Service,
    install,
    process,
    until,
    until_asleep,
    vlans,
)
from tests.lab import lab

KEYS = [0xffff] + [0x8000 | vlan for vlan in range(100, 226)]


def python27():
    """The folder of the Python 2.7 that .venv27 was made of, None without one."""
    try:
        text = Path(CHECKOUT, '.venv27/pyvenv.cfg').read_text()
    except FileNotFoundError:
        return None
    config = configparser.ConfigParser()
    config.read_string('[venv]\n' + text)
    return Path(config['venv']['base-prefix'])


@pytest.mark.parametrize('version', ['3', '2.7'])
def test_an_idle_service_sleeps_and_is_small(level_1, version):
    home = python27() if version == '2.7' else None
    if version == '2.7' and home is None:
        pytest.skip('there is no .venv27: ./dev makes it where it finds a Python 2.7')

    def body(node):
        install(node)
        if home:
            if home != Path('/usr'):  # else it is on the node already
                shutil.copytree(home, node.path(str(home)), symlinks=True,
                                ignore=shutil.ignore_patterns('site-packages', 'test', 'share', '*.pyc', '*.a'))
            program = node.read(f'{PROGRAM}/eipoibd').replace('/usr/bin/python3', f'{home}/bin/python2.7')
            node.write(f'{PROGRAM}/eipoibd', program, 0o755)
        node.write(CONFIG, '[eipoibd]\nresync_interval = 3600\n')
        with Service(node):
            until(lambda: vlans(node) == list(range(100, 226)))
            until_asleep(node, 2)
            before = process(node)
            time.sleep(4)
            after = process(node)
        assert after['voluntary_ctxt_switches'] == before['voluntary_ctxt_switches']
        assert after['VmHWM'] < 20 * 1024  # KB

    assert lab.run(lambda made: body(made.add_node(KEYS))) in (0, None), 'what failed in the lab is on stderr'
