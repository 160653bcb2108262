# SPDX-License-Identifier: GPL-2.0-or-later
"""Images that were built elsewhere: archives of kut, trees of kvm-unit-tests."""
