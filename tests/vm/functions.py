# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Virtual functions of modules/standin_sriov.c; every function here runs in the guest but :func:`in_memory`."""
import errno
import os

from plugin_lib.effect import sriov as effect
from plugin_lib.effect.apply import apply
from plugin_lib.effect.executor import Executor
from plugin_lib.host import sriov as host
from plugin_lib.host.sysfs import LiveTree, Reader
from plugin_lib.planning import sriov
from plugin_lib.planning.operations import Binding, WriteAttribute
from tests.model.kernel import Kernel
from tests.vm import inside

DEVICE = '0000:05:00.0'
NUMBER = f'/sys/bus/pci/devices/{DEVICE}/sriov_numvfs'
DRIVER = '/sys/bus/pci/drivers/mlx5_core'
TOTAL = 8
# [path, text] of writes, one after the other: numbers from 0 and from another one, too many, none; drivers.
WRITES = [[NUMBER, text] for text in ('2', '2', '3', '0', '3', '9', '-1', 'many', '70000', '0', '8', '0', '2')] + [
    [f'{DRIVER}/unbind', '0000:05:00.1'], [f'{DRIVER}/unbind', '0000:05:00.1'], [f'{DRIVER}/bind', '0000:05:00.1'],
    [f'{DRIVER}/bind', '0000:05:00.3'], [NUMBER, '0']]


def perform_here(writes):
    """[errno's name or None, what is there then] of each write on the kernel."""
    inside.must('modprobe', 'standin_sriov')
    try:
        return _perform(inside.write, LiveTree(), writes)
    finally:
        inside.must('modprobe', '-r', 'standin_sriov')


def in_memory(writes):
    """The same on the model."""
    kernel = Kernel()
    hca = kernel.add_hca('mlx5_0', DEVICE)
    kernel.add_sriov(hca, 'mlx5_core', TOTAL)
    return _perform(kernel.write, kernel.tree, writes)


def plan_and_apply(counts):
    """For each number of virtual functions: the PCI addresses and drivers that planning and applying leads to."""
    inside.must('modprobe', 'standin_sriov')
    found = []
    try:
        for count in counts:
            function = host.read(Reader(LiveTree()), DEVICE)
            operations = sriov.write_count(function, count)
            executor = Executor(more={WriteAttribute: effect.write, Binding: effect.bind})
            step = sriov.Step(sriov.STAGE, DEVICE, 'a test', operations)
            found.append([[outcome.line() for outcome in apply((step,), executor)], _functions(LiveTree())])
        return found
    finally:
        inside.must('modprobe', '-r', 'standin_sriov')


def _perform(write, tree, writes):
    answers = []
    for path, text in writes:
        try:
            write(path, text)
            answer = None
        except OSError as error:
            answer = errno.errorcode[error.errno]
        answers.append([answer, _functions(tree)])
    return answers


def _functions(tree):
    """[total, [[address, driver] of each virtual function]] as planning sees them."""
    function = host.read(Reader(tree), DEVICE)
    return [function.total, [[each.pci, each.driver] for each in function.virtual]]


def is_there():
    """Whether the device is."""
    return os.path.exists(NUMBER)
