# SPDX-License-Identifier: GPL-2.0-or-later
"""Statuses of checks and tests."""

from enum import Enum


class Status(Enum):
    """Outcome of a check or a test.

    ======== ======= ======= ==================================================================
    status   check   test    meaning
    ======== ======= ======= ==================================================================
    pass     yes     yes     passed
    fail     yes     yes     failed
    skip     yes     yes     could not be run here, with the reason
    xfail    yes     later   failed, as expected
    xpass    yes     later   passed, although expected to fail: a failure
    kfail    yes     later   failed for a known reason outside the tested code
    timeout  no      yes     no verdict, or no power-off, before the timeout
    crash    rows    yes     the guest crashed, or printed fewer checks than it announced; the
                             machine died at a row of the conformance suite
    flaky    no      yes     failed, then passed when it was retried
    error    no      yes     an error in QEMU or on the host: the test has no verdict
    ======== ======= ======= ==================================================================
    """

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    SKIP = "skip"
    XFAIL = "xfail"
    XPASS = "xpass"
    KFAIL = "kfail"
    TIMEOUT = "timeout"
    CRASH = "crash"
    FLAKY = "flaky"
    ERROR = "error"

    is_failure: bool
    """Whether the test or check counts as failed."""
    is_unfinished: bool
    """Whether the image ended without its own verdict."""

    def __init__(self, value: str) -> None:
        """Compute the properties once: there may be 100,000 checks."""
        self.is_failure = value not in ("pass", "flaky", "skip", "xfail", "kfail")
        self.is_unfinished = value in ("timeout", "crash", "error")

    #: Faster than the __hash__ of Enum, which is written in Python.
    __hash__ = object.__hash__
