# SPDX-License-Identifier: GPL-2.0-or-later
"""Verdicts and results of cases."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from kut_runner.errors import ExitCode
from kut_runner.process.boot import ProcessExit
from kut_runner.targets.case import cell_of, test_of
from kut_runner.text import printable
from kut_runner.verdict.cause import Cause
from kut_runner.verdict.guest_output import GuestOutput
from kut_runner.verdict.status import Status

if TYPE_CHECKING:
    from kut_runner.verdict.diagnosis import Diagnosis

#: Exit codes by precedence: a run has the first one that one of its tests has.
_PRECEDENCE: Final = (
    ExitCode.INTERRUPTED,
    ExitCode.MACHINE_REFUSED,
    ExitCode.INFRASTRUCTURE,
    ExitCode.USAGE,
    ExitCode.TESTS_FAILED,
    ExitCode.OK,
)


_NO_OUTPUT: Final = GuestOutput()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Verdict on a test, and its exit code."""

    status: Status
    reason: str
    """One sentence; empty only for a pass."""
    exit_code: ExitCode
    cause: Cause | None = None
    """Row of the table in `judge` that decided; None in documents of an older kut."""


@dataclass(frozen=True, slots=True)
class TestResult:
    """Result of a case: its verdict, output and process, or the reason why it did not run."""

    __test__ = False  # not a class for pytest to collect

    id: str
    """Id of the case."""
    verdict: Verdict
    output: GuestOutput = _NO_OUTPUT
    process_exit: ProcessExit | None = None
    """None if the test was not started."""
    command: tuple[str, ...] = ()
    """Argument vector of the target, which runs the test again."""
    version: str = ""
    """Version of the program of the target."""
    log: str = ""
    """Path of the file with the raw bytes of the serial line."""
    build_id: str = ""
    diagnosis: "Diagnosis | None" = None
    """Decoded dump or CPU states; None without either."""
    attempt: int = 1
    """Number of the attempt, from 1."""
    earlier: tuple["TestResult", ...] = ()
    """Failed attempts before this one, oldest first."""
    target: str = ""
    """Name of the target; empty in documents of an older kut."""
    trace: str = ""
    """Path of the file to which the program traced; empty without one."""

    @property
    def test(self) -> str:
        """Name of the test."""
        return test_of(self.id)

    @property
    def cell(self) -> str:
        """Cell of the target it ran on; empty in a run with one target."""
        return cell_of(self.id)

    @property
    def status(self) -> Status:
        """Status of the verdict."""
        return self.verdict.status

    @property
    def seconds(self) -> float:
        """Wall time of the process; 0 if it was not started."""
        return self.process_exit.seconds if self.process_exit else 0.0


def after(earlier: tuple[TestResult, ...], result: TestResult) -> TestResult:
    """Return `result` with the `earlier` failed attempts; a pass after a failure is flaky."""
    if not earlier:
        return result
    verdict = result.verdict
    if verdict.status is Status.PASS:
        before = "; ".join(f"{each.status.value}: {each.verdict.reason}" for each in earlier)
        reason = f"passed at attempt {len(earlier) + 1}, after {before}"
        verdict = Verdict(Status.FLAKY, reason, verdict.exit_code, Cause.PASSED_LATER)
    return replace(result, verdict=verdict, earlier=earlier)


def exit_code(codes: Iterable[ExitCode]) -> ExitCode:
    """Return the exit code of a run whose tests have these exit codes."""
    seen = set(codes)
    return next((code for code in _PRECEDENCE if code in seen), ExitCode.NOTHING_RAN)


def skipped(reason: str, cause: Cause = Cause.UNMET_NEED) -> Verdict:
    """Return the verdict of a test that cannot run here."""
    return Verdict(Status.SKIP, printable(reason), ExitCode.NOTHING_RAN, cause)


def undefined(problem: str) -> Verdict:
    """Return the verdict of a test whose definition has a problem."""
    return Verdict(Status.ERROR, printable(problem), ExitCode.USAGE, Cause.BAD_DEFINITION)
