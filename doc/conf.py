# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""How Sphinx makes the documents: ``./dev docs``."""
import os
import re
import sys

from pygments.lexers.shell import BashSessionLexer

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from plugin_lib import version as plugin_version  # noqa: E402

project = 'Fuel plugin for InfiniBand'
author = 'the fuel-plugin-infiniband authors'
version = release = plugin_version()
copyright = '2026 ' + author
extensions = ['myst_parser']
myst_enable_extensions = ['deflist']
exclude_patterns = ['examples']
myst_heading_anchors = 3
html_theme = 'alabaster'
html_theme_options = {'description': 'Discover, verify and deploy OpenStack over InfiniBand', 'fixed_sidebar': True,
                      'page_width': '1240px', 'body_max_width': 'auto'}
html_show_sourcelink = False
man_pages = [('man/fuel-infiniband', 'fuel-infiniband', 'InfiniBand in a Fuel environment', '', 8),
             ('man/eipoibd', 'eipoibd', 'P_Keys become VLANs of Ethernet over IPoIB', '', 8)]


class Session(BashSessionLexer):
    """Only the prompts that the documents use begin a command: what a partition file has behind # does not."""

    _ps1rgx = re.compile(r'^(\$ |\[root@[\w-]+ ~\]# |root@[\w-]+:~# )(.*\n?)')


def setup(app):
    app.add_lexer('console', Session)
