# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What a guest boots: Debian's kernel, the stand-in modules compiled for it, and the initramfs.

All of it is in build/vm, made once: the kernel for each release, the modules for each state of their sources. Neither
needs root; Debian's kernel is unpacked, not installed.
"""
import glob
import hashlib
import os
import re
import shutil
import subprocess
import tempfile

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CACHE = f'{CHECKOUT}/build/vm'
SOURCES = f'{CHECKOUT}/tests/vm/modules'
INIT = f'{CHECKOUT}/tests/vm/init'
BUSYBOX = '/bin/busybox'
QEMU = 'qemu-system-x86_64'
# ib_core's interface to HCA drivers changes from release to release; the stand-ins are written for this one.
SUPPORTED = '6.1.'
# What the initramfs needs to reach this machine's files and the harness.
_BOOT_MODULES = ('virtio_pci', '9pnet_virtio', '9p', 'overlay', 'virtio_console')
_PROGRAMS = {QEMU: 'qemu-system-x86', BUSYBOX: 'busybox-static', 'gcc': 'gcc', 'make': 'make', 'depmod': 'kmod',
             'dpkg-deb': 'dpkg', 'apt-get': 'apt'}
_PATH = f'{os.environ.get("PATH", "")}:/usr/sbin:/sbin'


class Unavailable(Exception):
    """This machine cannot make what a guest boots; the message says what is missing."""


class Kernel:
    """Paths of what was made.

    :param release: as ``uname -r`` says it in the guest
    :param image: the bootable kernel
    :param modules: folder that is the guest's ``/lib/modules``
    :param initramfs: the archive
    """

    def __init__(self, release, image, modules, initramfs):
        self.release = release
        self.image = image
        self.modules = modules
        self.initramfs = initramfs


def prepare():
    """The Kernel, made now where it is not there yet; raises Unavailable."""
    for program, package in _PROGRAMS.items():
        if not shutil.which(program, path=_PATH):
            raise Unavailable(f'no {program} (package {package})')
    release = _release()
    os.makedirs(CACHE, exist_ok=True)
    unpacked = build_once(f'kernel-{release}', lambda folder: _unpack(f'linux-image-{release}', folder))
    tag = digest_of([*glob.glob(f'{SOURCES}/*'), INIT, __file__])
    made = build_once(f'guest-{release}-{tag}', lambda folder: _make(release, unpacked, folder))
    return Kernel(release, f'{unpacked}/boot/vmlinuz-{release}', f'{made}/lib/modules', f'{made}/initramfs')


def _release():
    """The newest supported release whose headers are installed."""
    found = [match.group(1) for match in (re.match(r'.*/linux-headers-(.*-amd64)$', path)
                                          for path in glob.glob('/usr/src/linux-headers-*')) if match]
    supported = [release for release in found if release.startswith(SUPPORTED)]
    if not supported:
        raise Unavailable(f'no headers of Linux {SUPPORTED}x (package linux-headers-amd64 of Debian 12), only '
                          f'{", ".join(sorted(found)) or "none"}')
    return max(supported, key=lambda release: [int(number) for number in re.findall(r'\d+', release)])


def digest_of(paths):
    """A name for the state of these files."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        with open(path, 'rb') as stream:
            digest.update(os.path.basename(path).encode() + b'\0' + stream.read())
    return digest.hexdigest()[:16]


def build_once(name, make):
    """The folder ``name`` in the cache; ``make(folder)`` fills it first where it is not there. Whole or absent."""
    folder = f'{CACHE}/{name}'
    if not os.path.isdir(folder):
        new = tempfile.mkdtemp(dir=CACHE)
        try:
            make(new)
            os.chmod(new, 0o755)
            try:
                os.rename(new, folder)
            except OSError:
                if not os.path.isdir(folder):  # else somebody was faster
                    raise
        finally:
            shutil.rmtree(new, ignore_errors=True)
    return folder


def run(*argv, cwd=None, **environment):
    """What a program says; raises RuntimeError with it when it fails."""
    done = subprocess.run(argv, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env=dict(os.environ, PATH=_PATH, **environment))
    if done.returncode:
        raise RuntimeError(f'{" ".join(argv)}: {done.stdout.strip()[-2000:]}')
    return done.stdout


def ifup():
    """Path of Debian's ifup: the package is not installed, which would make it the machine's own.

    :raises Unavailable: where the archive cannot be reached
    """
    return build_once('ifupdown', lambda folder: _unpack('ifupdown', folder)) + '/sbin/ifup'


def _unpack(package, folder):
    """The files of one of Debian's packages."""
    try:
        run('apt-get', '-q', 'download', package, cwd=folder)
    except RuntimeError as error:
        raise Unavailable(f'{error} (apt-get update, or newer headers: the archive keeps few kernels)')
    archive, = glob.glob(f'{folder}/{package}_*.deb')
    run('dpkg-deb', '-x', archive, folder)
    os.unlink(archive)


def _make(release, unpacked, folder):
    """The guest's /lib/modules, Debian's with the stand-ins in ``updates``, and the initramfs."""
    build = f'{folder}/build'
    shutil.copytree(SOURCES, build)
    run('make', '-C', f'/usr/src/linux-headers-{release}', f'M={build}', 'modules')
    tree = f'{folder}/lib/modules/{release}'
    # Hard links: the unpacked package is 400 MB.
    shutil.copytree(f'{unpacked}/lib/modules/{release}', tree, copy_function=os.link, symlinks=True)
    for name in os.listdir(tree):
        if name.startswith('modules.') and not name.startswith(('modules.builtin', 'modules.order')):
            os.unlink(f'{tree}/{name}')
    os.mkdir(f'{tree}/updates')  # where depmod lets a module stand in for Debian's of the same name
    for module in glob.glob(f'{build}/*.ko'):
        shutil.copy(module, f'{tree}/updates')
    shutil.rmtree(build)
    run('depmod', '-b', folder, release)
    with open(f'{folder}/initramfs', 'wb') as archive:
        _write_initramfs(archive, release, folder)


def _write_initramfs(archive, release, folder):
    """A cpio archive (format newc, Documentation/driver-api/early-userspace/buffer-format.rst)."""
    entries = [(name, 0o040755, b'') for name in ('bin', 'dev', 'proc', 'sys', 'modules', 'host', 'root', 'changes')]
    with open(BUSYBOX, 'rb') as stream:
        entries.append(('bin/busybox', 0o100755, stream.read()))
    with open(INIT, 'rb') as stream:
        entries.append(('init', 0o100755, stream.read()))
    for number, path in enumerate(_boot_modules(release, folder)):
        with open(path, 'rb') as stream:
            entries.append((f'modules/{number:02}-{os.path.basename(path)}', 0o100644, stream.read()))
    entries.append(('TRAILER!!!', 0, b''))
    for inode, (name, mode, content) in enumerate(entries, 1):
        fields = [inode, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0]
        archive.write(b'070701' + ''.join(f'{field:08x}' for field in fields).encode())
        for part in (name.encode() + b'\0', content):
            archive.write(part)
            archive.write(b'\0' * (-archive.tell() % 4))


def _boot_modules(release, folder):
    """Paths of the modules, each after those that it depends on."""
    paths = []
    for name in _BOOT_MODULES:
        lines = run('modprobe', '-d', folder, '-S', release, '--show-depends', name).splitlines()
        paths += [line.split()[1] for line in lines if line.startswith('insmod ')]
    return list(dict.fromkeys(paths))
