# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Adds the operator's driver packages to the plugin's repository on the master, and takes them out again.

Killed anywhere and run again it ends in the same state: a file is copied under a hidden name before it gets its own,
and the manifest is written last: until then the next run finds the same to do.
"""
from __future__ import absolute_import, print_function, unicode_literals

import os
import shutil
from contextlib import contextmanager

from plugin_lib._compat import fs_path
from plugin_lib.daemon import locks
from plugin_lib.driver_repository import index, manifest, package, tools
from plugin_lib.effect import files
from plugin_lib.errors import ApplyError, InputError

LOCK = '.lock'
_WHAT = 'no driver package was added'


def require(folder):
    # type: (str) -> None
    """Be on a Fuel master, beside the plugin as its rpm installs it.

    :param folder: the plugin's repositories/
    :raises ApplyError: anywhere else
    """
    if not os.path.exists(os.path.join(folder, index.CHECKSUM_OF_NODE_PACKAGE)):
        raise ApplyError('the plugin\'s repository is not here', folder, 'this is no Fuel master',
                         'run it on the Fuel master, where the plugin is installed')


@contextmanager
def held(folder):
    # type: (str) -> object
    """Nobody else changes the repository meanwhile, and what a killed run left half-made is gone.

    :raises ApplyError: when somebody is at work there, the machine refuses a change, or this is no master
    """
    require(folder)
    with locks.held(folder, LOCK, program='fuel-infiniband drivers'):
        try:
            _sweep(folder)
            yield
        except EnvironmentError as error:
            raise ApplyError('the repository of driver packages could not be changed as a whole',
                             error.filename or folder, error.strerror, 'run it again when that is put right')


def add(folder, paths):
    # type: (str, list) -> list
    """Verify package files and put them into the repository; all of them or none.

    :param folder: the plugin's repositories/
    :returns: a line for each
    :raises InfinibandError: naming everything that is wrong with any of them
    """
    with held(folder):
        present = manifest.read(folder)
        sources = _inspect(paths)
        _refuse_our_own(folder, sources)
        entries = _merged(present, sources)
        _refuse_what_apt_cannot_tell_apart(folder, entries, sources)
        _require_tools(entries)
        lines = [_store(folder, source, _entry(source, found), found, present) for source, found in sources]
        _offer(folder, present, entries)
    return lines


def remove(folder, names):
    # type: (str, list) -> list
    """Take packages out of the repository again; all of them or none.

    :param folder: the plugin's repositories/
    :param names: their files, with or without folders
    :returns: a line for each
    :raises InfinibandError: naming all those that are not in the manifest
    """
    with held(folder):
        present = manifest.read(folder)
        asked = set(os.path.basename(name) for name in names)
        unknown = sorted(asked.difference(entry.file for entry in present))
        if unknown:
            raise InputError('no driver package was removed', ', '.join(unknown),
                             'not in {0}'.format(manifest.FILE), 'see: fuel-infiniband drivers check')
        entries = tuple(entry for entry in present if entry.file not in asked)
        if entries:
            _require_tools(entries)
            _offer(folder, present, entries)
        else:
            _clear(folder)
    return ['{0}: removed'.format(name) for name in sorted(asked)]


def refresh(folder):
    # type: (str) -> int
    """Index what the manifest lists once more: an upgrade of the plugin brings an index of its own.

    :returns: how many packages there are
    """
    with held(folder):
        entries = here(folder, manifest.read(folder))
        if entries:
            index.write(folder, entries)
    return len(entries)


def clear(folder):
    # type: (str) -> list
    """Remove what :func:`add` has brought, in an order that bears being killed.

    :returns: files that somebody else put there, below the folder; they stay
    """
    with held(folder):
        _clear(folder)
        left = strangers(folder, ())
        files.remove(os.path.join(folder, LOCK))
    return left


def here(folder, entries):
    # type: (str, tuple) -> tuple
    """Those of ``entries`` whose file is there; the others are awaited."""
    return tuple(entry for entry in entries if os.path.isfile(os.path.join(folder, entry.path)))


def strangers(folder, entries):
    # type: (str, tuple) -> list
    """Package files in the repository that are neither in ``entries`` nor the plugin's own."""
    ours = set(entry.path for entry in entries)
    ours.add('{0}/{1}'.format(manifest.FOLDERS[manifest.UBUNTU], index.node_package(folder)[1]))
    found = []
    for release, name in manifest.FOLDERS.items():
        place = os.path.join(folder, name)
        found += ['{0}/{1}'.format(name, file) for file in (os.listdir(place) if os.path.isdir(place) else [])
                  if file.endswith(manifest.SUFFIXES[release])]
    return sorted(set(found) - ours)


def _inspect(paths):
    found, refused = [], []
    for path in paths:
        try:
            found.append((path, package.read(path)))
        except InputError as error:
            refused.append(error)
    if len(refused) == 1 and len(paths) == 1:
        raise refused[0]
    if refused:
        raise InputError(_WHAT, ', '.join(error.where for error in refused),
                         '; '.join('{0}: {1}'.format(os.path.basename(error.where), error.why) for error in refused),
                         'leave these out, or {0}'.format(refused[0].todo))
    return found


def _entry(path, found):
    return manifest.Entry(found.name, os.path.basename(path), found.sha256, found.release, found.kernel)


def _merged(present, sources):
    """The entries of the manifest with those of ``sources`` in it; each replaces the one for its package and kernel."""
    entries, given = dict((entry.file, entry) for entry in present), {}
    for path, found in sources:
        entry = _entry(path, found)
        if given.setdefault(_place(entry), entry) != entry:
            raise InputError(_WHAT, path, '{0} is for the same package and kernel'.format(given[_place(entry)].file),
                             'give one of them')
        awaited = entries.get(entry.file)
        if awaited is not None and awaited.sha256 != entry.sha256:
            raise InputError(_WHAT, path, 'its sha256 is {0}, {1} says {2}'.format(
                entry.sha256, manifest.FILE, awaited.sha256),
                'take the file that was meant, or: fuel-infiniband drivers remove {0}'.format(entry.file))
        for other in list(entries.values()):
            if _place(other) == _place(entry):
                del entries[other.file]
        entries[entry.file] = entry
    merged = tuple(sorted(entries.values()))
    refused = manifest.problems({'packages': [dict(entry._asdict()) for entry in merged]})
    if refused:
        raise InputError(_WHAT, manifest.FILE, '; '.join(refused), 'the package itself says so: build it again')
    return merged


def _require_tools(entries):
    """Have what indexes these, before anything is changed."""
    for release in set(entry.release for entry in entries):
        tools.run([index.PROGRAMS[release], '--version'])


def _offer(folder, present, entries):
    """Offer ``entries``, whose files are there or awaited, and no more what else of ``present`` there is."""
    index.write(folder, here(folder, entries))
    for entry in set(present) - set(entries):
        files.remove(os.path.join(folder, entry.path))
    if entries != present:
        files.write_atomically(os.path.join(folder, manifest.FILE), manifest.text(entries), 0o644)


def _clear(folder):
    index.clear(folder)
    for entry in manifest.read(folder):
        files.remove(os.path.join(folder, entry.path))
    try:
        os.rmdir(os.path.join(folder, manifest.FOLDERS[manifest.CENTOS]))
    except EnvironmentError:
        pass  # there is none, or it is not empty
    files.remove(os.path.join(folder, manifest.FILE))


def _place(entry):
    return entry.release, entry.name, entry.kernel


def _refuse_our_own(folder, sources):
    """Keep the node package what it is: nodes take the newest of its name, and a file of its name would replace it."""
    own = index.node_package(folder)[1]
    for path, found in sources:
        if found.name == index.NODE_PACKAGE or os.path.basename(path) == own:
            raise InputError(_WHAT, path, 'a package or file of its name is the plugin\'s own',
                             'leave it out: the repository has the right one')


def _refuse_what_apt_cannot_tell_apart(folder, entries, sources):
    versions = dict((os.path.basename(path), found.version) for path, found in sources)
    known = [entry for entry in entries if entry.release == manifest.UBUNTU
             and (entry.file in versions or os.path.isfile(os.path.join(folder, entry.path)))]
    names = [entry.name for entry in known]
    seen = {}
    for entry in known:
        if names.count(entry.name) == 1:
            continue
        if entry.file not in versions:
            versions[entry.file] = package.read(os.path.join(folder, entry.path)).version
        other = seen.setdefault((entry.name, versions[entry.file]), entry)
        if other is not entry:
            raise InputError(_WHAT, '{0}, {1}'.format(other.file, entry.file),
                             'both are {0} {1}, for kernels {2} and {3}: apt cannot tell them apart'.format(
                                 entry.name, versions[entry.file], other.kernel, entry.kernel),
                             'build one of them with another version')


def _store(folder, source, entry, found, present):
    target = os.path.join(folder, entry.path)
    for_what = '{0} {1} for {2}, kernel {3}'.format(entry.name, found.version, entry.release, entry.kernel)
    if os.path.exists(target) and package.checksum(target) == entry.sha256:
        return for_what + (': there already' if entry in present else ': added')
    files.copy_atomically(fs_path(source), target, 0o644)
    if package.checksum(target) != entry.sha256:
        files.remove(target)
        raise ApplyError('cannot copy a driver package', source, 'it changes while it is read', 'run it again')
    replaced = [other.file for other in present if _place(other) == _place(entry) and other.file != entry.file]
    return '{0}: added{1}'.format(for_what, ''.join(', replaces {0}'.format(name) for name in replaced))


def _sweep(folder):
    """Remove what a killed run left: on a master every hidden file in these folders is such."""
    for name in manifest.FOLDERS.values():
        place = os.path.join(folder, name)
        for hidden in [entry for entry in (os.listdir(place) if os.path.isdir(place) else []) if entry[:1] == '.']:
            path = os.path.join(place, hidden)
            if os.path.isdir(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)
    for name in os.listdir(folder):
        if name.startswith('.{0}.'.format(manifest.FILE)):
            os.unlink(os.path.join(folder, name))
