# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""A throw-away Fuel master: this machine's root, real rpm, dnf and python-fuelclient, a stand-in for Fuel's service.

Its ``python`` is .venv27: 2.7 with PyYAML 3.10, as CentOS 7 has.  ``yum`` is dnf, which takes the same words.
"""
import json
import subprocess
import sys

from tests.package.conftest import ThrowAwayNode
from tests.package.driver_packages import rpm
from tools.packages import TOP

PLUGINS = '/var/www/nailgun/plugins'
PORT = 8000  # the client's own default

# What rpm and dnf keep for themselves, and where the tests put packages.
_BOOKS = ('root/.rpmdb', 'var/lib/rpm', 'var/lib/dnf', 'var/cache/dnf', 'var/log/dnf', 'var/log/hawkey',
          'run/dnf', 'tmp')
# Overlays of this machine's folders: what differs is in their upper layers, also what is gone. Others are in memory.
_LISTING = '''
import hashlib, json, os, stat, sys
scratch, root, found = sys.argv[1], sys.argv[2], {}
tops = [(name, os.path.join(scratch, name, "upper")) for name in os.listdir(scratch)]
tops += [(name, os.path.join(root, name)) for name in ("root", "home", "tmp", "mnt", "run", "srv")]
for name, top in tops:
    for folder, folders, files in os.walk(top):
        folders[:] = [one for one in folders if not os.path.ismount(os.path.join(folder, one))]
        for path in [os.path.join(folder, one) for one in folders + files]:
            facts = os.lstat(path)
            twin = os.path.join("/", name, os.path.relpath(path, top))
            if stat.S_ISDIR(facts.st_mode) and os.path.isdir(twin) and facts[0:1] + facts[4:6] == (
                    os.lstat(twin)[0:1] + os.lstat(twin)[4:6]):
                continue  # it only has something in it that differs
            content = ""
            if stat.S_ISLNK(facts.st_mode):
                content = os.readlink(path)
            elif stat.S_ISREG(facts.st_mode):
                with open(path, "rb") as stream:
                    content = hashlib.sha256(stream.read()).hexdigest()
            found[os.path.join(name, os.path.relpath(path, top))] = (
                oct(facts.st_mode), facts.st_uid, facts.st_gid, content)
print(json.dumps(found))
'''


def python(interpreter):
    """The shell script of a ``python`` as a master has it: ``-BEs -c CODE ...`` finds PyYAML and no other library."""
    return ('shift 2; code=$1; shift\n'
            f'exec {interpreter} -BEs -c "import sys; sys.modules.update(jsonschema=None, jinja2=None, ovs=None)\n'
            '$code" "$@"')


class FuelMaster(ThrowAwayNode):
    """A Fuel master without plugins.

    :param folder: an empty folder
    :param python27: folders of .venv27 and its Python
    """

    def __init__(self, folder, python27):
        self.folder = folder / 'machine'
        self.folder.mkdir()
        super().__init__(self.folder, visible=python27)
        interpreter = python27[0] / 'bin/python'
        self.program('python', python(interpreter))
        self.program('fuel', f'exec {interpreter} {python27[0]}/bin/fuel "$@"')
        self.path('usr/bin/yum').symlink_to('dnf')
        self.path('usr/bin/createrepo').symlink_to('createrepo_c')
        self.path(PLUGINS).mkdir(parents=True)
        # The client asks rpm for it, and dnf asks who brings the shell of the plugin's scripts.
        self.take(rpm(folder, 'fuel', '9.0', scripts='Provides: /bin/sh', architecture='noarch'))
        self.run('rpm', '-i', '/tmp/fuel-9.0-1.noarch.rpm')
        self.run('ip', 'link', 'set', 'lo', 'up')
        self.service = subprocess.Popen(
            self.beside(sys.executable, str(TOP / 'tests/package/nailgun.py'), str(PORT),
                        f'{self.folder}/root{PLUGINS}'), stdout=subprocess.PIPE, text=True)
        assert self.service.stdout.readline() == 'ready\n'

    def program(self, name, command):
        """Put a program on the machine."""
        self.path(f'usr/bin/{name}').write_text(f'#!/bin/sh\n{command}\n')
        self.path(f'usr/bin/{name}').chmod(0o755)

    def take(self, file):
        """Copy a file into the machine's /tmp; returns its path there."""
        self.path(f'tmp/{file.name}').write_bytes(file.read_bytes())
        return f'/tmp/{file.name}'

    def fuel(self, *arguments, status=0):
        """Run the real client; returns what it and what it runs print."""
        return self.do('fuel', *arguments, status=status)

    def do(self, *argv, status=0):
        """Run a command as root; returns its output."""
        done = self.run('sh', '-c', 'exec "$@" 2>&1', 'sh', *map(str, argv), check=False)
        assert done.returncode == status, done.stdout
        assert 'Traceback' not in done.stdout, done.stdout
        return done.stdout

    def ask(self, method, path, data=None):
        """What the service answers, from within the machine's network."""
        code = ('import sys, urllib.request as u; print(u.urlopen(u.Request(sys.argv[2], method=sys.argv[1], '
                'data=sys.argv[3].encode())).read().decode())')
        return json.loads(self._outside('-c', code, method, f'http://127.0.0.1:{PORT}/api/v1/{path}', json.dumps(data)))

    def listing(self):
        """{path: [mode, owner, group, checksum or target]} of all that this machine has beside the one below it.

        It is read from the upper layers of its overlays and its folders in memory; what they hide is in them too.
        """
        found = self._outside('-c', _LISTING, f'{self.folder}/scratch', f'{self.folder}/root')
        return {path: facts for path, facts in json.loads(found).items() if not path.startswith(_BOOKS)}

    def _outside(self, *arguments):
        """Run this Python in the machine's network and mounts."""
        return subprocess.run(self.beside(sys.executable, *arguments), check=True, stdout=subprocess.PIPE,
                              text=True).stdout

    def close(self):
        self.service.terminate()
        self.service.wait()
        super().close()
