# SPDX-License-Identifier: GPL-2.0-or-later
"""Parts of the lab: an arm64 Linux with KVM, its user space, and the VMM that runs images on it."""
