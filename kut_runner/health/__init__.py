# SPDX-License-Identifier: GPL-2.0-or-later
"""Diagnosis of the host: tools tried by use, and the command that fixes each problem."""
