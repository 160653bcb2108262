# SPDX-License-Identifier: GPL-2.0-or-later
"""A run as one self-contained HTML page, which works without network, other files or scripts.

All text of a guest, of QEMU or of a document is escaped by `text.shown`. A content security policy
allows the script of the page only, by its hash. `text.Budget` limits the size of the page.
"""
