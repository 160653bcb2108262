# SPDX-License-Identifier: GPL-2.0-or-later
"""The rebuild-and-run loop: source watcher, keyboard, rounds."""
