# SPDX-License-Identifier: GPL-2.0-or-later
"""Search for the commit of QEMU or Linux at which a check begins to fail."""
