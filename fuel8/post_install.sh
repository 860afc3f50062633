#!/bin/sh
# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
#
# The rpm runs this on the Fuel master when it was installed or updated.
/var/www/nailgun/plugins/@PLUGIN@/fuel-infiniband setup
