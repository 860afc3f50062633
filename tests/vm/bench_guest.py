# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""How fast eipoibd is on a real kernel: ``python -m tests.vm.bench_guest`` prints JSON.

Times are seconds in the guest, whose processor is emulated: only their ratios say something about other machines.
"""
import json
import statistics
import sys
import time

from plugin_lib.effect import rtnetlink
from tests.vm import eipoibd, inside, kernel, machine

KEYS = [0x8000 | vlan for vlan in range(100, 226)]
SETTINGS = {'resync_interval': 3600, 'removal_grace': 0, 'mass_removal_hold': 0}
ROUNDS = 3
EVENTS = 9
PATIENCE = 0.1  # between two looks at what the service has done
PAUSE = 0.5  # what the link events of the service's own changes brought about is over by then


def measure(guest):
    """The figures of a guest with a card.

    :returns: {'bare_loop': seconds of the same changes made by nothing but system calls, 'service': seconds from the
        change of the table to 126 vifs, 'ratio': of the two, 'event_to_vif': {'least', 'median',
        'longest'} for a single key}
    """
    name = next(name for name, parent in guest.call(inside.eipoibs).items() if parent == 'ib0')
    # In turn, so that what else this machine does meets both; the least of each is what it really takes.
    bare, service, events = [], [], []
    for _ in range(ROUNDS):
        bare.append(guest.call(bare_loop, name))
        guest.call(eipoibd.start, SETTINGS)
        guest.call(eipoibd.until_pass)
        service.append(guest.call(table_to_vifs, name, KEYS))
        events.extend(guest.call(table_to_vifs, name, [key]) for key in KEYS[:EVENTS // ROUNDS])
        guest.call(eipoibd.forget)
    return {'bare_loop': min(bare), 'service': min(service), 'ratio': min(service) / min(bare),
            'event_to_vif': {'least': min(events), 'median': statistics.median(events), 'longest': max(events)}}


def bare_loop(name):
    """In the guest: seconds for 126 children, slaves and vifs; they are removed afterwards."""
    inside.program(1, [0xffff, *KEYS])
    rtnetlink.link_up('ib0')
    rtnetlink.link_up(name)
    mac = inside.read(f'{inside.NET}/{name}/address').strip()
    started = time.monotonic()
    for key in KEYS:
        child = f'ib0.{key:04x}'
        rtnetlink.add_link('ib0', child, key)
        inside.write(f'{inside.NET}/{name}/eth/slaves', f'+{child}')
        inside.write(f'{inside.NET}/{name}/eth/vifs', f'+{child} {mac} {key & 0x7fff}')
    took = time.monotonic() - started
    for key in KEYS:
        rtnetlink.delete_link(f'ib0.{key:04x}')
    inside.program(1, [0xffff])
    return took


def table_to_vifs(name, keys):
    """In the guest: seconds from the change of the table until the last of their vifs was made; undone afterwards.

    The stand-in eth_ipoib notes the time: whoever asks in between runs on the same processor.
    """
    time.sleep(PAUSE)
    started = time.monotonic()
    inside.program(1, [0xffff, *keys])
    while len(inside.served_since(name)) <= len(keys):
        time.sleep(PATIENCE)
    took = max(inside.served_since(name).values()) - started
    eipoibd.until_vlans({name: [-1, *(key & 0x7fff for key in keys)]})  # and rightly
    inside.program(1, [0xffff])
    eipoibd.until_vlans({name: [-1]})
    return took


def main():
    try:
        with machine.boot(kernel.prepare()) as guest:
            guest.call(inside.configure)
            guest.call(inside.plug_in)
            print(json.dumps(measure(guest)))
    except kernel.Unavailable as reason:
        print(f'level 2 cannot run here: {reason}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
