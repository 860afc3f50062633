# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""What the program can say: the texts in plugin_lib."""
import ast
import functools
import re

from tools.packages import TOP

_FILLED_IN = re.compile(r'\{[^}]*\}')
_LEAST = 10  # characters that tell one text from others


@functools.lru_cache(maxsize=None)
def texts():
    """All string constants, docstrings among them."""
    return {node.value for path in (TOP / 'plugin_lib').glob('**/*.py')
            for node in ast.walk(ast.parse(path.read_text(encoding='utf-8')))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)}


@functools.lru_cache(maxsize=None)
def _forms():
    """A pattern for each text, and for each beginning of it that ends before a punctuation mark."""
    beginnings = {text[:end] for text in texts()
                  for end in [match.start() for match in re.finditer('[:,;(]', text)] + [len(text)]}
    return [re.compile('.*'.join(map(re.escape, parts)), re.S) for parts in map(_FILLED_IN.split, beginnings)
            if sum(map(len, parts)) >= _LEAST]


def says(message):
    """Whether a message is one text, or the beginning of one, or mostly made of one."""
    return any(form.fullmatch(message) for form in _forms()) or any(
        len(text) * 2 >= len(message) for text in texts() if len(text) >= _LEAST and text in message)
