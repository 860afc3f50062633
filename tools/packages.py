# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Stage the plugin's tree and build its packages: ``python -m tools.packages [FOLDER]``.

The plugin is one source and two packages: ``fuel6`` (package version 2.0.0, Fuel
6.1 and 7.0) is the tree as it stands, ``fuel8`` (4.0.0, Fuel 8.0 to 9.2) is the same
with ``fuel8/`` laid over it.  fuel-plugin-builder packs every file that it sees, so
it only gets to see a copy of what belongs to the plugin, from which pre_build_hook
removes what is only needed to make the Debian package.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

TOP = Path(__file__).resolve().parent.parent
FLAVOURS = ('fuel6', 'fuel8')
DIST = TOP / 'dist'

_PLUGIN = ('LICENSE', 'CHANGELOG.md', 'metadata.yaml', 'environment_config.yaml', 'tasks.yaml', 'pre_build_hook',
           'bootstrap', 'deployment_scripts', 'packaging', 'plugin_lib', 'repositories')
# What earlier builds and Python leave behind, also in a working tree.
_LEFTOVERS = shutil.ignore_patterns('__pycache__', '*.pyc', '*.deb', 'Packages*', 'Release', '*.sha256', '.*')


class BuildError(Exception):
    """A tool of the build failed; the message holds what it said."""


def source_time():
    """The time of the commit in seconds since 1970, which every built file carries.

    Outside a git checkout it is the modification time of metadata.yaml.
    """
    git = subprocess.run(['git', '-C', str(TOP), 'log', '-1', '--format=%ct'], capture_output=True, text=True)
    if git.returncode == 0:
        return int(git.stdout)
    return int((TOP / 'metadata.yaml').stat().st_mtime)


def stage(flavour, folder):
    """Make the tree of one package, as fuel-plugin-builder is to see it.

    :param flavour: ``fuel6`` or ``fuel8``
    :param folder: where; it must not exist
    :returns: ``folder`` as a Path
    """
    folder = Path(folder)
    folder.mkdir(parents=True)
    for name in _PLUGIN:
        if (TOP / name).is_dir():
            shutil.copytree(TOP / name, folder / name, ignore=_LEFTOVERS)
        else:
            shutil.copy2(TOP / name, folder / name)
    shutil.copy2(TOP / 'packaging/master/fuel-infiniband', folder / 'fuel-infiniband')
    if flavour == 'fuel8':
        _lay_over(TOP / 'fuel8', folder)
    _make_man_pages(folder / 'packaging/man')
    (folder / '.staged').write_text(f'{folder.resolve()}\n')  # the builder packs no name that begins with a dot
    _normalise(folder)
    return folder


def _lay_over(overlay, folder):
    """Put the files of ``overlay`` into ``folder``; metadata.yaml key by key, the plugin's name into the scripts."""
    merged = yaml.safe_load((folder / 'metadata.yaml').read_text())
    installed_as = f'{merged["name"]}-{merged["version"].rpartition(".")[0]}'
    for path in overlay.iterdir():
        if path.name == 'metadata.yaml':
            merged.update(yaml.safe_load(path.read_text()))
        elif path.suffix == '.sh':
            (folder / path.name).write_text(path.read_text().replace('@PLUGIN@', installed_as))
        else:
            shutil.copy2(path, folder / path.name)
    (folder / 'metadata.yaml').write_text(yaml.safe_dump(merged, sort_keys=False))


def _make_man_pages(folder):
    with tempfile.TemporaryDirectory(prefix='infiniband-man.') as scratch:
        result = subprocess.run([sys.executable, '-m', 'sphinx', '-q', '-W', '-b', 'man', '-d', scratch, 'doc', folder],
                                cwd=TOP, env=dict(os.environ, SOURCE_DATE_EPOCH=str(source_time())),
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if result.returncode:
            raise BuildError(f'Sphinx exited {result.returncode} on the man pages:\n{result.stdout}')


def _normalise(folder):
    """Give every file the mode of a clean checkout, whatever the umask was, and the commit's time."""
    then = source_time()
    for path in sorted(folder.rglob('*'), reverse=True):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        os.utime(path, (then, then))


def build(flavour, dist=DIST):
    """Build one package with the real fuel-plugin-builder.

    :param flavour: ``fuel6`` or ``fuel8``
    :param dist: the folder that gets ``<flavour>/infiniband-1.0-1.0.0-1.noarch.rpm``
    :returns: path of the rpm
    :raises BuildError: with the builder's output
    """
    with tempfile.TemporaryDirectory(prefix='infiniband-build.') as scratch:
        tree = stage(flavour, Path(scratch, 'infiniband'))
        result = subprocess.run([sys.executable, '-m', 'tools.fpb', '--debug', '--build', str(tree)],
                                cwd=TOP, env=environment(Path(scratch)), umask=0o022,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if result.returncode:
            raise BuildError(f'fuel-plugin-builder exited {result.returncode} on the {flavour} tree:\n'
                             f'{result.stdout}')
        (built,) = tree.glob('*.noarch.rpm')
        target = Path(dist, flavour, built.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(built, target)
    return target


def unpack(rpm, folder):
    """Unpack a built package as installing it on the Fuel master would.

    :returns: the plugin's folder, ``<folder>/var/www/nailgun/plugins/infiniband-1.0``
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    with open(rpm, 'rb') as stream:
        archive = subprocess.run(['rpm2archive', '-'], stdin=stream, stdout=subprocess.PIPE, check=True).stdout
    subprocess.run(['tar', '-xz', '-C', str(folder)], input=archive, check=True)
    (plugin,) = Path(folder, 'var/www/nailgun/plugins').iterdir()
    return plugin


def environment(scratch):
    """The environment in which two builds of one commit give the same bytes.

    rpm takes times and the host name from a macro file in HOME, and createrepo, which
    the builder insists on, is today called createrepo_c.

    :param scratch: Path of a folder for these
    """
    home, programs = scratch / 'home', scratch / 'bin'
    home.mkdir()
    programs.mkdir()
    (home / '.rpmmacros').write_text('%use_source_date_epoch_as_buildtime 1\n'
                                     '%clamp_mtime_to_source_date_epoch 1\n'
                                     '%_buildhost localhost\n')
    if not shutil.which('createrepo'):
        (programs / 'createrepo').symlink_to(shutil.which('createrepo_c') or '/usr/bin/createrepo_c')
    return dict(os.environ, HOME=str(home), PATH=f'{programs}:{os.environ["PATH"]}',
                SOURCE_DATE_EPOCH=str(source_time()), LC_ALL='C', TZ='UTC')


def main():
    """Build both packages into the folder named on the command line, else into dist/."""
    dist = Path(sys.argv[1]) if len(sys.argv) > 1 else DIST
    for flavour in FLAVOURS:
        started = time.monotonic()
        print(f'building {flavour} ...', flush=True)
        try:
            path = build(flavour, dist)
        except BuildError as error:
            print(error, file=sys.stderr)
            return 1
        print(f'{path}  {path.stat().st_size} bytes  {time.monotonic() - started:.1f} s', flush=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())
