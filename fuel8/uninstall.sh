#!/bin/sh
# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
#
# The rpm runs this on the Fuel master before it is removed, not before it is updated.  When it fails the plugin
# stays: a discovery image that nobody can put back would be worse.
/var/www/nailgun/plugins/@PLUGIN@/fuel-infiniband setup --remove
