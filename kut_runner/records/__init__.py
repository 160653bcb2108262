# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs as data: results on disk, past runs, comparisons, and the interface of a view."""
