# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What a real OpenSM makes of partition files: the P_Key tables of every port of a simulated subnet.

    manager = PartitionTables(folder, {'node-1': '0002c90300000011'})
    manager.of('vlan101=0x65, ipoib : ALL_CAS=full ;\\n')   # {'sm': {...}, 'switch': {...}, 'node-1': {0x8065, ...}}
    manager.close()

``python -m tests.lab.partition_tables COUNT`` is its helper in the simulator: for each line of its stdin it answers
with a line of JSON, the tables of the manager's port, of the switch's port 0 and of COUNT HCAs.
"""
import json
import re
import subprocess
import sys

from tests.lab import smp
from tests.lab.ibsim import FIRST_NODE_PORT, MANAGER, SWITCH, Simulator, end
from tests.lab.opensm import OpenSM


class PartitionTables:
    """An OpenSM on a subnet of one switch, its own host and HCAs; in namespaces.enclosed.

    :param folder: path of an empty folder
    :param guids: {name of a node: GUID of its port, 16 hexadecimal digits}
    :param options: of OpenSM
    """

    def __init__(self, folder, guids, **options):
        self._names = [MANAGER, SWITCH, *guids]
        self._simulator = Simulator(folder, guids)
        self._manager = OpenSM(self._simulator, '', **options)
        self._manager.start()
        self._reader = self._simulator.client(sys.executable, '-m', 'tests.lab.partition_tables', str(len(guids)),
                                              text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def of(self, text):
        """{name of a port: set of its 16-bit P_Keys} once OpenSM has read a partitions.conf of this text."""
        self._manager.write(text)
        self._manager.reload()
        self._reader.stdin.write('\n')
        self._reader.stdin.flush()
        return {name: set(table) for name, table in zip(self._names, json.loads(self._reader.stdout.readline()))}

    def group(self, pkey):
        """(code of the MTU, code of the rate) of the broadcast group of a 16-bit P_Key; None without one."""
        asked, _ = self._simulator.client('saquery', 'MCMR', '--pkey', f'{pkey:#x}', stdout=subprocess.PIPE,
                                          text=True).communicate(timeout=60)
        found = dict(re.findall('(MGID|mtu|rate)[.]+(.*)', asked))
        if not found.get('MGID', '').startswith('ff12:401b:'):
            return None
        return tuple(int(found[name], 16) & 0x3f for name in ('mtu', 'rate'))

    def log(self):
        """All that OpenSM has logged."""
        return self._manager.log()

    def close(self):
        """End everything, in the order that does not hang."""
        end(self._reader)
        self._manager.stop()
        self._simulator.close()


def main():
    count = int(sys.argv[1])
    subnet = smp.Subnet()
    routes = [(), (1,)] + [(1, number) for number in range(FIRST_NODE_PORT, FIRST_NODE_PORT + count)]
    for _ in sys.stdin:
        print(json.dumps([subnet.table(route) for route in routes]), flush=True)


if __name__ == '__main__':
    main()
