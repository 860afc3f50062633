# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Driver packages as MLNX_OFED has them, made with the real dpkg-deb and rpmbuild; their modules are empty files."""
import os
import subprocess

CHAIN = ('mlx4_core', 'mlx4_ib', 'ib_ipoib', 'eth_ipoib')


def files_of(kernel, modules=CHAIN):
    """Where a package has its modules for a kernel."""
    return [f'lib/modules/{kernel}/updates/{module}.ko' for module in modules]


def deb(folder, name, version='3.4-1', files=(), architecture='amd64', postinst=None):
    """Build a Debian package of ``files``; returns its Path.

    :param postinst: the commands of that script of it
    """
    tree = folder / f'tree-{name}-{version}'
    (tree / 'DEBIAN').mkdir(parents=True)
    (tree / 'DEBIAN/control').write_text(
        f'Package: {name}\nVersion: {version}\nArchitecture: {architecture}\nMaintainer: x <x@example.org>\n'
        'Description: for a test\n')
    if postinst:
        (tree / 'DEBIAN/postinst').write_text(f'#!/bin/sh\n{postinst}\n')
        (tree / 'DEBIAN/postinst').chmod(0o755)
    for path in files:
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(f'{name} {version}')
    built = folder / f'{name}_{version}_{architecture}.deb'
    _run('dpkg-deb', '--root-owner-group', '-Zgzip', '--build', str(tree), str(built))
    return built


def rpm(folder, name, version='1.5.3', files=(), architecture='x86_64', scripts=''):
    """Build an rpm of ``files``; returns its Path.

    :param scripts: more of its spec
    """
    top = folder / f'rpmbuild-{name}-{version}'
    top.mkdir()
    spec = top / 'package.spec'
    install = ''.join(f'mkdir -p %{{buildroot}}/{os.path.dirname(path)}; echo x > %{{buildroot}}/{path}\n'
                      for path in files)
    spec.write_text(f'Name: {name}\nVersion: {version}\nRelease: 1\nSummary: for a test\nLicense: x\nAutoReqProv: no\n'
                    f'{scripts}\n%description\nx\n%install\n{install}%files\n'
                    + ''.join(f'/{path}\n' for path in files))
    _run('rpmbuild', '-bb', '--target', architecture, '--define', f'_topdir {top}', str(spec))
    (built,) = top.glob(f'RPMS/{architecture}/*.rpm')
    return built


def _run(*argv):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
