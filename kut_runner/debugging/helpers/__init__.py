# SPDX-License-Identifier: GPL-2.0-or-later
"""Commands for gdb and lldb that print struct guest and stage-2 page tables.

`in_gdb` and `in_lldb` adapt a debugger to `machine.Debugger`; the other modules use only that. The
code runs in the Python of the debugger, which may be as old as 3.9 and has no packages: hence
`from __future__ import annotations`, and named tuples instead of dataclasses.
"""
