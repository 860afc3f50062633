# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Asking the subnet manager: a real OpenSM on a simulated subnet answers, and when it has gone nobody does."""
import json
import subprocess
import sys
import tempfile

import pytest

from tests.lab import requirements
from tests.lab.ibsim import Simulator
from tests.lab.namespaces import enclosed
from tests.lab.opensm import OpenSM, partitions

GUIDS = {'node-1': '0002c90300000011'}


def asked(simulator, *lids):
    client = simulator.client(sys.executable, '-m', 'tests.lab.ask_manager', 'ibsim0', *map(str, lids),
                              stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in client.communicate(timeout=60)[0].splitlines()]


def test_a_manager_answers_until_it_has_gone():
    missing = requirements.missing_for_opensm()
    if missing:
        pytest.skip('no OpenSM on a simulated subnet here: ' + '; '.join(missing))
    with tempfile.TemporaryDirectory(prefix='infiniband-manager-') as folder:
        def inside():
            simulator = Simulator(folder, GUIDS)
            manager = OpenSM(simulator, partitions({}))
            manager.start()
            (guid, state), *others = asked(simulator, 1, 2, 3, 99, 0)
            assert guid and state == 'master'
            assert others == [[None, None]] * 3 + [None], 'a port without a manager, the switch, nobody; no LID'
            manager.stop()
            assert asked(simulator, 1) == [[None, None]]
            manager.start()
            assert asked(simulator, 1) == [[guid, state]]
            manager.stop()
            simulator.close()

        assert enclosed(inside) == 0, 'what failed is on stderr'
