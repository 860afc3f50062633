# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The gate of Fuel's discovery agent: a file that keeps it from reporting the node.

The agent asks GSET before GDRVINFO, and eth_ipoib answers that only once a vif serves untagged traffic under the
interface's own MAC: a node that reports earlier reports an interface without a driver.
"""
from __future__ import absolute_import, print_function, unicode_literals

from plugin_lib.planning.operations import RemoveFile, Step
from plugin_lib.planning.vlans import STAGE

SUBJECT = 'discovery gate'


def plan(path, text, findings):
    # type: (str, str, tuple) -> tuple
    """The Steps that open the gate: one as soon as an interface serves untagged traffic and no other is about to.

    :param path: the file
    :param text: what is in it; None: it is not there
    :param findings: of planning.vlans after a pass
    """
    untagged = dict((finding.eipoib, finding.state) for finding in findings
                    if finding.child and finding.pkey and finding.pkey.is_default)
    served = sorted(name for name, state in untagged.items() if state == 'ok')
    if text is None or not served or 'planned' in untagged.values():
        return ()
    return (Step(STAGE, SUBJECT, '{0} can be discovered'.format(', '.join(served)), (RemoveFile(path, text, 0o644),)),)
