# SPDX-License-Identifier: GPL-2.0-or-later
"""Causes of verdicts, stable for programs; the table in `judge` names those of each row."""

from enum import Enum


class Cause(Enum):
    """Cause of a verdict; its value is the one in JSON."""

    NOT_STARTED = "not-started"
    INTERRUPTED = "interrupted"
    KILLED = "killed"
    REFUSED = "refused"
    NO_MEMORY = "no-memory"
    PROGRAM_FAILED = "program-failed"
    TIMEOUT = "timeout"
    NO_EXIT = "no-exit"
    OUTPUT_AFTER_EXIT = "output-after-exit"
    ABORT = "abort"
    FATAL = "fatal"
    GAVE_UP = "gave-up"
    NO_SUMMARY = "no-summary"
    SUMMARY_MISMATCH = "summary-mismatch"
    CHECKS_FAILED = "checks-failed"
    EXIT_STATUS = "exit-status"
    NO_POWER_OFF = "no-power-off"
    EXIT_CONTRADICTS = "exit-contradicts"
    ALL_SKIPPED = "all-skipped"
    PASSED = "passed"
    UNMET_NEED = "unmet-need"
    """Not in the table: the test cannot run here and was not started."""
    BAD_DEFINITION = "bad-definition"
    """Not in the table: the test is defined in a way that cannot be run, and was not started."""
    PASSED_LATER = "passed-later"
    """Not in the table: the test failed first and passed when it was tried again."""
