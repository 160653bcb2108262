# SPDX-License-Identifier: GPL-2.0-or-later
"""The framework and its tests for the source trees of other projects."""
