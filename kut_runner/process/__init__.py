# SPDX-License-Identifier: GPL-2.0-or-later
"""Child processes: output, CPU time, timeouts and exit, many processes in one thread."""
