# SPDX-License-Identifier: GPL-2.0-or-later
"""Dumps and stopped machines, decoded: the exception, its place in the source, each CPU."""
