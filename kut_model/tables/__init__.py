# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows and C tables that several areas share."""
