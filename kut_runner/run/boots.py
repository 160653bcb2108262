# SPDX-License-Identifier: GPL-2.0-or-later
"""Machines of an attempt that have ended: one, or several for rows of the conformance suite."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kut_runner.process.boot import ExitKind
from kut_runner.verdict.cause import Cause

if TYPE_CHECKING:
    from kut_runner.process.boot import ProcessExit
    from kut_runner.verdict.diagnosis import Diagnosis
    from kut_runner.verdict.guest_output import GuestOutput
    from kut_runner.verdict.result import Verdict

#: Ends of a machine after which no other one is started.
_FINAL_KINDS: Final = (ExitKind.NOT_STARTED, ExitKind.INTERRUPTED, ExitKind.GIVEN_UP)
_FINAL_CAUSES: Final = (Cause.REFUSED, Cause.NO_MEMORY, Cause.SUMMARY_MISMATCH)


@dataclass(frozen=True, slots=True)
class Boot:
    """One machine of a test that has ended."""

    output: "GuestOutput"
    process_exit: "ProcessExit"
    verdict: "Verdict"
    """Verdict on this machine alone."""
    diagnosis: "Diagnosis | None" = None

    @property
    def has_died(self) -> bool:
        """Whether it ended before its rows did."""
        return (
            self.output.rows is not None
            and not self.output.rows.problem
            and (self.verdict.status.is_unfinished or self.verdict.cause is Cause.ABORT)
            and self.process_exit.kind not in _FINAL_KINDS
            and self.verdict.cause not in _FINAL_CAUSES
        )

    @property
    def crashed_row(self) -> int | None:
        """The row that ran when it died; None if it has not died, or the row is not known."""
        rows = self.output.rows
        if not rows or not self.has_died or rows.traced is None:
            return None
        return None if rows.has_verdict(rows.traced) else rows.traced
