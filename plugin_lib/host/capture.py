# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Recording a machine, so that what happened there can be replayed elsewhere with ``--root``.

A recorder stands between the reader and the source and notes every answer: a capture holds what the reader reads
(P_Keys, MACs, driver names), errors included, the few files that the plugin itself wrote, and nothing else: no
passwords.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import io
import json
import os
import posixpath
import shutil
import tempfile

from plugin_lib._compat import fs_path, to_text
from plugin_lib.errors import ApplyError, InputError
from plugin_lib.host import files, machine, sriov, storage
from plugin_lib.host.source import CAPTURE_FILE, CAPTURE_FORMAT
from plugin_lib.host.state import RDMA_MODULES
from plugin_lib.host.sysfs import Reader
from plugin_lib.host.tree import AnyTree
from plugin_lib.paths import (
    CONFIG_FILE,
    MODPROBE_FILE,
    OWN_HIERA_FILE,
    RDMA_MODULES_FILE,
    RUN_FOLDER,
    SRIOV_MEMORY,
    STATUS_FILE,
)

# Two are of planning.sriov and daemon.main, which stand above this package.
WRITTEN_BY_US = (MODPROBE_FILE, CONFIG_FILE, '/etc/modprobe.d/fuel-infiniband-sriov.conf', SRIOV_MEMORY,
                 RUN_FOLDER + '/children.json', '{0}/{1}'.format(RUN_FOLDER, STATUS_FILE), OWN_HIERA_FILE,
                 RDMA_MODULES_FILE)


def written_by_us(root):
    # type: (str) -> dict
    """``{path: text}`` of those files of the machine below ``root`` that the plugin writes, that are there and that can
    be read: the ledger is for root only.
    """
    found = {}
    for path in WRITTEN_BY_US:
        try:
            text = files.read(root, path)
        except InputError:
            continue
        if text is not None:
            found[path] = text
    return found


def capture(source, directory, more=()):
    # type: (object, str, dict) -> Host
    """Record what :func:`plugin_lib.host.machine.read` reads, and the HCAs' virtual functions, into a new folder.

    Returns the Host that was read.

    The folder appears whole or not at all.  It holds the attributes as files, links as relative links, and
    ``capture.json``: ``{"format": 1, "links": [Link as a mapping], "drvinfo": {interface: [driver, bus_info]},
    "modules": Modules as a mapping, "errors": {path or interface: errno}}``.

    Not recorded, and so told wrong by a replay of a configured node: whether eipoibd runs, which is a lock that dies
    with its process (a replay would start it), and Open vSwitch's database.

    :param more: files to put beside it, :func:`written_by_us` of the same machine: with them a replay knows what was
        configured already, and which children are ours (:mod:`plugin_lib.effect.ledger`)
    :raises InputError: when ``directory`` is no name, exists and is not an empty folder, or that cannot be told
    :raises ApplyError: when it cannot be written
    """
    if not directory:  # it would mean the current folder
        raise InputError('no folder for the capture', why='its name is empty',
                         todo='name a folder that does not exist yet')
    directory = os.path.abspath(fs_path(directory))
    try:
        occupied = os.path.lexists(directory) and (not os.path.isdir(directory) or os.listdir(directory))
    except EnvironmentError as error:
        raise InputError('cannot look into the folder for the capture', to_text(directory), error.strerror,
                         'name a folder that does not exist yet')
    if occupied:
        raise InputError('will not overwrite what is there', to_text(directory), 'it exists and is not an empty folder',
                         'name a folder that does not exist yet')
    recorder = _Recorder(source)
    host = machine.read(recorder)
    reader = Reader(recorder.tree)
    for function in sriov.read_all(reader, set(port.pci for port in host.ports if port.pci)).values():
        sriov.with_tables(reader, function)
    _look_for_storage(recorder.tree, host)
    try:
        temporary = tempfile.mkdtemp(prefix=str('.capture-'), dir=os.path.dirname(directory))
        try:
            os.chmod(temporary, 0o755)
            recorder.write(to_text(temporary))
            for path in more:
                _write_file(to_text(temporary) + path, more[path])
            os.rename(temporary, directory)
        except BaseException:
            shutil.rmtree(temporary)
            raise
    except EnvironmentError as error:
        raise ApplyError('cannot write the capture', to_text(error.filename or directory), error.strerror,
                         'name a new folder where files can be written', error.errno)
    return host


def _look_for_storage(tree, host):
    """Read what the stages about storage look at beside the Host."""
    names = [name for name, nic in sorted(host.interfaces.items()) if nic.link_type == 'infiniband']
    storage.modes(tree, names)
    storage.connectable(tree, names)
    for name in RDMA_MODULES:
        tree.exists('/sys/module/' + name)


class _Recorder(object):
    """A source that passes every question on to another one and notes the answer."""

    def __init__(self, source):
        self.tree = _RecordingTree(source.tree)
        self.modules = source.modules
        self._source = source
        self._links = {}
        self._drvinfo = {}

    def links(self):
        self._links = self._source.links()
        return self._links

    def drvinfo(self, name):
        self._drvinfo[name] = self.tree.noting_errors(self._source.drvinfo, name)
        return self._drvinfo[name]

    def write(self, folder):
        self.tree.write(folder)
        modules = self.modules()
        facts = {'format': CAPTURE_FORMAT,
                 'modules': {'release': modules.release, 'loaded': sorted(modules.loaded),
                             'available': sorted(modules.available)},
                 'links': [self._links[name]._asdict() for name in sorted(self._links)],
                 'drvinfo': self._drvinfo,
                 'errors': self.tree.errors}
        text = to_text(json.dumps(facts, indent=1, sort_keys=True, separators=(',', ': ')))
        _write_file('{0}/{1}'.format(folder, CAPTURE_FILE), text + '\n')


class _RecordingTree(AnyTree):
    """The tree of a recorder."""

    def __init__(self, tree):
        self.errors = {}
        self._tree = tree
        self._files = {}
        self._targets = {}
        self._folders = {}

    def read(self, path):
        self._files[path] = self.noting_errors(self._tree.read, path)
        return self._files[path]

    def names(self, path):
        self._folders[path] = self.noting_errors(self._tree.names, path)
        return self._folders[path]

    def link(self, path):
        self._targets[path] = self.noting_errors(self._tree.link, path)
        return self._targets[path]

    def exists(self, path):
        found = self._tree.exists(path)
        if found:
            self._folders.setdefault(path, [])
        return found

    def noting_errors(self, ask, subject):
        try:
            return ask(subject)
        except EnvironmentError as error:
            if error.errno != errno.ENOENT:  # what is not in the capture gives that by itself
                self.errors[subject] = error.errno
            raise

    def write(self, root):
        for path in self._folders:
            _make_folder(root + path)
        for path, text in self._files.items():
            _write_file(root + path, text + '\n')
        for path, target in self._targets.items():
            _make_link(root, path, target)
        for path, names in self._folders.items():
            for name in names:
                self._write_name(root, '{0}/{1}'.format(path, name))

    def _write_name(self, root, path):
        """Something that was seen in a listing: it must be in the capture's listing when that is read again."""
        if os.path.lexists(fs_path(root + path)):
            return
        if path in self.errors:
            _write_file(root + path, '')
            return
        try:
            _make_link(root, path, self._tree.link(path))
        except EnvironmentError as error:
            if error.errno not in (errno.EINVAL, errno.ENOENT):  # no link, or gone by now: nobody asked what it is
                raise


def _make_folder(path):
    if not os.path.isdir(fs_path(path)):
        os.makedirs(fs_path(path))


def _write_file(path, text):
    _make_folder(posixpath.dirname(path))
    with io.open(fs_path(path), 'w', encoding='utf-8', newline='') as stream:
        stream.write(text)


def _make_link(root, path, target):
    _make_folder(posixpath.dirname(root + path))
    if target.startswith('/'):
        target = posixpath.relpath(target, posixpath.dirname(path))
    os.symlink(target, fs_path(root + path))
