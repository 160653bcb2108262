# SPDX-License-Identifier: GPL-2.0-or-later
"""Diagnosis of the host: checks of all tools, and a command to fix each problem."""
