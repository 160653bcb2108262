# SPDX-License-Identifier: GPL-2.0-or-later
"""Exceptions that instructions cause by what they are, and the EL that takes them."""
