# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The writes that make and configure virtual functions: these attributes with values of these forms, and no other."""
from __future__ import absolute_import, print_function, unicode_literals

import re

from plugin_lib._compat import quoted
from plugin_lib.effect.sysfs import write_attribute
from plugin_lib.errors import InputError

_PCI = r'[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]'
_IOV = r'/sys/class/infiniband/mlx4_[0-9]{1,3}/iov'
_NUMBER = r'[0-9]{1,3}'
_FORMS = tuple((re.compile('^{0}\\Z'.format(path)), re.compile('^{0}\\Z'.format(text))) for path, text in (
    ('/sys/bus/pci/devices/{0}/sriov_numvfs'.format(_PCI), _NUMBER),
    ('{0}/{1}/ports/[1-9]/pkey_idx/{2}'.format(_IOV, _PCI, _NUMBER), '(none|{0})'.format(_NUMBER)),
    ('{0}/ports/[1-9]/admin_guids/{1}'.format(_IOV, _NUMBER), '[0-9a-f]{16}'),
    ('/sys/bus/pci/devices/{0}/sriov/{1}/(node|port)'.format(_PCI, _NUMBER), '([0-9a-f]{2}:){7}[0-9a-f]{2}'),
    ('/sys/bus/pci/devices/{0}/sriov/{1}/policy'.format(_PCI, _NUMBER), '(Follow|Up|Down)'),
    ('/sys/bus/pci/drivers/mlx5_core/(bind|unbind)', _PCI),
))


def write(operation, write_text=write_attribute):
    # type: (object, object) -> None
    """Do a WriteAttribute.

    :param write_text: ``write_text(path, text)`` does one write() to an attribute
    :raises EnvironmentError: with the kernel's errno and the path
    :raises InputError: for what must not reach the kernel
    """
    _write(operation.path, operation.text, write_text)


def bind(operation, write_text=write_attribute):
    # type: (object, object) -> None
    """Do a Binding; parameters and errors as of :func:`write`."""
    _write('/sys/bus/pci/drivers/{0}/{1}'.format(operation.driver, 'bind' if operation.bound else 'unbind'),
           operation.pci, write_text)


def _write(path, text, write_text):
    if not any(form.match(path) and value.match(text) for form, value in _FORMS):
        raise InputError('not a value for sysfs: {0}'.format(quoted(text)), path)
    write_text(path, text)
