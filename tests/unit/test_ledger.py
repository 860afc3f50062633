# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The ledger of what is ours: what it knows around a crash, and one that is broken."""
from __future__ import absolute_import, print_function, unicode_literals

import os

import pytest

from plugin_lib.effect.ledger import Ledger, concluded, intended
from plugin_lib.errors import ApplyError
from plugin_lib.pkey import PKey
from plugin_lib.planning.operations import (
    DeleteChild,
    Release,
    Step,
)
from plugin_lib.planning.vlans import Made
from tests.model.node import MAC, SERVE


def test_the_ledger_knows_what_a_pass_meant_to_make_and_what_it_made():
    before = {'ib0.8065': Made(7, MAC, 101)}
    replace = Step('vlans', '', '', (Release('eth4', 'ib0.8065'), DeleteChild('ib0', PKey(101, True), 'ib0.8065')))
    assert intended(before, (SERVE, replace)) == {
        'ib0.8064': Made(None, None, None), 'ib0.8065': Made(None, None, None)}
    assert concluded(before, SERVE.operations + replace.operations) == {'ib0.8064': Made(None, MAC, 100)}


def test_the_ledger_survives(tmpdir):
    ledger = Ledger(str(tmpdir.join('run', 'children.json')))
    assert ledger.read() == {}
    ours = {'ib0.8064': Made(12, MAC, 100), 'ib0.1': Made(13, MAC, None), 'ib0.8065': Made(None, None, None)}
    ledger.write(ours)
    assert Ledger(ledger.path).read() == ours
    assert os.stat(ledger.path).st_mode & 0o777 == 0o600


@pytest.mark.parametrize('text', ['', 'null', '{}', '[1]', '{"format": 2, "children": {}}',
                                  '{"format": 1, "children": []}',
                                  '{"format": 1, "children": {"../x": {"ifindex": 1, "mac": null, "vlan": null}}}',
                                  '{"format": 1, "children": {"ib0.1": {"ifindex": "1", "mac": null, "vlan": null}}}'])
def test_a_broken_ledger_is_an_error_and_not_an_empty_one(tmpdir, text):
    path = tmpdir.join('children.json')
    path.write(text)
    with pytest.raises(ApplyError) as caught:
        Ledger(str(path)).read()
    assert caught.value.where == str(path)
