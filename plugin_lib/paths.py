# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""Files that several look at: here, because a hook must not import what writes them to look for them."""
from __future__ import absolute_import, print_function, unicode_literals

# Of root alone, and gone with a reboot: locks, the ledger, and what is told to others.
RUN_FOLDER = '/run/eipoibd'
STATUS_FILE = 'status.json'
CONFIG_FILE = '/etc/fuel-infiniband/eipoibd.conf'

MODPROBE_FILE = '/etc/modprobe.d/fuel-infiniband.conf'

# The interfaces that storage over RDMA has: for the stage that notes them, eipoibd, and ifupdown after a reboot.
STORAGE_NOTES = '/etc/fuel-infiniband/storage.json'
# Fuel 6.1 and 7.0 have a file of Hiera for all plugins, later ones a file for each.
SHARED_HIERA_FILE = '/etc/hiera/override/plugins.yaml'
OWN_HIERA_FILE = '/etc/hiera/plugins/infiniband.yaml'
# Up to 8.0 this holds what Hiera told when globals were last computed, our own words of then included.
HIERA_GLOBALS_FILE = '/etc/hiera/globals.yaml'
# The modules for iSER, for the next boot.
RDMA_MODULES_FILE = '/etc/modules-load.d/fuel-infiniband-storage.conf'

# The devices that have virtual functions because of us, and how many they had before.
SRIOV_MEMORY = '/etc/fuel-infiniband/sriov.json'
# There while a file of nova or neutron is edited.
PASSTHROUGH_NOTE = '/etc/fuel-infiniband/passthrough'
# In RUN_FOLDER, held by what keeps virtual functions as they should be.
FUNCTIONS_LOCK = 'functions.lock'
