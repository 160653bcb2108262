# SPDX-License-Identifier: GPL-2.0-or-later
"""Verdicts and results: what is known about a case after it ran, or why it did not run."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from kut_runner.errors import ExitCode
from kut_runner.process.boot import ProcessExit
from kut_runner.targets.case import cell_of, test_of
from kut_runner.verdict.cause import Cause
from kut_runner.verdict.guest_output import GuestOutput
from kut_runner.verdict.status import Status

if TYPE_CHECKING:
    from kut_runner.verdict.diagnosis import Diagnosis

#: Of several exit codes among the tests of a run the first of these is the run's.
_PRECEDENCE: Final = (
    ExitCode.INTERRUPTED,
    ExitCode.MACHINE_REFUSED,
    ExitCode.INFRASTRUCTURE,
    ExitCode.TESTS_FAILED,
    ExitCode.OK,
)


_SILENCE: Final = GuestOutput()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement on a test, and its exit code for the run."""

    status: Status
    reason: str
    """One sentence; empty for a pass only."""
    exit_code: ExitCode
    cause: Cause | None = None
    """The row of the table that decided; None in documents of an older kut."""


@dataclass(frozen=True, slots=True)
class TestResult:
    """All that is known about one case after it ran, or why it did not run."""

    __test__ = False  # not a class for pytest to collect

    id: str
    """The case's."""
    verdict: Verdict
    output: GuestOutput = _SILENCE
    process_exit: ProcessExit | None = None
    """None when the test was not started."""
    command: tuple[str, ...] = ()
    """The target's argument vector: paste it to run the test again."""
    version: str = ""
    """Version of the target's program."""
    log: str = ""
    """Path of the raw bytes of the serial line."""
    build_id: str = ""
    diagnosis: "Diagnosis | None" = None
    """The decoded dump or stopped machine; None when there is neither."""
    attempt: int = 1
    """Number of the attempt in this run, from 1."""
    earlier: tuple["TestResult", ...] = ()
    """The failures after which the test was tried again, oldest first."""
    target: str = ""
    """Name of the target; empty in documents of an older kut."""

    @property
    def test(self) -> str:
        """Name of the test."""
        return test_of(self.id)

    @property
    def cell(self) -> str:
        """Which of several targets it ran on, "" where there is only one."""
        return cell_of(self.id)

    @property
    def status(self) -> Status:
        """The verdict's status."""
        return self.verdict.status

    @property
    def seconds(self) -> float:
        """Wall time of the process, from start to end."""
        return self.process_exit.seconds if self.process_exit else 0.0


def after(earlier: tuple[TestResult, ...], result: TestResult) -> TestResult:
    """Return the result of a test that failed `earlier`; one that passes now is flaky."""
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
    return Verdict(Status.SKIP, reason, ExitCode.NOTHING_RAN, cause)
