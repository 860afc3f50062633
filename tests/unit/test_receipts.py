# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Receipts of hooks: what counts, and what a change of it does.

Covered: each kind of look, an error becoming another one and an answer among them; interfaces, published data and the
services; a hook that had something to do, or during which something changed; what is no receipt; Open vSwitch's rows in
another order.  What hooks look at is in functional/test_receipts.py.
"""
from __future__ import absolute_import, print_function, unicode_literals

import json
import os
import socket
import threading

import pytest

from plugin_lib import receipts
from plugin_lib.daemon import locks
from plugin_lib.host import files, ovsdb, seen
from plugin_lib.host.tree import Tree


class Node(object):
    """A folder for everything, and what a hook on it looks at."""

    def __init__(self, folder):
        self.folder = folder
        self.links = {}
        self.looks = []

    def path(self, name):
        return str(self.folder.join(name))

    def run(self, settled=True):
        """A hook; whether it found all as before."""
        receipt = receipts.Receipt('hook', self.path('astute.yaml'), False)
        if receipt.holds():
            return True
        for look in self.looks:
            look()
        receipt.keep(settled)
        return False

    def is_settled(self):
        return [self.run(), self.run()] == [False, True]


@pytest.fixture
def node(tmpdir, monkeypatch):
    made = Node(tmpdir)
    tmpdir.join('astute.yaml').write('a: 1\n')
    tmpdir.join('status.json').write('{}\n')
    monkeypatch.setattr(receipts, 'FOLDER', made.path('receipts'))
    monkeypatch.setattr(receipts, 'RUN_FOLDER', str(tmpdir))
    monkeypatch.setattr(receipts.links, 'Links', lambda: made)
    made.read = lambda: made.links
    with locks.held(str(tmpdir), locks.SERVICE):
        yield made
    seen.SEEN.clear()


def _ignoring(look, path):
    try:
        look(path)
    except EnvironmentError:
        pass


LOOKS = {'file': lambda path: files.read('/', path), 'folder': lambda path: files.names('/', path),
         'read': seen.Noted(Tree()).read, 'names': seen.Noted(Tree()).names, 'link': seen.Noted(Tree()).link,
         'table': seen.Noted(Tree()).table}


def _file(path, text):
    with open(path, 'w') as stream:
        stream.write(text)


def _folder(path, *texts):
    if not os.path.isdir(path):
        os.mkdir(path)
    for number, text in enumerate(texts):
        _file(os.path.join(path, str(number)), text)


def _link(path, target):
    if os.path.islink(path):
        os.unlink(path)
    os.symlink(target, path)


@pytest.mark.parametrize('kind, first, then', [
    ('file', lambda path: _file(path, 'a\n'), lambda path: _file(path, 'b\n')),
    ('file', lambda path: None, lambda path: _file(path, '')),
    ('file', lambda path: _file(path, ''), os.unlink),
    ('folder', lambda path: _folder(path), lambda path: _folder(path, 'a')),
    ('read', lambda path: _file(path, '0x8064\n'), lambda path: _file(path, '0x0064\n')),
    ('read', lambda path: None, lambda path: _file(path, '')),
    ('read', lambda path: None, lambda path: _folder(path)),
    ('names', lambda path: _folder(path), lambda path: _folder(path, 'a')),
    ('names', lambda path: None, lambda path: _file(path, '')),
    ('link', lambda path: _link(path, '../vfio-pci'), lambda path: _link(path, '../mlx4_core')),
    ('link', lambda path: _link(path, '../vfio-pci'), os.unlink),
    ('table', lambda path: _folder(path, '0', 'none', '1'), lambda path: _folder(path, '0', '1', 'none')),
    ('table', lambda path: _folder(path, '0', 'none'), lambda path: _folder(path, '0', 'none', '1')),
    ('table', lambda path: None, lambda path: _folder(path))])
def test_a_look_with_another_answer(node, kind, first, then):
    path = node.path('it is here')  # a blank is no end of a path
    first(path)
    node.looks = [lambda: _ignoring(LOOKS[kind], path)]
    assert node.is_settled()
    then(path)
    assert node.is_settled()


@pytest.mark.parametrize('change', [
    lambda node: node.folder.join('astute.yaml').write('a: 2\n'),
    lambda node: node.folder.join('status.json').write('{"keys": []}\n'),
    lambda node: node.links.update(eth9='a link'), lambda node: node.folder.join('receipts', 'hook').write('garbage\n'),
    lambda node: node.folder.join('receipts', 'hook').write('0\nlook nowhere\n'),
    lambda node: node.folder.join('receipts', 'hook').write('0\nexists /\nread\n')])
def test_what_counts_for_every_hook(node, change):
    assert node.is_settled()
    change(node)
    assert node.is_settled()


def test_whether_virtual_functions_are_kept_so(node):
    assert node.is_settled()
    with locks.held(str(node.folder), receipts.FUNCTIONS_LOCK):
        assert node.is_settled()
    assert node.is_settled()


def test_a_hook_that_had_something_to_do_looks_again(node):
    assert [node.run(settled=False), node.run(), node.run(settled=False), node.run()] == [False, False, True, True]
    node.links['eth9'] = 'a link'
    assert [node.run(settled=False), node.run(), node.run()] == [False, False, True]


def test_what_changes_while_a_hook_looks_is_looked_at_again(node):
    node.looks = [lambda: node.links.update(eth9='a link')]
    assert [node.run(), node.run(), node.run()] == [False, False, True]


def test_without_eipoibd_nothing_holds(node, monkeypatch):
    assert node.is_settled()
    monkeypatch.setattr(receipts, 'RUN_FOLDER', node.path('elsewhere'))
    assert [node.run(), node.run()] == [False, False]


def test_what_a_receipt_looked_at_is_not_what_the_hook_looks_at(node):
    path = node.path('old')
    node.looks = [lambda: files.read('/', path)]
    assert node.is_settled()
    node.looks = []
    _file(path, 'a\n')
    assert node.is_settled()
    assert path not in node.folder.join('receipts', 'hook').read()


@pytest.fixture
def answer(tmpdir):
    """What ovsdb.answer makes of the answer of a server, given as JSON has it."""
    path = tmpdir.join(ovsdb.SOCKET).ensure()
    path.remove()
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(path))
    server.listen(1)

    def ask(told):
        def serve():
            connection, _ = server.accept()
            connection.recv(65536)
            for part in json.dumps(told).replace('}', '}|').rstrip('|').split('|'):
                connection.sendall(part.encode('ascii'))
            connection.close()
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            return ovsdb.answer(str(tmpdir), 30)
        finally:
            thread.join()
    yield ask
    server.close()


def _results(rows, *last):
    return {'id': 0, 'result': [{'rows': rows}, {'rows': []}, None] + list(last)}


def _serials(taken, wanted):
    return {'rows': [{'cur_cfg': taken, 'next_cfg': wanted}]}


def test_rows_in_another_order_are_the_same(answer):
    rows = [{'name': 'br-prv', 'ports': ['set', []]}, {'name': 'br-aux', 'ports': ['set', []]}]
    first = answer(_results(rows, _serials(1, 1)))
    assert answer(_results(rows[::-1], _serials(2, 2))) == first
    # A database that does not have these columns, and one with no row.
    assert answer(_results(rows, {'error': 'unknown column'})) == answer(_results(rows, {'rows': []})) == first
    assert answer(_results([rows[0], dict(rows[1], name='br-ex')], _serials(1, 1))) != first


def test_a_switch_that_is_behind_its_database_is_not_as_before(answer):
    with pytest.raises(EnvironmentError) as caught:
        answer(_results([], _serials(1, 2)))
    assert caught.value.strerror == ovsdb.LATE


@pytest.mark.parametrize('told', [
    {}, {'result': None}, {'result': 7}, {'result': []}, {'result': [7] * 4}, {'result': [{'rows': 7}] * 4},
    {'result': [{'rows': [7]}] * 4}, _results([], {'rows': [{'cur_cfg': 1}]})] + [
        _results([], _serials(*pair)) for pair in (('1', 2), (1, '2'), (1.5, 2), (None, 2), (1, ['set', []]))],
    ids=json.dumps)
def test_an_answer_that_makes_no_sense_is_an_error(answer, told):
    with pytest.raises(EnvironmentError):
        answer(told)


def test_without_open_vswitch_there_is_no_answer(tmpdir):
    assert ovsdb.answer(str(tmpdir)) == []
