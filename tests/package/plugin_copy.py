# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""A copy of the plugin's folder, whose command finds a few programs and PyYAML, as on a Fuel master."""
import gzip
import shutil
import subprocess
from pathlib import Path

import yaml

from tests.package import fuel_master

TOOLS = ('dpkg-deb', 'dpkg-scanpackages', 'rpm', 'createrepo')


class PluginCopy:
    """A copy of the plugin as its rpm installs it, and the programs that its command finds."""

    def __init__(self, folder, plugin, python):
        self.folder = folder
        self.plugin = Path(shutil.copytree(plugin, folder / 'infiniband-1.0'))
        self.repositories = self.plugin / 'repositories'
        self.programs = folder / 'bin'
        self.programs.mkdir()
        self.environment = {'PATH': str(self.programs), 'LC_ALL': 'C'}
        self._program('python', fuel_master.python(python))
        for name in ('dirname', 'readlink', *TOOLS):
            target = shutil.which(name) or shutil.which(f'{name}_c')
            self._program(name, f'PATH=/usr/bin:/bin exec {target} "$@"')

    def _program(self, name, command):
        (self.programs / name).write_text(f'#!/bin/sh\n{command}\n')
        (self.programs / name).chmod(0o755)

    def run(self, *arguments, status=0, before=':'):
        """Run the command, which finds these programs alone; returns its output.

        :param before: what the shell does first
        """
        done = subprocess.run(['/bin/sh', '-c', f'{before}; exec /bin/sh "$@"', 'sh',
                               str(self.plugin / 'fuel-infiniband'), *map(str, arguments)], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, cwd=self.folder,
                              env=self.environment)
        assert done.returncode == status, done.stdout
        assert 'Traceback' not in done.stdout
        return done.stdout

    def add(self, *paths, **options):
        return self.run('drivers', 'add', *paths, **options)

    def manifest(self):
        """{file: entry}"""
        path = self.repositories / 'drivers.yaml'
        return {entry['file']: entry for entry in yaml.safe_load(path.read_text())['packages']} if path.exists() else {}

    def index(self):
        """[(package, version, kernel)] that apt is offered."""
        text = gzip.decompress((self.repositories / 'ubuntu/Packages.gz').read_bytes()).decode()
        fields = [dict(line.split(': ', 1) for line in paragraph.splitlines() if not line.startswith(' '))
                  for paragraph in text.strip().split('\n\n')]
        return sorted((one['Package'], one['Version'], one.get('Fuel-Infiniband-Kernel')) for one in fields)
