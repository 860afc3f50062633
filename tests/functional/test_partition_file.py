# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What we say a partition file means is what a real OpenSM on a simulated subnet programs.

Covered: files made of every part that the syntax has, right and wrong, in random order, spacing and layout; the ways of
writing that OpenSM misreads, one by one; both keys of a partition where OpenSM allows them; and that our own files
give each port exactly the P_Keys of its partitions, and IPoIB its broadcast groups.
"""
import tempfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugin_lib.subnet_manager import generate, merge, partition_file, remarks, tables
from plugin_lib.subnet_manager.needs import Partition
from tests.lab import requirements
from tests.lab.ibsim import MANAGER, SWITCH
from tests.lab.namespaces import enclosed
from tests.lab.partition_tables import PartitionTables

GUIDS = {'node-1': '0002c90300000011', 'node-2': '0002c90300000021'}
# After it OpenSM remembers no partition of the file before.
NEUTRAL = 'Default=0x7fff : SELF=full ;\n'
FILES = 300
# Of the port 0 of a switch.
SWITCH_ENTRIES = 8

# What the simulator's switch and the manager's port have for GUIDs does not matter: nobody names them.
PORTS = [tables.EndPort(MANAGER, is_manager=True), tables.EndPort(SWITCH, tables.SWITCH)] + [
    tables.EndPort(int(guid, 16)) for guid in GUIDS.values()]
NAMES = dict(zip((port.guid for port in PORTS), (MANAGER, SWITCH, *GUIDS)))

BLANKS = st.sampled_from(['', '', ' ', '\t', '  '])
NUMBERS = st.sampled_from(['0x65', '0x8065', '101', '0145', '0x0', '0x8000', '0x18001', '0xffff', '0x7fff', '4094',
                           '0x7ffe', '0x0066', '-1', '+0x65'])
WORDS = st.sampled_from(['a', 'b', 'Default', 'management net', 'x' * 31, 'x' * 33])
# A word may be cut short, and that is rarely an error to OpenSM.
FLAGS = st.sampled_from(['ipoib', 'ipo', 'ipoibb', 'mtu=4', 'mtu=', 'mtu', 'rate=3', 'rat=7', 'sl=0', 'sl=99',
                         'scope=2', '', 'defmember=full', 'defmember=limited', 'defmember=both', 'defmember=ful',
                         'defmember=', 'defmember', 'defmember=member', 'def=f', 'Q_Key=0x0b1b', 'TClass=1', 'nonsense',
                         'nonsense=1', '=5'])
WHO = st.sampled_from(['ALL', 'ALL_CAS', 'ALL_SWITCHES', 'ALL_ROUTERS', 'SELF', 'AL', 'ALL_', 'ALL_C', 'S', 'NONE', 'N',
                       '', '0x1', '0x0002c90300000010'] + 2 * [f'0x{guid}' for guid in GUIDS.values()])
MEMBERSHIPS = st.sampled_from(['', '=full', '=limited', '=both', '=ful', '=f', '=', '=member', '=FULL',
                               '=full=limited'])


@st.composite
def spaced(draw, text):
    """The text with blanks around its delimiters."""
    return ''.join(draw(BLANKS) + letter + draw(BLANKS) if letter in '=,:;' else letter for letter in text)


@st.composite
def definitions(draw):
    key = draw(st.one_of(NUMBERS.map('={}'.format), st.just('')))
    name = draw(st.one_of(WORDS, st.just(''))) if key else draw(st.one_of(WORDS, NUMBERS))
    header = ','.join([name + key, *draw(st.lists(FLAGS, max_size=3))])
    members = draw(st.lists(st.tuples(WHO, MEMBERSHIPS).map(''.join), max_size=4))
    layout = draw(st.sampled_from([',', ',', ',\n', ', # a comment; more: of it\n', ',\n\n']))
    start = draw(st.sampled_from(['', '', '\n', '  # comment\n']))
    text = draw(spaced(f'{header}:')) + start + layout.join(draw(spaced(member)) for member in members)
    return text if text.rpartition('\n')[2].strip(' \t') else f'{text}NONE'  # see test_a_semicolon_that_begins_a_line


@st.composite
def files(draw):
    """Texts of which OpenSM refuses few: one error, and it says nothing else about a file."""
    ends = st.sampled_from([';\n', ';\n', ' ;\n', ';', '; # comment\n'])
    text = ''.join(draw(definitions()) + draw(ends) for _ in range(draw(st.integers(1, 6))))
    broken = draw(st.sampled_from([''] * 12 + ['junk', 'a=0x65 : ALL_CAS', 'b=65h : ALL ;', '\r', 'c=0x67:all;']))
    return draw(st.sampled_from(['', '# first\n', '\n'])) + text + broken


def meaning(text, **options):
    """{name: set of 16-bit P_Keys} that our reading of a file gives every port."""
    found = tables.tables(partition_file.parse(text), PORTS, **options)
    return {NAMES[guid]: {pkey.value for pkey in pkeys} for guid, pkeys in found.items()}


def programmed(manager, text):
    """The same as OpenSM programs it; ibsim leaves zeros between the keys."""
    manager.of(NEUTRAL)
    return {name: pkeys - {0} for name, pkeys in manager.of(text).items()}


@pytest.fixture(scope='module', autouse=True)
def able():
    missing = requirements.missing_for_opensm()
    if missing:
        pytest.skip('no OpenSM on a simulated subnet here: ' + '; '.join(missing))


def with_opensm(body, **options):
    """Run ``body(manager)`` with a PartitionTables; it fails here when it fails there."""
    with tempfile.TemporaryDirectory(prefix='infiniband-partitions-') as folder:
        def inside():
            manager = PartitionTables(folder, GUIDS, **options)
            try:
                body(manager)
            finally:
                manager.close()

        assert enclosed(inside) == 0, 'what failed is on stderr'


@pytest.mark.parametrize('allow_both', [False, True])
def test_files_mean_what_opensm_programs(allow_both):
    def body(manager):
        @settings(max_examples=FILES, database=None, suppress_health_check=list(HealthCheck))
        @given(files())
        def same(text):
            wanted, found = meaning(text, allow_both=allow_both), programmed(manager, text)
            if len(wanted[SWITCH]) > SWITCH_ENTRIES:
                assert found[SWITCH] < wanted[SWITCH]
                del wanted[SWITCH], found[SWITCH]
            assert wanted == found, repr(text)

        same()

    with_opensm(body, allow_both_pkeys=allow_both)


ENVIRONMENTS = st.dictionaries(
    st.integers(1, 4094), st.sampled_from([None, (GUIDS['node-1'],), (GUIDS['node-1'], GUIDS['node-2'])]),
    min_size=1, max_size=40)
OPERATORS = st.sampled_from(['', '# made by hand\nlab=0x7001, ipoib, defmember=full : ALL_CAS ;\n',
                             'Default=0x7fff, ipoib : ALL=full, SELF=full ;\n', NEUTRAL])


def test_ports_get_the_keys_of_the_partitions_that_we_write():
    def body(manager):
        @settings(max_examples=FILES // 3, database=None, suppress_health_check=list(HealthCheck))
        @given(ENVIRONMENTS, OPERATORS, st.sampled_from([None, 4096]))
        def same(vlans, theirs, mtu):
            partitions = [Partition(vlan, ('network',), guids and tuple(int(guid, 16) for guid in guids))
                          for vlan, guids in sorted(vlans.items())]
            text = merge.merged(theirs, 'partitions.conf', partitions, generate.lines(partitions, mtu),
                                generate.default_line(mtu))
            found = programmed(manager, text)
            for name, guid in GUIDS.items():
                ours = {0x8000 | vlan for vlan, guids in vlans.items() if not guids or guid in guids}
                assert found[name] - {0xffff, 0x7fff, 0xf001} == ours, text
                assert (0xffff in found[name]) == (theirs != NEUTRAL)

        same()
        assert 'table is full for node 0x0002' not in manager.log()

    with_opensm(body)


def test_ipoib_gets_the_broadcast_groups_that_it_needs():
    def body(manager):
        def ours(mtu, rate):
            return merge.merged('', 'partitions.conf', partitions, generate.lines(partitions, mtu, rate), None)

        partitions = [Partition(101, ('network',), None)]
        for mtu, rate, codes in ((None, None, (4, 3)), (4096, '56', (5, 12)), (2048, '100', (4, 16))):
            text = ours(mtu, rate)
            programmed(manager, text)
            assert tables.groups(partition_file.parse(text)) == {0x65: codes}
            assert manager.group(0x8065) == codes
        # Without losing its members in between, a group stays as it was.
        manager.of(ours(4096, '56'))
        assert merge.needs_restart(text, ours(4096, '56')) and manager.group(0x8065) == codes
        for flags in ('', 'ipoibb', 'ipoib', 'ipoib, mtu=2048', 'ipoib, mtu=', 'ipoib, mtu', 'ipoib, rate=0',
                      'ipoib, rate=23', 'ipoib, m=5', 'ipoib, mtu=5x', 'ipoib, mtu=0x5', 'ipoib, mtu=9, mtu=4',
                      'ipoib, =5', 'ipoib, r=22'):
            text = f'{generate.default_line()}\na=0x66, {flags} : ALL_CAS=full ;\n'
            found = partition_file.parse(text)
            assert bool(remarks.of(found)) == (flags not in ('ipoib', 'ipoib, mtu=0x5'))
            programmed(manager, text)
            assert manager.group(0x8066) == tables.groups(found).get(0x66), flags

    with_opensm(body)


# (what is written, what we remark): neither meaning is in doubt, OpenSM is asked for it.
MISREAD = [
    ('a=0x65, ipoibb : ALL_CAS=full ;', "flag 'ipoibb' is unknown and ignored: without ipoib"),
    ('a=0x65, ipo : ALL_CAS=full ;', "flag 'ipo' is read as ipoib"),
    ('a=0x65 : ALL_CAS=ful ;', "'ALL_CAS=ful' is read as full"),
    ('a=0x65 : ALL_CAS=member ;', "'ALL_CAS=member' is read as limited"),
    ('a=0x65 : ALL_CAS= ;', "'ALL_CAS=' is read as full"),
    ('a=0x65, defmember=member : ALL_CAS ;', "defmember 'member' is ignored: members are limited"),
    ('a=0x65, defmember= : ALL_CAS ;', "defmember '' is read as full"),
    ('a=0 : ALL_CAS=full ;', 'P_Key 0 is none'),
    ('a=0x8000 : ALL_CAS=full ;', 'P_Key 0x8000 is none'),
    ('a : ALL_CAS=full ;', "no P_Key for 'a'"),
    ('a=0x18001 : ALL_CAS=full ;', '0x18001 has more than 16 bits: OpenSM takes it for 0x0001'),
    ('a=0101 : ALL_CAS=full ;', '0101 is octal: OpenSM takes it for 0x0041'),
    ('a=0x65, ipoib, mtu=2048 : ALL_CAS=full ;', "mtu='2048' is no code"),
    ('a=0x65 : A=full ;', "'A' is read as ALL"),
    ('a=0x65 : 0002c90300000011=full ;', "'0002c90300000011' is neither a port GUID"),
    ('a=0x65 : 11=full ;', '11 without 0x is read as 0x000000000000000b'),
    ('a=0x65 : all=full ;', "'all' is neither a port GUID"),
    ('a=0x65 ALL_CAS=full ;', "no : after 'a=0x65 ALL_CAS=full'"),
    ('a=65h : ALL_CAS=full ;', "'65h' is not a P_Key"),
    ('a=0x65 : ALL_CAS=full ;;', 'a ; with nothing before it'),
    ('a=0x65 :\n  ALL_CAS=full\n;\n', 'a ; with nothing before it'),
    ('a=0x65 : ALL_CAS=full\n', 'the definition has no ; at its end'),
    ('a=0x65 : ALL_CAS=full\nb=0x66 : ALL_CAS=full ;\n', "'b' is neither a port GUID"),
    ('a=0x65 : ALL_CAS=full ;\r\nb=0x66 : ALL_CAS=full ;\r\n', 'carriage return'),
    ('a=0x65 : ALL_CAS=full\r\n', 'carriage return'),
    ('a=0x65 : ALL_CAS=full ; \0 b=0x66 : ALL_CAS=full ;\nc=0x67 : SELF ;', 'it holds a NUL'),
    (f'a=0x65 : {"0x0002c90300000011=full, " * 170}SELF=full ;', 'more than 4094 characters'),
    (f'a=0x65 : {" " * 4072}ALL_CAS=full ;', 'more than 4094 characters'),
    (f'# {"x" * 4092}b=0x66 : ALL_CAS=full ;\n', 'more than 4094 characters'),
    ('a=0x65 : mgid=ff12::1, sl=0\n ALL_CAS=full ;', None),
    ('a=0x65 : mgid=fe80::1, ALL_CAS=full ;', "'fe80::1' is not a multicast address"),
    ('', 'no partition is defined'), ('# nothing\n', 'no partition is defined'),
    ('a=0x65 : ALL_CAS=full, 0x0002c90300000011=limited ;', None),
    ('a=0x65 : 0x0002c90300000011=limited, ALL_CAS=full ;', None),
    ('a=0x65, indx0 : ALL_CAS=full ;', None),
]


def test_what_opensm_misreads_is_remarked_and_means_what_we_say():
    def body(manager):
        for text, words in MISREAD:
            told = [str(remark) for remark in partition_file.parse(text).remarks]
            assert not told if words is None else words in ' '.join(told), (text, told)
            assert meaning(text) == programmed(manager, text), text

    with_opensm(body)


def test_of_a_group_without_address_opensm_dies():
    def body(manager):
        text = 'a=0x65 : mgid ;\n'
        assert 'of which OpenSM dies' in str(partition_file.parse(text).remarks[0])
        with pytest.raises(RuntimeError):
            manager.of(text)

    with_opensm(body)
