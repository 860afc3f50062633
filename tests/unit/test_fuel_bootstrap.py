# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What fuel-bootstrap and we keep on a master, broken in any way: one message with exit status 3, or it is read.

Generated: its configuration, an image's metadata and our note of the image before, with pieces of YAML put into them.
"""
from __future__ import absolute_import, print_function, unicode_literals

import io
import json
import os

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plugin_lib import bootstrap_image
from plugin_lib.bootstrap_image import fuel_bootstrap, master, ubuntu_images
from plugin_lib.errors import EXIT_NOT_APPLIED, InfinibandError
from plugin_lib.views import bootstrap as view

IMAGES = '/var/www/nailgun/bootstraps'
CONFIG = '''repos:
- {name: ubuntu, priority: null, section: main universe, suite: trusty, type: deb, uri: 'http://a.example/ubuntu'}
- {name: mos, priority: 1050, section: main, suite: mos9.0, type: deb, uri: 'http://b.example/ubuntu'}
bootstrap_images_dir: /var/www/nailgun/bootstraps
active_bootstrap_symlink: /var/www/nailgun/bootstraps/active_bootstrap
'''
METADATA = 'uuid: abcd\nlabel: fuel-infiniband 1.0.0\n'
NOTE = '{"uuid": "abcd", "label": "Fuel\'s own"}'
DEEP = ('[' * 5000, '- ' * 5000, '{"a": ' * 5000)
PIECES = DEEP + (
    '[', ']', '{', '}', ':', ' ', '\n', '- ', '&a ', '*a', '!!int x', '!!bool x', '!!float x', '!!timestamp x', '<<: ',
    '2015-99-99', '!!python/object:x', '~', '!!binary "=="', '1:20:30', '"\\0"', '"', "'", '\t', '\0', '9' * 5000,
    '.nan', '---\n', '\xfc', '!!pairs [a: b]', '../../..', '"\\ud800"')


@pytest.fixture(scope='module')
def root(tmpdir_factory):
    """A master's root folder."""
    return str(tmpdir_factory.mktemp('master'))


def write(root, path, text):
    path = root + path
    if not os.path.isdir(os.path.dirname(path)):
        os.makedirs(os.path.dirname(path))
    with io.open(path, 'w', encoding='utf-8') as stream:
        stream.write(text)


def broken(text):
    """A strategy: the text with pieces put into it, or cut."""
    pieces = st.lists(st.tuples(st.integers(0, len(text)), st.sampled_from(PIECES)), max_size=3)
    return st.builds(lambda puts, end: _put(text, puts)[:end], pieces, st.one_of(st.none(), st.integers(0, len(text))))


def _put(text, puts):
    for place, piece in puts:
        text = text[:place] + piece + text[place:]
    return text


@given(broken(CONFIG), broken(METADATA), broken(NOTE))
@example(CONFIG, METADATA, DEEP[0])
@example(DEEP[1], METADATA, NOTE)
@example(CONFIG + 'on: !!bool x', METADATA, NOTE)
@example(CONFIG, METADATA + 'when: !!timestamp x', NOTE)
def test_it_is_read_or_refused(root, config, metadata, note):
    try:
        look(root, config, metadata, note)
    except InfinibandError as error:
        assert error.exit_status == EXIT_NOT_APPLIED
        assert error.what and error.where and error.todo


def test_whole_it_is_read(root):
    found = look(root, CONFIG, METADATA, NOTE)
    assert (found.active, found.previous, found.built) == (
        None, "abcd (Fuel's own)", ['abcd (fuel-infiniband 1.0.0)'])


def look(root, config, metadata, note):
    """The Status of a master that has these, and the command line of a build."""
    write(root, '/etc/fuel_release', '9.2\n')
    write(root, fuel_bootstrap.CONFIG, config)
    write(root, IMAGES + '/abcd/metadata.yaml', metadata)
    write(root, '{0}/{1}'.format(master.STATE, ubuntu_images.PREVIOUS), note)
    this = master.Master(root, '/nowhere')
    found = bootstrap_image.status(this)
    json.dumps(view.document(found))
    fuel_bootstrap.FuelBootstrap(this).arguments('/plugins/infiniband-1.0', [], '/overlay', '/script', 'label', '/out')
    return found
