# SPDX-License-Identifier: GPL-2.0-or-later
"""Results shown to people and written for programs; each view is a module of its own."""
