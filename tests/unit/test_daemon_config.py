# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""eipoibd's settings: defaults, and absurd values by file, section and key."""
from __future__ import absolute_import, print_function, unicode_literals

import pytest

from plugin_lib.daemon import config
from plugin_lib.errors import InputError


def configured(tmpdir, text):
    path = tmpdir.join('eipoibd.conf')
    path.write_binary(text.encode('utf-8'))
    return config.read(str(path))


def test_without_a_file_the_defaults_hold(monkeypatch, tmpdir):
    monkeypatch.setattr(config, 'CONFIG_FILE', str(tmpdir.join('none')))
    assert config.read() == config.DEFAULTS


def test_settings_are_read(tmpdir):
    assert configured(tmpdir, '# a comment\n[eipoibd]\nresync_interval = 10\nremoval_grace=0\nlog_level = debug\n') == \
        config.DEFAULTS._replace(resync_interval=10, removal_grace=0, log_level='debug')
    assert configured(tmpdir, '') == config.DEFAULTS
    gate = '/etc/nailgun-agent/nodiscover'
    assert configured(tmpdir, '[eipoibd]\ndiscovery_gate = ' + gate).discovery_gate == gate


@pytest.mark.parametrize('line', [
    'resync_interval = 0', 'resync_interval = -1', 'resync_interval = 1e3', 'resync_interval =',
    'resync_interval = 3601', 'queue_size = 100', 'queue_size = 16384', 'removal_grace = 99999999999999999999',
    'mass_removal_hold = soon', 'log_level = loud', 'removal_grase = 90', 'discovery_gate = nodiscover',
    'discovery_gate = /etc/../etc/shadow', 'discovery_gate = /etc/', 'discovery_gate =', 'queue_size = \u0662'])
def test_absurd_values_are_named_by_file_section_and_key(tmpdir, line):
    with pytest.raises(InputError) as caught:
        configured(tmpdir, '[eipoibd]\n' + line + '\n')
    assert caught.value.where == '{0} -> eipoibd -> {1}'.format(tmpdir.join('eipoibd.conf'), line.split(' ')[0])


@pytest.mark.parametrize('text', ['resync_interval = 1\n', '[eipoibd\n', '[eipoibd]\nresync_interval\n', '\x00'])
def test_what_is_no_ini_file_is_bad_input(tmpdir, text):
    with pytest.raises(InputError) as caught:
        configured(tmpdir, text)
    assert str(tmpdir.join('eipoibd.conf')) in caught.value.where


def test_a_file_that_was_asked_for_must_be_there(tmpdir):
    with pytest.raises(InputError):
        config.read(str(tmpdir.join('none')))
