# SPDX-License-Identifier: GPL-2.0-or-later
"""What `kut debug` brings into a debugger: struct guest and stage-2 tables in words.

`in_gdb` and `in_lldb` are all that knows one debugger; they give the others a `machine.Debugger`.
All of it runs in the debugger's own Python, which may be an older one (3.9 will do) and has no
packages: hence `from __future__ import annotations`, and named tuples in place of dataclasses.
"""
