# SPDX-License-Identifier: GPL-2.0-or-later
"""The causes of verdicts: one for each row of the table in `judge`, stable for programs."""

from enum import Enum


class Cause(Enum):
    """The row of the table that decided; its value is the key in JSON."""

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
    NO_SUMMARY = "no-summary"
    SUMMARY_MISMATCH = "summary-mismatch"
    CHECKS_FAILED = "checks-failed"
    EXIT_STATUS = "exit-status"
    NO_POWER_OFF = "no-power-off"
    EXIT_CONTRADICTS = "exit-contradicts"
    ALL_SKIPPED = "all-skipped"
    PASSED = "passed"
    UNMET_NEED = "unmet-need"
    """Not of the table: the test was not started, as it cannot run here."""
    PASSED_LATER = "passed-later"
    """Not of the table: a flaky test, which failed first."""
