# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The PCI core makes and refuses virtual functions as tests/model/sriov.py says, and planning leads it where it should.

The PCI core, its sysfs and its errors are real; the device and its driver are modules/standin_sriov.c. Not covered:
what mlx4 and mlx5 add to it, and functions that a guest has.
"""
from tests.vm import functions


def test_the_model_answers_as_the_pci_core(running):
    modelled = functions.in_memory(functions.WRITES)
    real = running.call(functions.perform_here, functions.WRITES)
    assert [[write, answer] for write, answer in zip(functions.WRITES, real)] == [
        [write, answer] for write, answer in zip(functions.WRITES, modelled)]
    assert not running.call(functions.is_there)


def test_any_number_leads_to_any_other(running):
    counts = [0, 4, 4, 7, 2, 0, functions.TOTAL]
    found = running.call(functions.plan_and_apply, counts)
    assert [len(virtual) for _, (_, virtual) in found] == counts
    assert {line for lines, _ in found for line in lines} == {'done'}
    assert found[-1][1] == [functions.TOTAL, [[f'0000:05:0{number // 8}.{number % 8}', 'mlx5_core']
                                              for number in range(1, functions.TOTAL + 1)]]
