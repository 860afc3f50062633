# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Flows of Open vSwitch that give what comes in at a port another VLAN.

The tag of a Neutron port counts on its node alone; flows of the physical network's bridge make it the network's VLAN.
From Fuel 7.0 on the agent notes that VLAN in the database too (Kilo's ovs_neutron_agent.py, ``port_bound``).  Fuel
6.1's does not, and there the flows are asked, over each bridge's management socket: OpenFlow Switch Specification
1.0.0, 5.1, 5.2.3, 5.2.4 and 5.3.5.
"""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import os
import socket
import struct

from plugin_lib._compat import fs_path

_VERSION = 1
_HELLO, _ERROR, _STATS_REQUEST, _STATS_REPLY = 0, 1, 16, 17
_HEADER = struct.Struct(str('!BBHI'))
_STATS = struct.Struct(str('!HH'))
_FLOW, _MORE = 1, 1
_MATCH = struct.Struct(str('!IH6s6sHBxHBB2xIIHH'))
_ANY_BUT_PORT, _IN_PORT, _DL_VLAN = 0x3ffffe, 1, 2  # wildcards
_OF_ALL_TABLES = struct.Struct(str('!BxH')).pack(0xff, 0xffff)
_NO_VLAN = 0xffff  # as a match on untagged traffic
_ENTRY = struct.Struct(str('!HBx40sIIHHH6xQQQ'))
_ACTION = struct.Struct(str('!HHH2x'))
_SET_VLAN_VID, _STRIP_VLAN = 1, 3
_PATIENCE = 1.0  # seconds


def changes(folder, switch):
    # type: (str, object) -> dict
    """{(port, VLAN): VLAN} of the ports by which frames of Neutron's ports come to other bridges; 0 is untagged.

    :param folder: that of the management sockets
    :param switch: host.switch.Snapshot
    :returns: empty where every port of Neutron tells its network
    :raises EnvironmentError: when a bridge does not answer
    """
    found, silent = {}, _silent(switch)
    for port in switch.ports.values() if silent else ():
        interface = switch.interfaces.get(port.name)
        if interface and interface.type in ('', 'patch') and port.bridge not in silent and (interface.ofport or 0) > 0:
            path = os.path.join(folder, port.bridge + '.mgmt')
            found.update(((port.name, vlan), other) for vlan, other in _ask(path, interface.ofport))
    return found


def _silent(switch):
    """Bridges with ports that Neutron has tagged without telling the network; 4095 is its tag for no network."""
    return frozenset(
        port.bridge for port in switch.ports.values() if port.tag not in (None, 0, 4095) and
        'network_type' not in port.other_config and port.name in switch.interfaces and
        'iface-id' in switch.interfaces[port.name].external_ids)


def _ask(path, ofport):
    """[(VLAN, the one that it becomes)] of the flows for one OpenFlow port of a bridge."""
    match = _MATCH.pack(_ANY_BUT_PORT, ofport, b'', b'', 0, 0, 0, 0, 0, 0, 0, 0, 0)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(_PATIENCE)
        connection.connect(fs_path(path))
        request = _STATS.pack(_FLOW, 0) + match + _OF_ALL_TABLES
        connection.sendall(_HEADER.pack(_VERSION, _HELLO, _HEADER.size, 0) + _HEADER.pack(
            _VERSION, _STATS_REQUEST, _HEADER.size + len(request), 1) + request)
        found, more = [], True
        while more:
            kind, body = _message(connection)
            if kind == _ERROR:
                raise EnvironmentError(errno.EPROTO, 'the bridge does not speak OpenFlow 1.0')
            if kind == _STATS_REPLY:
                found += _entries(body[_STATS.size:])
                more = _STATS.unpack_from(body)[1] & _MORE
        return found
    except socket.timeout:
        raise EnvironmentError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT), path)
    except struct.error:
        raise EnvironmentError(errno.EBADMSG, os.strerror(errno.EBADMSG), path)
    except EnvironmentError as error:
        raise EnvironmentError(error.errno, error.strerror, path)
    finally:
        connection.close()


def _message(connection):
    version, kind, length, _ = _HEADER.unpack(_exactly(connection, _HEADER.size))
    if kind != _HELLO and version != _VERSION:  # a hello has the highest version that its sender knows
        raise EnvironmentError(errno.EPROTO, os.strerror(errno.EPROTO))
    return kind, _exactly(connection, length - _HEADER.size)


def _exactly(connection, size):
    data = b''
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise EnvironmentError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
        data += more
    return data


def _entries(data):
    found, at = [], 0
    while at < len(data):
        entry = _ENTRY.unpack_from(data, at)
        length, match = entry[0], _MATCH.unpack(entry[2])
        if length < _ENTRY.size:
            raise struct.error
        other = _becomes(data[at + _ENTRY.size:at + length])
        if not match[0] & _DL_VLAN and other is not None:
            found.append((0 if match[4] == _NO_VLAN else match[4], other))
        at += length
    return found


def _becomes(actions):
    """The VLAN that a list of actions leaves a frame with, None where they do not change it."""
    vlan, at = None, 0
    while at < len(actions):
        kind, length, number = _ACTION.unpack_from(actions, at)
        if length < _ACTION.size:
            raise struct.error
        vlan = {_SET_VLAN_VID: number, _STRIP_VLAN: 0}.get(kind, vlan)
        at += length
    return vlan
