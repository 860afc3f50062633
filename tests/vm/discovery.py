# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Discovery images of Fuel 6.1's kind, to be booted: the original, driver packages for it, and a machine that boots it.

Fuel's own image is CentOS 6 as an initramfs, which cannot be had here. The stand-in is Debian's real initramfs (kernel,
udev, kmod, busybox) with Python, Fuel's rc.local, a discovery agent that reports what ``ethtool -i`` says, and an init
that does what CentOS 6 does: udev finds the hardware, then rc.local.
"""
import glob
import os
import shutil
import subprocess

from plugin_lib.driver_repository import manifest, package
from tests.lab.namespaces import die_with_parent
from tests.vm.kernel import CHECKOUT, QEMU, Unavailable, build_once, digest_of, run
from tests.vm.machine import GuestError

SOURCES = f'{CHECKOUT}/tests/vm/centos6'
MODULES = ('e1000', 'mlx4_core', 'mlx4_en', 'mlx4_ib', 'mlx5_core', 'mlx5_ib', 'ib_ipoib', 'ib_uverbs')
MEMORY_MB = 1024
TIMEOUT = 240
_PROGRAMS = {'mkinitramfs': 'initramfs-tools-core', '/lib/systemd/systemd-udevd': 'udev', 'flock': 'util-linux',
             'ethtool': 'ethtool', 'rpmbuild': 'rpm', 'rpm2cpio': 'rpm'}


def original(kernel):
    """Path of the image as it comes with Fuel: gzip'd cpio, with the kernel's own drivers.

    :param kernel: tests.vm.kernel.Kernel
    """
    for program, from_package in _PROGRAMS.items():
        if not shutil.which(program, path=f'{os.environ["PATH"]}:/usr/sbin:/sbin'):
            raise Unavailable(f'no {program} (package {from_package})')
    guest = os.path.basename(os.path.dirname(os.path.dirname(kernel.modules)))
    tag = digest_of([__file__, *glob.glob(f'{SOURCES}/*')])
    return build_once(f'discovery-{guest}-{tag}', lambda folder: _original(kernel, folder)) + '/initramfs.img'


def _original(kernel, folder):
    conf = f'{folder}/conf'
    shutil.copytree('/etc/initramfs-tools', conf)
    os.makedirs(f'{conf}/hooks', exist_ok=True)
    shutil.copy(f'{SOURCES}/hook', f'{conf}/hooks/fuel')
    with open(f'{conf}/initramfs.conf', 'a', encoding='ascii') as settings:
        settings.write('MODULES=list\nBUSYBOX=y\nCOMPRESS=gzip\nCOMPRESSLEVEL=1\nRESUME=none\nRUNSIZE=10%\n')
    with open(f'{conf}/modules', 'w', encoding='ascii') as modules:
        modules.write('\n'.join(MODULES) + '\n')
    _plain_modules(kernel, f'{folder}/modules')
    # What mkinitramfs takes from the machine is its kernel, which here is the guest's.
    apart = ['unshare', *([] if os.geteuid() == 0 else ['--map-root-user']), '--mount']
    try:
        run(*apart, 'true')
    except RuntimeError as reason:
        raise Unavailable(reason)
    run(*apart, 'sh', '-ec',
        f'mount --bind {folder}/modules /lib/modules; mount --bind {os.path.dirname(kernel.image)} /boot; '
        f'mkinitramfs -d {conf} -o {folder}/initramfs.img {kernel.release}',
        FUEL_FILES=SOURCES, STANDIN_PCI=f'{kernel.modules}/{kernel.release}/updates/standin_pci.ko')
    shutil.rmtree(f'{folder}/modules')


def _plain_modules(kernel, folder):
    """The guest's modules without the stand-ins: Debian's own."""
    tree = f'{folder}/{kernel.release}'
    shutil.copytree(f'{kernel.modules}/{kernel.release}', tree, copy_function=os.link, symlinks=True,
                    ignore=shutil.ignore_patterns('updates', 'modules.*[!r]'))
    os.makedirs(f'{folder}/lib')
    os.symlink(folder, f'{folder}/lib/modules')
    run('depmod', '-b', folder, kernel.release)


def driver_package(kernel, folder, names=('mlx4_ib', 'eth_ipoib')):
    """Path of an rpm in ``folder`` with stand-ins as MLNX_OFED's kernel-ib has its modules."""
    updates = f'/lib/modules/{kernel.release}/updates'
    spec = f'{folder}/kernel-ib.spec'
    install = '\n'.join(f'install -D -m 644 {kernel.modules}/{kernel.release}/updates/{name}.ko '
                        f'%{{buildroot}}{updates}/{name}.ko' for name in names)
    with open(spec, 'w', encoding='ascii') as stream:
        stream.write('Name: kernel-ib\nVersion: 2.4\nRelease: 1\nSummary: stand-in\nLicense: GPL-2.0\n'
                     f'%define __os_install_post %{{nil}}\n%description\nstand-in\n%install\n{install}\n'
                     f'%files\n{updates}\n')
    run('rpmbuild', '-bb', '--quiet', '--define', f'_topdir {folder}/rpmbuild', '--define', 'debug_package %{nil}',
        spec)
    built, = glob.glob(f'{folder}/rpmbuild/RPMS/*/*.rpm')
    return built


def offer(plugin, path):
    """Put a driver package into the plugin's repository, as ``fuel-infiniband drivers add`` does."""
    found = package.read(path)
    entry = manifest.Entry(found.name, os.path.basename(path), found.sha256, found.release, found.kernel)
    target = plugin / 'repositories' / entry.path
    target.parent.mkdir(exist_ok=True)
    shutil.copy(path, target)
    (plugin / 'repositories' / manifest.FILE).write_text(manifest.text((entry,)))


def boot(kernel, image, card='none', pkeys=''):
    """What a machine tells that boots an image: {section: its text}, of centos6/fuel-init, 'console' included.

    :param card: 'none', 'present', or 'late': it comes when rc.local is over
    :param pkeys: to which the subnet manager sets port 1's table afterwards, '0x8064': then VLAN 100 is waited for
    """
    argv = [QEMU, '-accel', 'tcg', '-cpu', 'max', '-smp', '1', '-m', str(MEMORY_MB), '-nodefaults', '-no-user-config',
            '-display', 'none', '-no-reboot', '-kernel', kernel.image, '-initrd', str(image),
            '-append', 'console=ttyS0 loglevel=4 panic=-1 net.ifnames=0 rdinit=/sbin/fuel-init '
            f'card={card} pkeys={pkeys}',
            '-serial', 'stdio', '-netdev', 'user,id=net,restrict=on', '-device', 'e1000,netdev=net']
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=TIMEOUT, preexec_fn=die_with_parent)
    except subprocess.TimeoutExpired as error:
        raise GuestError(f'it did not end in {TIMEOUT} s; its console:\n{(error.stdout or b"").decode()}')
    console = done.stdout.decode('utf-8', 'replace').replace('\r', '')
    sections = {'console': console}
    for part in console.split('@@ ')[1:]:
        name, _, text = part.partition('\n')
        sections[name] = text
    return sections

