# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Watches the ports of a subnet: ``python -m tests.lab.smp FIRST COUNT`` in the environment of a simulator's client.

It asks each HCA behind COUNT ports of the next switch, from port FIRST on, for its port's state and P_Key table, by
directed route, and writes a line of JSON whenever an answer differs from the one before::

    {"port": 2, "state": "ACTIVE", "pkeys": [65535, 32869]}

A port whose link is down cannot be asked for its table: ``pkeys`` is null.  A question takes libibmad 0.2 ms, a run
of ``smpquery`` 5-50 ms.  Layouts: InfiniBand Architecture Specification volume 1, 14.2.5 (PortInfo, P_KeyTable);
libibmad's ``mad.h`` for the structures, which are those of libibmad.so.5.
"""
import ctypes
import json
import struct
import sys
import time

LIBRARY = 'libibmad.so.5'

_NODE_INFO, _PORT_INFO, _PKEY_TABLE = 0x11, 0x15, 0x16
_STATES = {1: 'DOWN', 2: 'INIT', 3: 'ARMED', 4: 'ACTIVE'}
_BLOCK = 32  # P_Keys in an answer
_TIMEOUT = 200  # ms
_TRIES = 20
_INTERVAL = 0.02  # s
_SMI_CLASSES = (0x01, 0x81)  # LID routed, directed route


class _DirectedRoute(ctypes.Structure):
    _fields_ = [('count', ctypes.c_int), ('ports', ctypes.c_uint8 * 64),
                ('source_lid', ctypes.c_uint16), ('destination_lid', ctypes.c_uint16)]


class _PortId(ctypes.Structure):
    _fields_ = [('lid', ctypes.c_int), ('route', _DirectedRoute), ('grh_present', ctypes.c_int),
                ('gid', ctypes.c_uint8 * 16), ('qp', ctypes.c_uint32), ('qkey', ctypes.c_uint32),
                ('sl', ctypes.c_uint8), ('pkey_index', ctypes.c_uint)]


class Subnet:
    """Asks for attributes by directed route from the first port of this host; OSError where libibmad refuses."""

    def __init__(self):
        self._library = ctypes.CDLL(LIBRARY)
        self._library.mad_rpc_open_port.restype = ctypes.c_void_p
        self._library.smp_query_via.restype = ctypes.c_void_p
        self._library.smp_query_via.argtypes = [ctypes.c_char_p, ctypes.POINTER(_PortId), ctypes.c_uint,
                                                ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p]
        classes = (ctypes.c_int * len(_SMI_CLASSES))(*_SMI_CLASSES)
        self._handle = self._library.mad_rpc_open_port(None, 0, classes, len(_SMI_CLASSES))
        if not self._handle:
            raise OSError('libibmad finds no port')

    def get(self, route, attribute, modifier=0):
        """The 64 bytes of an attribute, None when nobody answers.

        :param route: the port to leave by at each hop; () is this host
        """
        target = _PortId()
        target.route.count = len(route)
        for hop, port in enumerate(route, 1):
            target.route.ports[hop] = port
        target.route.source_lid = target.route.destination_lid = 0xffff
        answer = ctypes.create_string_buffer(64)
        if not self._library.smp_query_via(answer, ctypes.byref(target), attribute, modifier, _TIMEOUT, self._handle):
            return None
        return answer.raw

    def port(self, number):
        """(state, P_Key table up to its last key, or None) of the HCA port behind port ``number`` of the switch."""
        return _answered(lambda: self._port_behind(number), f'what is behind port {number} of the switch')

    def table(self, route):
        """The P_Key table, up to its last key, of an HCA port or the port 0 of a switch."""
        return _answered(lambda: self._table(route), f'what is at the end of {route}')

    def _port_behind(self, number):
        cable, route = self.get((1,), _PORT_INFO, number), (1, number)
        if cable is None:
            return None
        if _state(cable) == 'DOWN':
            return 'DOWN', None
        port, pkeys = self.get(route, _PORT_INFO), self._table(route)
        return None if port is None or pkeys is None else (_state(port), pkeys)

    def _table(self, route):
        node = self.get(route, _NODE_INFO)
        if node is None:
            return None
        entries, = struct.unpack_from('>H', node, 28)  # PartitionCap
        blocks = [self.get(route, _PKEY_TABLE, block) for block in range(-(-entries // _BLOCK))]
        if None in blocks:
            return None
        pkeys = list(struct.unpack(f'>{_BLOCK * len(blocks)}H', b''.join(blocks)))
        while pkeys and not pkeys[-1]:
            pkeys.pop()
        return pkeys


def _answered(ask, what):
    """What ``ask()`` gives; asked again while that is None, since on a busy machine the simulator may be late.

    :raises OSError: when nobody answers
    """
    for _ in range(_TRIES):
        found = ask()
        if found is not None:
            return found
    raise OSError(f'{what} does not answer')


def _state(port_info):
    return _STATES.get(port_info[32] & 0x0f, 'DOWN')


def main():
    first, count = map(int, sys.argv[1:])
    subnet, seen = Subnet(), {}
    while True:
        for number in range(first, first + count):
            now = subnet.port(number)
            if now != seen.get(number):
                seen[number] = now
                print(json.dumps({'port': number, 'state': now[0], 'pkeys': now[1]}), flush=True)
        time.sleep(_INTERVAL)


if __name__ == '__main__':
    main()
