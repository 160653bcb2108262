# SPDX-License-Identifier: GPL-2.0-or-later
"""Images built elsewhere: archives of kut, source trees of kvm-unit-tests."""
