# SPDX-License-Identifier: GPL-2.0-or-later
"""Targets: programs that boot an image, their command lines, inspection and exit status."""
