# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether an image passes that ends well without a SUMMARY line, or without a check."""

from enum import Enum


class NoChecks(Enum):
    """Verdict on such an image; its value is the one in configuration files and options."""

    FAIL = "fail"
    """A crash: `main()` may have returned before its checks."""
    PASS = "pass"  # noqa: S105 - a verdict, not a password
    """A pass, as in kvm-unit-tests, with a cause of its own."""
