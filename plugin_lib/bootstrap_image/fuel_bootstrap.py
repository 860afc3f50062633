# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""fuel-bootstrap of Fuel 8.0 and later: its configuration, its command line, and the images it has."""
from __future__ import absolute_import, print_function, unicode_literals

import os
import re
from collections import namedtuple

from plugin_lib._compat import string_types, to_text
from plugin_lib.errors import InfinibandError, InputError
from plugin_lib.published import document

PROGRAM = 'fuel-bootstrap'
CONFIG = '/etc/fuel-bootstrap-cli/fuel_bootstrap_cli.yaml'
_IMAGES = '/var/www/nailgun/bootstraps'
_LINK = 'active_bootstrap'
_METADATA = 'metadata.yaml'
# As fuel-bootstrap reads --repo; it does not look at what is left over behind it.
_REPO = re.compile(r'^(deb(?:-src)?) (\S+) (\S+)(?: ([\w\s]*))?(?:,(\d+))?\Z')
_HOST = '127.0.0.1'
_REPOSITORY = 'deb http://{0}:8080/plugins/{1}/repositories/ubuntu/ /'


class Image(namedtuple('Image', 'uuid label')):
    """A discovery image that fuel-bootstrap has."""

    __slots__ = ()


class FuelBootstrap(object):
    """What the configuration of fuel-bootstrap says.

    :param master: Master
    :raises InfinibandError: when it cannot be read
    """

    def __init__(self, master):
        # type: (object) -> None
        self._master = master
        self.path = master.path(CONFIG)
        self._config = _load(self.path)
        self._images = master.path(self._text('bootstrap_images_dir', _IMAGES))
        self._link = master.path(self._text('active_bootstrap_symlink', os.path.join(_IMAGES, _LINK)))

    @property
    def folder(self):
        # type: () -> str
        """Where the images are."""
        return self._images

    @property
    def build_folder(self):
        # type: () -> str
        """Where an image is built."""
        return self._text('image_build_dir', '/tmp')

    @property
    def script(self):
        # type: () -> str
        """The script that the configuration names, None without one."""
        return self._text('post_script_file', None)

    def images(self):
        # type: () -> list
        """The Images that are whole enough for fuel-bootstrap to see them."""
        names = os.listdir(self._images) if os.path.isdir(self._images) else []
        found = []
        for name in sorted(names):
            path = os.path.join(self._images, name)
            if os.path.isdir(path) and not os.path.islink(path):
                try:
                    metadata = _load(os.path.join(path, _METADATA))
                except InfinibandError:
                    continue  # fuel-bootstrap does not see it either
                if metadata.get('uuid') == name:
                    found.append(Image(name, to_text(metadata.get('label') or '')))
        return found

    def active(self):
        # type: () -> Image
        """The Image that nodes boot; None when the link is not there, or leads nowhere."""
        place = os.path.realpath(self._link) if os.path.islink(self._link) else None
        return next((image for image in self.images()
                     if os.path.realpath(os.path.join(self._images, image.uuid)) == place), None)

    def run(self, words, say, todo):
        # type: (list, object, str) -> None
        """Run a command of fuel-bootstrap; see Master.stream.

        :param words: of its command line
        """
        self._master.stream([PROGRAM] + words, say, todo)

    def arguments(self, plugin, packages, overlay, script, label, output):
        # type: (str, list, str, str, str, str) -> list
        """The words of the command line that builds an image.

        A single --repo takes the place of all that are configured: so they are all there.

        :param plugin: the plugin's folder, after which its repository is named
        :raises InfinibandError: when a configured repository cannot be given on a command line
        """
        words = ['build', '--label', label, '--output-dir', output, '--extra-dir', overlay, '--script', script]
        for package in packages:
            words += ['--package', package]
        for repository in self._repositories() + [_REPOSITORY.format(_HOST, os.path.basename(plugin))]:
            words += ['--repo', repository]
        return words + ['--direct-repo-addr', _HOST]

    def _repositories(self):
        """Those that a --repo takes the place of, as its value."""
        key = next((key for key in ('repos', 'extra_repos') if self._config.get(key)), None)
        if key is None:
            if self._config.get('ubuntu_repos'):
                return []  # these have options of their own
            raise InfinibandError('no repositories are configured', '{0} -> repos'.format(self.path), '',
                                  'configure them: see the user guide of Fuel, "bootstrap"')
        if not isinstance(self._config[key], list):
            raise self._bad(key, 'it is no list')
        return [self._repository('{0} -> {1}[{2}]'.format(self.path, key, index), entry)
                for index, entry in enumerate(self._config[key])]

    @staticmethod
    def _repository(where, entry):
        values = entry if isinstance(entry, dict) else {}
        expected = tuple(to_text(values.get(key) or '') for key in ('type', 'uri', 'suite', 'section', 'priority'))
        text = '{0} {1} {2} {3}'.format(*expected).rstrip() + (',' + expected[4] if expected[4] else '')
        if expected[4] and not expected[3]:
            text = '{0} {1} {2} ,{4}'.format(*expected)  # else the priority would belong to the suite
        match = _REPO.match(text)
        if not match or tuple(part or '' for part in match.groups()) != expected:
            raise InfinibandError('a configured repository cannot be kept', where,
                                  'fuel-bootstrap cannot read it as --repo: {0}'.format(text),
                                  'give it type, uri, suite and sections without special characters')
        return text

    def _text(self, key, default):
        value = self._config.get(key) or default
        if value is None:
            return None
        if not isinstance(value, string_types):
            raise self._bad(key, 'it is no text')
        return to_text(value)

    def _bad(self, key, why):
        return InfinibandError('bad configuration of fuel-bootstrap', '{0} -> {1}'.format(self.path, key), why,
                               'correct it')


def _load(path):
    try:
        return document.load(path, 'cannot read what fuel-bootstrap keeps', 'see: fuel-bootstrap list')[0].value
    except InputError as error:  # nobody gave it to us
        raise InfinibandError(error.what, error.where, error.why, error.todo)
