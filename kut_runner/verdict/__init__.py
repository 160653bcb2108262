# SPDX-License-Identifier: GPL-2.0-or-later
"""Verdicts: serial bytes to lines, lines to events, events to the verdict on a test."""
