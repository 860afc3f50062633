# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The discovery images that a FuelMaster comes with: of Ubuntu, as Fuel 9 has, and of CentOS, as 6.1 has.

The one of CentOS is a small one of the same kind. fuel-bootstrap and cobbler, which knows of it, are stand-ins.
"""
import os
import shutil
import subprocess

import yaml

from tools.packages import TOP

IMAGES = '/var/www/nailgun/bootstraps'
CONFIG = '/etc/fuel-bootstrap-cli/fuel_bootstrap_cli.yaml'
FUELS_OWN = 'e1ab4b3e-0000-4000-8000-000000000001'
REPOSITORIES = [
    {'name': 'ubuntu', 'type': 'deb', 'uri': 'http://archive.ubuntu.com/ubuntu', 'suite': 'trusty',
     'section': 'main universe multiverse', 'priority': None},
    {'name': 'mos', 'type': 'deb', 'uri': 'http://10.20.0.2:8080/mos', 'suite': 'mos9.0', 'section': 'main restricted',
     'priority': '1050'},
    {'name': 'flat', 'type': 'deb', 'uri': 'http://10.20.0.2/flat/', 'suite': '/', 'section': '', 'priority': 1100}]

IMAGE = '/var/www/nailgun/bootstrap/initramfs.img'
KERNEL = '2.6.32-504.1.3.el6.x86_64'
RC_LOCAL = '#!/bin/sh -e\nfix-configs\n/opt/nailgun/bin/agent >> /var/log/agent.log || true\n'
FORCING = 'etc/modprobe.d/mlnx4_core.conf'


def give_ubuntu(machine):
    """Make a FuelMaster one of Fuel 9, with Fuel's own image active."""
    machine.path('etc/fuel_release').write_text('9.2\n')
    machine.path(CONFIG).parent.mkdir()
    configure(machine, repos=REPOSITORIES, packages=['nailgun-agent'])
    image = machine.path(f'{IMAGES}/{FUELS_OWN}')
    image.mkdir(parents=True)
    (image / 'metadata.yaml').write_text(f'uuid: {FUELS_OWN}\nlabel: fuel\n')
    machine.path(f'{IMAGES}/active_bootstrap').symlink_to(f'{IMAGES}/{FUELS_OWN}')
    shutil.copy(TOP / 'tests/package/fuel-bootstrap', machine.path('usr/bin/fuel-bootstrap'))


def configure(machine, **settings):
    """Write fuel-bootstrap's configuration."""
    machine.path(CONFIG).write_text(yaml.safe_dump(settings))


def give_centos(machine, image):
    """Make a FuelMaster one of Fuel 6.1, with the file ``image``."""
    machine.path('etc/fuel').mkdir()
    machine.path('etc/fuel/version.yaml').write_text('VERSION:\n  feature_groups: []\n  release: "6.1"\n')
    machine.path(os.path.dirname(IMAGE)).mkdir(parents=True)
    machine.path(IMAGE).write_bytes(image.read_bytes())
    machine.program('dockerctl', 'echo "$*" >> /tmp/synced')


def fill(top):
    """Put what is in an image of CentOS into the empty folder ``top``."""
    for name, text in {'etc/rc.d/rc.local': RC_LOCAL, FORCING: 'options mlx4_core port_type_array=2,2\n',
                       'usr/bin/python': '#!', 'etc/shadow': 'root:x\n',
                       f'lib/modules/{KERNEL}/kernel/plain.ko': 'no module\n'}.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    (top / 'etc/rc.d/rc.local').chmod(0o755)
    (top / 'etc/shadow').chmod(0)
    (top / 'etc/rc.local').symlink_to('rc.d/rc.local')
    os.link(top / 'usr/bin/python', top / 'usr/bin/python2.6')
    os.mkfifo(top / 'fifo')
    return top


def pack(tree, image):
    """As Fuel packs its image: find, cpio, gzip; returns ``image``."""
    with open(image, 'wb') as stream:
        subprocess.run(['sh', '-ec', 'find . | cpio -o -H newc --quiet | gzip'], cwd=tree, check=True, stdout=stream)
    return image
