# SPDX-License-Identifier: GPL-2.0-or-later
"""Machines that run a test: their command lines, inspection and exit status."""
