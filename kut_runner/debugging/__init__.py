# SPDX-License-Identifier: GPL-2.0-or-later
"""Debugging of a test in gdb or lldb."""
