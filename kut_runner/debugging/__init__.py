# SPDX-License-Identifier: GPL-2.0-or-later
"""A test in gdb or lldb."""
