# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Published data from text: a small scheme to begin with, and reading it."""
from __future__ import absolute_import, print_function, unicode_literals

import os
import tempfile

from plugin_lib import published

SCHEME = """
network_scheme:
  provider: lnx
  interfaces: {eth4: {vendor_specific: {driver: eth_ipoib, bus_info: ib0}}}
  endpoints: {br-mgmt: {IP: [192.168.0.1/24]}}
  roles: {management: br-mgmt}
  transformations:
  - {action: add-br, name: br-mgmt}
  - {action: add-port, bridge: br-mgmt, name: eth4.101}
"""


def astute(text):
    """What published.read makes of an astute.yaml with this text."""
    handle, path = tempfile.mkstemp(suffix='astute.yaml')
    try:
        os.write(handle, text.encode('utf-8'))
        os.close(handle)
        return published.read(path)
    finally:
        os.unlink(path)
