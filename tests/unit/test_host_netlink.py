# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Reading rtnetlink: messages as the kernel makes them, cut at every byte, interrupted, refused, and plain garbage."""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_lib.host import netlink
from plugin_lib.host.links import (
    IFLA_ADDRESS,
    IFLA_IFNAME,
    IFLA_INFO_DATA,
    IFLA_INFO_KIND,
    IFLA_IPOIB_PKEY,
    IFLA_LINK,
    IFLA_LINK_NETNSID,
    IFLA_LINKINFO,
    IFLA_MASTER,
    IFLA_MTU,
    IFLA_OPERSTATE,
    IFLA_VLAN_ID,
    RTM_NEWLINK,
    Link,
    named,
    parse,
)

SEQUENCE = 7


def attribute(kind, value):
    return struct.pack(str('=HH'), 4 + len(value), kind) + value + b'\0' * (-len(value) % 4)


def message(kind, body, flags=2, sequence=SEQUENCE):
    return struct.pack(str('=IHHII'), 16 + len(body), kind, flags, sequence, 1) + body


def number(value):
    return struct.pack(str('=I'), value)


def link_body(name='ib0.8064.1', ifindex=9, link_type=32, flags=0x1043, extra=b''):
    return (struct.pack(str('=BxHiII'), 0, link_type, ifindex, flags, 0)
            + attribute(IFLA_IFNAME, name.encode('ascii') + b'\0')
            + attribute(IFLA_MTU, number(2044)) + attribute(IFLA_OPERSTATE, b'\6') + extra)


IPOIB = attribute(IFLA_LINK, number(4)) + attribute(IFLA_MASTER, number(6)) + attribute(
    IFLA_ADDRESS, bytes(bytearray(range(20)))) + attribute(
    IFLA_LINKINFO, attribute(IFLA_INFO_KIND, b'ipoib\0') + attribute(
        IFLA_INFO_DATA | 0x8000, attribute(IFLA_IPOIB_PKEY, struct.pack(str('=H'), 0x8064))))
DONE = message(netlink.NLMSG_DONE, number(0))


def _split(data):
    return netlink.split(data, SEQUENCE, RTM_NEWLINK)


def refused(call, *arguments):
    with pytest.raises(EnvironmentError) as caught:
        call(*arguments)
    return caught.value.errno


def test_ipoib_child():
    link = parse(link_body(extra=IPOIB))
    assert link == Link(
        name='ib0.8064.1', ifindex=9, type=32, flags=0x1043, mtu=2044,
        address='00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f:10:11:12:13', state='up', parent=4, master=6,
        kind='ipoib', pkey=0x8064)


def test_vlan_interface():
    data = attribute(IFLA_INFO_DATA, attribute(IFLA_VLAN_ID, struct.pack(str('=H'), 201)))
    link = parse(link_body('eth4.201', extra=attribute(
        IFLA_LINKINFO, attribute(IFLA_INFO_KIND, b'vlan\0') + data)))
    assert (link.kind, link.pkey, link.vlan) == ('vlan', None, 201)


def test_parent_and_master_by_name():
    links = [parse(link_body(extra=IPOIB)), parse(link_body('ib0', 4)), parse(link_body('eth4', 6, 1))]
    found = named(links)
    assert (found['ib0.8064.1'].parent, found['ib0.8064.1'].master) == ('ib0', 'eth4')
    assert (found['ib0'].parent, found['ib0'].master) == (None, None)


def test_peer_in_another_namespace_is_no_parent():
    """A veth's IFLA_LINK is then an ifindex of the other namespace, and may be one of ours by chance."""
    extra = attribute(IFLA_LINK, number(4)) + attribute(IFLA_LINK_NETNSID, number(0))
    assert parse(link_body('eth4', 6, 1, extra=extra)).parent is None


def test_driver_without_linkinfo_and_operstate_of_the_future():
    body = link_body('eth0', 2, 1) + attribute(IFLA_OPERSTATE, b'\x63')
    link = parse(body)
    assert (link.kind, link.pkey, link.address, link.state) == (None, None, '', 'unknown')


def test_datagrams_of_a_dump():
    first, second = link_body('ib0', 4), link_body('eth4', 6, 1)
    data = message(RTM_NEWLINK, first) + message(RTM_NEWLINK, second)
    assert _split(data) == ([first, second], False, False)
    assert _split(data + DONE) == ([first, second], True, False)
    assert _split(DONE) == ([], True, False)


def test_interrupted_dump_is_told():
    data = message(RTM_NEWLINK, link_body(), netlink.NLM_F_DUMP_INTR | 2)
    assert _split(data)[2] is True
    assert _split(message(netlink.NLMSG_DONE, number(0), netlink.NLM_F_DUMP_INTR)) == ([], True, True)


def test_answer_to_an_earlier_question_is_skipped():
    stale = message(RTM_NEWLINK, link_body('old', 3), sequence=SEQUENCE - 1)
    stale_end = message(netlink.NLMSG_DONE, b'', sequence=SEQUENCE - 1)
    assert _split(stale + stale_end) == ([], False, False)


def test_refusal():
    data = message(netlink.NLMSG_ERROR, struct.pack(str('=i'), -errno.EPERM) + b'\0' * 16)
    assert refused(_split, data) == errno.EPERM
    assert refused(_split, message(netlink.NLMSG_ERROR, b'\0')) == errno.EBADMSG
    for nonsense in (0, 1, -4096, -2 ** 31):
        data = message(netlink.NLMSG_ERROR, struct.pack(str('=i'), nonsense))
        assert refused(_split, data) == errno.EBADMSG
    done = message(netlink.NLMSG_DONE, struct.pack(str('=i'), -errno.EMSGSIZE))
    assert refused(_split, done) == errno.EMSGSIZE


def test_datagram_cut_at_every_byte():
    data = message(RTM_NEWLINK, link_body(extra=IPOIB)) + DONE
    ends_of_messages = (0, len(data) - len(DONE))
    for length in range(len(data)):
        if length in ends_of_messages:
            assert _split(data[:length])[1] is False
        else:
            assert refused(_split, data[:length]) == errno.EBADMSG


def test_message_cut_at_every_byte():
    """A cut message is refused, or, cut between two attributes, lacks what follows; what is there is right."""
    body = link_body(extra=IPOIB)
    whole = parse(body)
    for length in range(len(body)):
        try:
            link = parse(body[:length])
        except EnvironmentError as error:
            assert error.errno == errno.EBADMSG
        else:
            assert all(value in (wanted, None, '', 'unknown') for value, wanted in zip(link, whole))


@pytest.mark.parametrize('attributes', [
    b'\0\0\0\0', b'\3\0\1\0', b'\xff\xff\3\0', attribute(IFLA_MTU, b'\1\2'),
    attribute(IFLA_LINKINFO, b'\x20\0\1\0ip'), attribute(IFLA_OPERSTATE, b''),
    attribute(IFLA_LINKINFO, attribute(1, b'ipoib\0') + attribute(2, attribute(1, b'\1'))),
])
def test_attribute_that_makes_no_sense(attributes):
    assert refused(parse, link_body(extra=attributes)) == errno.EBADMSG


@given(st.binary(max_size=200))
def test_garbage_never_surprises(data):
    for call in (lambda: _split(data), lambda: parse(link_body() + data)):
        try:
            call()
        except EnvironmentError as error:
            assert error.errno is not None
