# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The state as metrics, in the text format of Prometheus, for node_exporter's textfile collector.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""
from __future__ import absolute_import, print_function, unicode_literals

FILE_NAME = 'eipoibd.prom'


def text(interfaces, waiting, counters):
    # type: (dict, dict, dict) -> str
    """The whole file.

    :param interfaces: as in the status document
    :param waiting: its ``backoff``
    :param counters: {``passes``, ``passes_failed``, ``steps_done``, ``steps_failed``: number since the start}
    """
    nics = [(_labels(interface=name, hca=nic['hca'], port=nic['port']), nic)
            for name, nic in sorted(interfaces.items())]
    families = [
        ('eipoibd_port_active', 'gauge', 'Whether the HCA port under the interface is ACTIVE.',
         [(labels, int(nic['state'] == 'ACTIVE')) for labels, nic in nics]),
        ('eipoibd_pkeys', 'gauge', 'P_Keys in the table of the port; absent when it cannot be read.',
         [(labels, len(nic['keys'])) for labels, nic in nics if nic['keys'] is not None]),
        ('eipoibd_vlans', 'gauge', 'VLANs that the interface serves.',
         [(labels, len(nic['vlans'])) for labels, nic in nics]),
        ('eipoibd_vifs', 'gauge', 'Those who talk through the interface beside itself, by whether a vif serves them.',
         [(_labels(interface=name, served=served), len([vif for vif in nic['vifs'] if (vif['state'] == 'ok') == is_ok]))
          for name, nic in sorted(interfaces.items()) for served, is_ok in (('no', False), ('yes', True))]),
        ('eipoibd_findings', 'gauge', 'What was found of the P_Keys of the interface, by state.',
         [(_labels(interface=name, state=state), count) for name, nic in sorted(interfaces.items())
          for state, count in sorted(nic['states'].items())]),
        ('eipoibd_backoff', 'gauge', 'Services that failed and are tried again later.', [('', len(waiting))]),
        ('eipoibd_passes_total', 'counter', 'Passes that went through.', [('', counters['passes'])]),
        ('eipoibd_passes_failed_total', 'counter', 'Passes that changed nothing because of an error.',
         [('', counters['passes_failed'])]),
        ('eipoibd_steps_total', 'counter', 'Changes that were tried, by result.',
         [(_labels(result='done'), counters['steps_done']), (_labels(result='failed'), counters['steps_failed'])]),
    ]
    return ''.join(_family(*family) for family in families)


def _family(name, kind, meaning, samples):
    if not samples:
        return ''
    return '# HELP {0} {1}\n# TYPE {0} {2}\n'.format(name, meaning, kind) + ''.join(
        '{0}{1} {2}\n'.format(name, labels, value) for labels, value in samples)


def _labels(**values):
    return '{' + ','.join('{0}="{1}"'.format(name, '' if values[name] is None else values[name])
                          for name in sorted(values)) + '}'
