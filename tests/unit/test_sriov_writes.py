# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What is written to make and configure virtual functions, and what the kernel says to it.

Covered: the model's answers; the kernel's errors and what they tell the operator; a guest that comes meanwhile; what
must not reach sysfs.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno

import pytest

from plugin_lib.effect import sriov as effect
from plugin_lib.errors import ApplyError, InputError
from plugin_lib.planning.operations import Binding, WriteAttribute

NUMBER = '/sys/bus/pci/devices/0000:05:00.0/sriov_numvfs'

@pytest.mark.parametrize('driver, virtual, guests_have, text, number', [
    ('mlx5_core', 0, (), '9', errno.ERANGE), ('mlx5_core', 2, (), '3', errno.EBUSY),
    ('mlx5_core', 2, (1,), '0', errno.EBUSY), ('mlx5_core', 0, (), 'many', errno.EINVAL),
    ('mlx4_core', 0, (), '4', errno.ENOENT), ('mlx5_core', 2, (), '2', None), ('mlx5_core', 2, (), '0', None)])
def test_the_model_answers_like_drivers_pci_iov(case, driver, virtual, guests_have, text, number):
    made = case('connectx4-compute')
    function = made.kernel.hcas['mlx5_0'].sriov
    function.driver = driver
    function.make(virtual)
    for guest in guests_have:
        function.virtual[guest].driver = 'vfio-pci'
    try:
        made.kernel.write(NUMBER, text)
        answer = None
    except EnvironmentError as error:
        answer = error.errno
    assert answer == number


@pytest.mark.parametrize('number, advice', [
    (errno.EBUSY, 'stop the guests'), (errno.ERANGE, 'ask for fewer'), (errno.EINVAL, 'dmesg')])
def test_what_the_kernel_refuses_is_told_with_what_to_do(case, number, advice):
    made = case('connectx4-compute')
    made.failing = {NUMBER: number}
    before = made.state()
    with pytest.raises(ApplyError) as caught:
        made.run()
    assert (caught.value.where, caught.value.exit_status) == (NUMBER, 3)
    assert advice in caught.value.todo
    assert made.state() == before


def test_a_guest_that_comes_between_plan_and_write_keeps_its_function(case):
    made = case('connectx4-compute')
    function = made.kernel.hcas['mlx5_0'].sriov
    read = made.kernel.write

    def write(path, text):
        function.virtual[1].driver = 'vfio-pci'
        read(path, text)
    made.kernel.write = write
    with pytest.raises(ApplyError) as caught:
        made.run()
    assert caught.value.errno == errno.EBUSY
    assert len(function.virtual) == 2


@pytest.mark.parametrize('path, text', [
    (NUMBER, '-1'), (NUMBER, '4\n'), (NUMBER, ''), (NUMBER, '1000'), (NUMBER.replace('0000:05', '../05'), '4'),
    ('/sys/class/infiniband/mlx4_0/iov/0000:03:00.1/ports/1/pkey_idx/0', 'nothing'),
    ('/sys/class/infiniband/../iov/0000:03:00.1/ports/1/pkey_idx/0', '0'),
    ('/sys/class/infiniband/mlx4_0/iov/ports/1/admin_guids/1', '0x1'),
    ('/sys/bus/pci/devices/0000:05:00.0/sriov/0/node', '02:02:c9:03:00:00:01'),
    ('/sys/bus/pci/devices/0000:05:00.0/sriov/0/policy', 'Sideways'),
    ('/sys/bus/pci/devices/0000:05:00.0/remove', '1'), ('/proc/sysrq-trigger', 'b')])
def test_what_must_not_reach_the_kernel(path, text):
    calls = []
    with pytest.raises(InputError):
        effect.write(WriteAttribute(path, text, None), lambda *call: calls.append(call))
    assert calls == []


@pytest.mark.parametrize('pci, driver', [('0000:05:00.1\n', 'mlx5_core'), ('05:00.1', 'mlx5_core'),
                                         ('0000:05:00.1', 'vfio-pci')])
def test_no_other_driver_and_no_other_device_is_bound(pci, driver):
    with pytest.raises(InputError):
        effect.bind(Binding(pci, driver, True), lambda *call: pytest.fail('it was'))
