# SPDX-License-Identifier: GPL-2.0-or-later
"""Rounds of build and run on changes of the sources: source watcher, keyboard, loop."""
