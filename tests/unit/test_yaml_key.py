# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""One key of a YAML file of others: it is changed and taken back, and every other line stays as it was.

Covered: where the key stands, comments, margins and document marks; generated files; what is refused.
"""
from __future__ import absolute_import, print_function, unicode_literals

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from plugin_lib.errors import InputError
from plugin_lib.planning.yaml_key import get, put

PATH = '/etc/hiera/override/plugins.yaml'
OTHERS = """\
# Of others
a: &a {x: 1}
# about b
b:
- *a

# about c
c: !ruby/sym some
"""


def test_a_key_that_is_new_comes_last():
    assert put(OTHERS, 'ours', {'x': [1]}, PATH) == OTHERS + 'ours:\n  x:\n  - 1\n'


@pytest.mark.parametrize('key, text', [
    ('a', 'a: 1\n'), ('b', 'b: 1\n'), ('c', 'c: 1\n')])
def test_a_key_is_replaced_in_its_place_and_what_is_about_the_next_stays(key, text):
    others = OTHERS.replace('&a ', '').replace('*a', 'y')
    lines = {'a': 'a: {x: 1}\n', 'b': 'b:\n- y\n', 'c': 'c: !ruby/sym some\n'}
    assert put(others, key, 1, PATH) == others.replace(lines[key], text)
    assert put(others, key, None, PATH) == others.replace(lines[key], '')


@pytest.mark.parametrize('text, changed', [
    (None, 'k: 1\n'), ('', 'k: 1\n'), ('# a comment\n', '# a comment\nk: 1\n'), ('--- {}\n', 'k: 1\n'),
    ('a: 1', 'a: 1\nk: 1\n'), ('---\na: 1\n...\n', '---\na: 1\nk: 1\n...\n'),
    ('--- \n  a: 1\n  k: 2\n', '--- \n  a: 1\n  k: 1\n'), ('---\nk:\n  - 1\na: 1\n', '---\nk: 1\na: 1\n'),
    ('k: 0\nk: 2\n', 'k: 0\nk: 1\n'), ('"k": 2\n', 'k: 1\n'),
])
def test_documents_of_every_form(text, changed):
    assert put(text, 'k', 1, PATH) == changed


@pytest.mark.parametrize('text', ['- a\n', 'text\n', 'a: [\n', 'a: 1\n---\nb: 2\n', '{a: 1}\n', 'a: 1\n\tb: 2\n'])
def test_what_cannot_be_changed_by_lines_is_refused(text):
    with pytest.raises(InputError) as caught:
        put(text, 'k', 1, PATH)
    assert caught.value.where.startswith(PATH)


def test_an_anchor_that_others_use_is_not_taken_from_them():
    with pytest.raises(InputError):
        put(OTHERS, 'a', 1, PATH)


def test_what_is_no_safe_yaml_is_refused_only_where_it_is_asked_for():
    assert get(OTHERS, 'b', PATH) == [{'x': 1}]
    with pytest.raises(InputError):
        get(OTHERS, 'c', PATH)


def test_what_would_be_a_number_of_base_60_stays_text():
    text = put('a: 0000:03:00.0\n', 'k', get('a: 0000:03:00.0\n', 'a', PATH), PATH)
    assert text == "a: 0000:03:00.0\nk: '0000:03:00.0'\n"


VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.sampled_from(
        ['', 'x', '# x', 'a: b', '- ', '1.0', 'no', ' x', 'x\ny', '|'])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(['a', 'k', '1', '-']), inner,
                                                                         max_size=3)), max_leaves=6)


@given(document=st.dictionaries(st.sampled_from(['a', 'b', 'm', 'z']), VALUES, min_size=1), value=VALUES.filter(
    lambda value: value is not None), flow=st.sampled_from([False, None]), key=st.sampled_from(['a', 'k', 'zz']))
def test_others_read_the_same_and_we_what_we_wrote(document, value, flow, key):
    text = yaml.safe_dump(document, default_flow_style=flow)
    if text.startswith('{'):
        return
    changed = put(text, key, value, PATH)
    assert yaml.safe_load(changed) == dict(document, **{str(key): value})
    assert put(changed, key, value, PATH) == changed
    left = dict((name, each) for name, each in document.items() if name != key)
    assert yaml.safe_load(put(changed, key, None, PATH)) == (left or None)
    if key not in document:
        assert put(changed, key, None, PATH) == text
