# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The install hook for real: apt, dpkg and the built repository on a throw-away node.

Covers the first run, the second, an interrupted one, a package that is not the one of the build, a repository that
is not there, dependencies that are missing, and that removing leaves nothing behind.
"""
