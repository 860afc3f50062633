# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Reading P_Key tables and the page of vifs: holes, garbage, entries that cannot be read, a page cut at any byte."""
from __future__ import absolute_import, print_function, unicode_literals

import errno
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin_lib.host import eipoib, machine
from plugin_lib.host.state import Vif
from tests.model.netdev import page
from tests.model.source import Source, kernel_with_eipoib

MAC = '00:02:c9:00:00:01'


class TestPKeyTable(object):
    def table(self, **answers):
        kernel, port = kernel_with_eipoib()
        port.set_pkeys([0xffff, 0x8064, 0, 0x80c8])
        folder = '/sys/class/infiniband/mlx4_0/ports/2/pkeys'
        host = machine.read(Source(kernel, dict((folder + name.replace('_', '/'), answer)
                                                for name, answer in answers.items())))
        return host.ports[1], host.problems

    def test_holes_are_no_keys(self):
        port, problems = self.table()
        assert [str(pkey) for pkey in port.pkeys] == ['0xffff', '0x8064', '0x80c8']
        assert (port.problem, problems) == (None, ())

    @pytest.mark.parametrize('code', [errno.EIO, errno.EACCES, errno.EINVAL])
    def test_an_unreadable_entry_is_not_an_empty_table(self, code):
        port, problems = self.table(_1=code)
        assert port.pkeys is None
        assert problems == (port.problem,)
        assert port.problem == '/sys/class/infiniband/mlx4_0/ports/2/pkeys/1: ' + os.strerror(code)

    def test_an_unreadable_table_folder(self):
        assert self.table(**{'': errno.EIO})[0].pkeys is None

    def test_invalid_key_is_an_empty_slot(self):
        port, problems = self.table(_1='0x8000')
        assert (len(port.pkeys), port.problem, problems) == (2, None, ())

    @pytest.mark.parametrize('text', ['', '0x', '0x80', '0x806', '0x80641', '8064', '0xzzzz', '-0x064',
                                      '0x8064\n0x8065', '\ufffd\ufffd', ' 0x8064', '0x806g', '\u0660x8064'])
    def test_garbage_is_told_and_the_rest_is_read(self, text):
        port, problems = self.table(_1=text)
        assert [str(pkey) for pkey in port.pkeys] == ['0xffff', '0x80c8']
        assert port.problem.startswith('/sys/class/infiniband/mlx4_0/ports/2/pkeys/1: not a P_Key')
        assert problems == (port.problem,)

    @given(st.text(max_size=12))
    def test_any_text(self, text):
        port, problems = self.table(_1=text)
        assert (len(port.pkeys) == 3) or port.problem or int(text, 16) & 0x7fff == 0


class TestVifsPage(object):
    ROWS = [('ib1.{0:04x}'.format(0x8000 + vlan), vlan) for vlan in range(58, 184)]

    def page(self, rows):
        return ''.join('SLAVE={0:<10} MAC={1} VLAN={2}\n'.format(name, MAC, vlan) for name, vlan in rows)

    def test_page_cut_at_every_byte(self):
        """What is believed of a cut page is a beginning of the truth: no row reads as another VLAN."""
        for shift in range(60):  # longer names in front move the cut over every byte of a row
            rows = [(name + '.00' if index < shift else name, vlan) for index, (name, vlan) in enumerate(self.ROWS)]
            text = page(self.page(rows))
            assert len(text) == 4095
            vifs, complete, nonsense = eipoib.parse_vifs(text[:-1])
            assert vifs == tuple(Vif(name, MAC, vlan) for name, vlan in rows)[:len(vifs)]
            assert len(vifs) == text[:-1].count('\n')
            assert (complete, nonsense) == (False, [])

    def test_page_that_just_fits(self):
        rows = self.ROWS[:80]
        vifs, complete, nonsense = eipoib.parse_vifs(self.page(rows)[:-1])
        assert (len(vifs), complete, nonsense) == (80, True, [])

    def test_untagged_and_not_yet_served(self):
        rows = 'SLAVE=ib0.1      MAC={0} VLAN=N/A\nSLAVE=ib0.8064   MAC=N/A               VLAN=N/A'.format(MAC)
        assert eipoib.parse_vifs(rows) == ((Vif('ib0.1', MAC, None), Vif('ib0.8064', None, None)), True, [])
        assert eipoib.parse_vifs('') == ((), True, [])

    def test_nonsense_makes_the_rest_uncertain(self):
        rows = 'SLAVE=ib0.8064 MAC={0} VLAN=12x\nSLAVE=ib0.8065 MAC={0} VLAN=101'.format(MAC)
        vifs, complete, nonsense = eipoib.parse_vifs(rows)
        assert (vifs, complete, len(nonsense)) == ((Vif('ib0.8065', MAC, 101),), False, 1)

    @given(st.text())
    def test_any_text(self, text):
        vifs, complete, nonsense = eipoib.parse_vifs(text)
        assert nonsense or complete or len(text) >= 4094

    def test_a_cut_page_of_the_model(self):
        kernel, _ = kernel_with_eipoib()
        for name, vlan in self.ROWS:
            kernel.add_link('ib1', name, 0x8000 | vlan)
            kernel.write('/sys/class/net/eth5/eth/slaves', '+' + name)
            kernel.write('/sys/class/net/eth5/eth/vifs', '+{0} {1} {2}'.format(name, MAC, vlan))
        eth5 = machine.read(kernel).eipoibs['eth5']
        assert eth5.slaves == tuple(name for name, _ in self.ROWS)  # the links are complete
        assert not eth5.vifs_complete
        assert eth5.vifs == tuple(Vif(name, MAC, vlan) for name, vlan in self.ROWS)[:len(eth5.vifs)]
