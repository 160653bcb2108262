# SPDX-License-Identifier: GPL-2.0-or-later
"""Child processes: their output, CPU time, timeouts and exit, many in one thread."""
