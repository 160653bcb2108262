# SPDX-License-Identifier: GPL-2.0-or-later
"""Serial bytes to lines, lines to events, events to the verdict on a test."""
