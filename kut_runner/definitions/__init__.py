# SPDX-License-Identifier: GPL-2.0-or-later
"""Test definitions, the source trees that hold them, and the selection of tests for a run."""
