# SPDX-License-Identifier: GPL-2.0-or-later
"""The statuses of checks and of tests."""

from enum import Enum


class Status(Enum):
    """How a check or a whole test ended.

    ======== ======= ======= ==================================================================
    status   check   test    meaning
    ======== ======= ======= ==================================================================
    pass     yes     yes     as it should be
    fail     yes     yes     not as it should be
    skip     yes     yes     could not be tried here, with the reason
    xfail    yes     later   failed, and was expected to
    xpass    yes     later   passed, and was expected to fail: a failure
    kfail    yes     later   failed for a known reason that is not the tested code's
    timeout  no      yes     gave no verdict, or did not power off, within its time
    crash    no      yes     the guest died, or said less than it announced
    flaky    no      yes     failed, then passed when it was tried again, as was asked for
    error    no      yes     trouble with QEMU or with the machine under it: nothing is known
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
    """The tested code is not known to be right, and nothing excuses it."""
    is_unfinished: bool
    """The image did not get to say its own verdict."""

    def __init__(self, word: str) -> None:
        """Look things up once: there may be 100,000 checks, and each is asked."""
        self.is_failure = word not in ("pass", "flaky", "skip", "xfail", "kfail")
        self.is_unfinished = word in ("timeout", "crash", "error")

    #: As quick as that of any object; what Enum has is Python.
    __hash__ = object.__hash__
