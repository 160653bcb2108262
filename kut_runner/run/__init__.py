# SPDX-License-Identifier: GPL-2.0-or-later
"""Execution of tests: order, resources, retries, rounds, and runs on several machines."""
