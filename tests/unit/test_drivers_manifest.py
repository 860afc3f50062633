# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""repositories/drivers.yaml: what is read, everything that is refused, and that our reading is the JSON schema's."""
from __future__ import absolute_import, print_function, unicode_literals

import io
import os
import struct

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_lib.driver_repository import kernels, manifest
from plugin_lib.errors import InputError

MODULES = manifest.Entry('mlnx-ofed-kernel-modules', 'modules_3.4_amd64.deb', 'a' * 64, 'ubuntu-14.04',
                         '3.13.0-24-generic')
LIBRARY = manifest.Entry('libibverbs1', 'libibverbs1_41_amd64.deb', 'b' * 64, 'ubuntu-14.04', 'any')
KERNEL_IB = manifest.Entry('kernel-ib', 'kernel-ib-1.5.3.x86_64.rpm', 'c' * 64, 'centos-6', '2.6.32-504.el6.x86_64')


def item(**changes):
    entry = dict(MODULES._asdict(), **changes)
    return dict((key, value) for key, value in entry.items() if value != 'left out')


def document(*items):
    return {'packages': list(items)}


def test_what_is_written_is_read_again(tmpdir):
    entries = (MODULES, LIBRARY, KERNEL_IB)
    tmpdir.join('drivers.yaml').write(manifest.text(entries))
    assert manifest.read(str(tmpdir)) == tuple(sorted(entries))
    assert manifest.read(str(tmpdir.join('elsewhere'))) == ()


def test_a_file_lies_below_the_folder_of_its_release():
    assert (MODULES.path, KERNEL_IB.path) == ('ubuntu/modules_3.4_amd64.deb', 'centos/kernel-ib-1.5.3.x86_64.rpm')


@pytest.mark.parametrize('value, lines', [
    ([], ['the file: expected a mapping with a list of packages, found a list']),
    ({}, ['packages is missing']),
    (document('x'), ['packages[0]: expected a mapping of name, file, sha256, release and kernel, found "x"']),
    (document(item(sha256='A' * 64)), ['packages[0] -> sha256: expected 64 hexadecimal digits in lower case']),
    (document(item(sha256='a' * 64 + '\n')), ['packages[0] -> sha256: expected 64 hexadecimal digits']),
    (document(item(file='../../etc/passwd')), ['packages[0] -> file: expected the name of a .deb or .rpm file']),
    (document(item(file='-x.deb')), ['packages[0] -> file: expected']),
    (document(item(release='trusty')), ['packages[0] -> release: expected ubuntu-14.04 or centos-6, found "trusty"']),
    (document(item(kernel=3.13)), ['packages[0] -> kernel: expected a kernel as uname -r says it, or any, found a n']),
    (document(item(name=None, kernel='left out', url='x')),
     ['packages[0] -> kernel is missing', 'packages[0] -> name: expected', 'packages[0] -> url means nothing here']),
    (document(item(file='modules.rpm')), ['packages[0] -> file: ubuntu-14.04 takes .deb files']),
    (document(item(), item(kernel='4.4.0-31-generic')), ['packages[0] and packages[1] are for the same file']),
    (document(item(), item(file='other.deb')), ['packages[0] and packages[1] are for the same package and kernel']),
])
def test_everything_that_is_wrong_is_named(value, lines):
    found = manifest.problems(value)
    assert len(found) == len(lines), found
    for line, start in zip(found, lines):
        assert line.startswith(start)


@pytest.mark.parametrize('text, words', [
    ('packages: [', 'drivers.yaml, line'), ('', 'expected a mapping at the top'),
    ('packages: !ruby/sym x', 'drivers.yaml, line 1'),
    ('packages: [{name: x}]', 'packages[0] -> file is missing; packages[0] -> kernel is missing'),
])
def test_a_manifest_that_cannot_be_used_is_one_message(tmpdir, text, words):
    with io.open(str(tmpdir.join('drivers.yaml')), 'w', encoding='utf-8') as stream:
        stream.write(text)
    with pytest.raises(InputError) as caught:
        manifest.read(str(tmpdir))
    assert words in '; '.join(caught.value.lines())
    assert str(tmpdir.join('drivers.yaml')) in caught.value.where
    assert caught.value.todo.startswith('correct it')


NAMES = ('name', 'file', 'sha256', 'release', 'kernel')
VALUES = st.sampled_from(sorted(set(MODULES + KERNEL_IB + LIBRARY))) | st.text(max_size=4) | st.sampled_from(
    ['', 'any\n', 'A' * 64, 'x.deb.', '.deb', 'a/b.deb', 'x.rpm', 3, 3.13, True, None, [], {}])
ITEMS = st.fixed_dictionaries(dict((name, VALUES) for name in NAMES)) | st.dictionaries(
    st.sampled_from(NAMES + ('url',)), VALUES) | VALUES
GOOD = st.sampled_from([MODULES, LIBRARY, KERNEL_IB]).map(lambda entry: dict(entry._asdict()))
DOCUMENTS = st.fixed_dictionaries({'packages': st.lists(GOOD | ITEMS, max_size=2) | VALUES}) | VALUES


@given(DOCUMENTS)
def test_our_reading_of_the_schema_is_jsonschema_s(value):
    """But for a newline at the very end, which Python's "$" lets pass and no name has, and what no schema can say."""
    accepted = jsonschema.Draft4Validator(manifest.schema()).is_valid(value)
    ours = manifest.problems(value)
    of_schema = [line for line in ours if 'are for the same' not in line and ' takes ' not in line]
    assert accepted or of_schema
    if of_schema and accepted:
        assert any(text.endswith('\n') for one in value['packages'] for text in one.values())


def bz_image(folder, text, magic=b'HdrS'):
    image = bytearray(0x4000)
    image[0x202:0x206] = magic
    image[0x20e:0x210] = struct.pack(str('<H'), 0x3000 - 0x200)
    image[0x3000:0x3000 + len(text)] = text
    path = os.path.join(folder, 'var/www/nailgun/bootstrap/linux')
    os.makedirs(os.path.dirname(path))
    with io.open(path, 'wb') as stream:
        stream.write(image)


def test_the_kernel_of_the_discovery_image_is_known(tmpdir):
    bz_image(str(tmpdir), b'2.6.32-504.1.3.el6.x86_64 (mockbuild@x) #1 SMP Tue Nov 11\0')
    assert kernels.known(['4.4.0-31-generic', '2.6.32-1.el6.x86_64'], str(tmpdir)) == {
        ('centos-6', '2.6.32-504.1.3.el6.x86_64'): 'the discovery image',
        ('centos-6', '2.6.32-1.el6.x86_64'): 'named', ('ubuntu-14.04', '4.4.0-31-generic'): 'named'}


@pytest.mark.parametrize('text, magic', [(b'', b'HdrS'), (b'\0', b'HdrS'), (b'2.6.32\0', b'ELF\0')])
def test_what_is_no_kernel_has_no_release(tmpdir, text, magic):
    bz_image(str(tmpdir), text, magic)
    assert kernels.known([], str(tmpdir)) == {}
    assert kernels.known([], str(tmpdir.join('elsewhere'))) == {}
