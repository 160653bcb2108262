# SPDX-License-Identifier: GPL-2.0-or-later
"""Views of a run for people and for programs, one module each."""
