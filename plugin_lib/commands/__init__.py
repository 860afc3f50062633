# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The commands of fuel-infiniband: one module each, named like its command.

A module has ``SUMMARY`` (a line for the help), ``arguments(parser)`` (what it takes; the shared ones are in
``options``) and ``run(options)`` (does it, returns the exit status).  Its name goes into ``cli.COMMANDS``.  Only the
module of the command that was asked for is imported, but the help imports all of them: what is not there wherever
the command line is (on the master PyYAML alone is) a module imports in ``run``.
"""
from __future__ import absolute_import, print_function, unicode_literals
