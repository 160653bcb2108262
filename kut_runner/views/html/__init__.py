# SPDX-License-Identifier: GPL-2.0-or-later
"""A run as one page that needs nothing else: no network, no other file, not even its own script.

Whatever a guest, QEMU or a document says goes through `text.shown` and nowhere else into the page,
and the page allows no script but its own, by its hash. Its size is bounded by `text.Budget`.
"""
