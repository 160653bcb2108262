# SPDX-License-Identifier: GPL-2.0-or-later
"""Compilers and the build of images; tools unpacked without root."""
