# SPDX-License-Identifier: GPL-2.0-or-later
"""Diagnosis of failures: decoded dumps, symbols and source lines, CPU states."""
