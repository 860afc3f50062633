# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Cinder and iSER: which backends are changed and how, what is loaded, and what is left alone.

tests/cases/storage has whole nodes; here are the forms that cinder.conf takes beside theirs.
"""
from __future__ import absolute_import, print_function, unicode_literals

import os

import pytest

from plugin_lib import published
from plugin_lib.errors import InputErrors
from plugin_lib.planning import iser, storage
from plugin_lib.planning.ini_edit import values
from plugin_lib.planning.operations import LoadModule

CASES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'cases', 'storage')
CONTROLLER = '[DEFAULT]\nrpc_backend = rabbit\n'
JUNO_DRIVER = 'cinder.volume.drivers.lvm.LVMISERDriver'


def planned(text, case='9.2-tagged-cinder', roles=('cinder',), on=True, modules_text=None):
    """The steps of a case whose cinder.conf is ``text``."""
    data = published.read(os.path.join(CASES, case, 'astute.yaml'))._replace(node_roles=list(roles))
    moves = storage.decide(data).moves if on else ()
    return iser.plan(data, moves, text, frozenset(), modules_text, frozenset()).steps


def edited(text, case='9.2-tagged-cinder'):
    """What cinder.conf becomes; as it was where nothing is to be done."""
    for step in planned(text, case):
        for operation in step.operations:
            if getattr(operation, 'path', '') == iser.CINDER_FILE:
                return operation.text
    return text


def option(text, section, name):
    return ''.join(values(text, section, name, 'cinder.conf')[-1:])


def modules(steps):
    return [operation.name for step in steps for operation in step.operations if isinstance(operation, LoadModule)]


@pytest.mark.parametrize('driver', ['LVMVolumeDriver', 'LVMISCSIDriver'])
def test_each_lvm_backend_is_changed_and_no_other(driver):
    text = ('[DEFAULT]\nenabled_backends = one, two ,rbd\nvolume_group = x\n[one]\nvolume_driver = a.b.{0}\n[two]\n'
            'volume_group = y\n[rbd]\nvolume_driver = a.RBDDriver\n[unused]\nvolume_group = z\n').format(driver)
    found = edited(text)
    assert [section for section in ('DEFAULT', 'one', 'two', 'rbd', 'unused')
            if option(found, section, 'iscsi_protocol') == 'iser'] == ['one', 'two']
    assert option(found, 'two', 'iscsi_ip_address') == '192.168.1.8'


def test_juno_has_a_driver_of_its_own():
    found = edited('[DEFAULT]\nvolume_driver = cinder.volume.drivers.lvm.LVMISCSIDriver\n', '6.1-tagged-cinder')
    assert option(found, 'DEFAULT', 'volume_driver') == JUNO_DRIVER
    assert option(found, 'DEFAULT', 'iser_ip_address') == option(found, 'DEFAULT', 'iscsi_ip_address') == '192.168.1.8'
    assert option(found, 'DEFAULT', 'iscsi_protocol') == ''


def test_a_controller_without_a_backend_is_left_alone():
    assert planned(CONTROLLER, roles=('primary-controller',)) == ()
    assert planned(None, roles=('primary-controller',)) == ()


def test_computes_have_the_initiator_and_cinder_nodes_the_target_of_their_helper():
    assert modules(planned(None, roles=('compute',))) == ['ib_iser']
    backend = '[DEFAULT]\nvolume_group = x\n{0}'
    assert modules(planned(backend.format(''))) == ['ib_iser', 'rdma_ucm']
    assert modules(planned(backend.format('iscsi_helper = lioadm\n'))) == ['ib_iser', 'ib_isert']


def test_with_the_setting_off_cinder_is_put_back_before_what_tells_that_it_has_to_be():
    text = '[DEFAULT]\nvolume_group = x\n'
    steps = planned(edited(text), on=False, modules_text='ib_iser\n')
    assert [step.subject for step in steps] == ['cinder-volume', 'modules']
    assert [operation.text for operation in steps[0].operations if hasattr(operation, 'text')] == ['', text]


def test_a_file_that_is_not_understood_is_refused():
    with pytest.raises(InputErrors) as caught:
        planned('[DEFAULT]\nenabled_backends\n')
    assert 'line 2' in caught.value.why
