# SPDX-License-Identifier: GPL-2.0-or-later
"""Past runs as lines of text."""

from collections.abc import Sequence

import pytest

from kut_runner.errors import ExitCode, UsageError
from kut_runner.process.boot import ExitKind, ProcessExit
from kut_runner.records.document import Document, RunMetadata
from kut_runner.records.history import Past, lines
from kut_runner.verdict.result import TestResult, Verdict
from kut_runner.verdict.status import Status


def result(name: str, status: Status = Status.PASS, seconds: float = 0.5) -> TestResult:
    reason = "" if status is Status.PASS else "why"
    ended = ProcessExit(ExitKind.EXITED, 0, seconds, "")
    return TestResult(name, Verdict(status, reason, ExitCode.OK), process_exit=ended)


def past(
    run: str,
    *results: TestResult,
    also: tuple[str, ...] = (),
    code: ExitCode | None = ExitCode.OK,
    in_progress: bool = False,
) -> Past:
    names = (*(one.id for one in results), *also)
    metadata = RunMetadata(run=run, compiler="gcc", variant="o3", version="7.2.22", selection=names)
    seconds = None if in_progress else 12.5
    document = Document(metadata, results, seconds, code, is_complete=not also)
    return Past(run, document, in_progress)


RUNS = (
    past("r1", result("ab"), result("b")),
    past("r2", result("ab", Status.FAIL), result("c", Status.SKIP), also=("b",), code=None),
    past("r3", result("ab", Status.FLAKY, 1.5), also=("b",), code=ExitCode.INTERRUPTED),
    past("r4", result("ab", Status.CRASH), also=("b",), code=ExitCode.INFRASTRUCTURE),
    past("r5", also=("b", "ab"), code=None, in_progress=True),
)


def shown(patterns: Sequence[str] = (), *, by_test: bool = False) -> list[str]:
    return list(lines(RUNS, patterns, by_test=by_test))


def test_a_line_per_run() -> None:
    assert shown() == [
        "r1  gcc-o3     QEMU 7.2.22     12.50 s  2 pass",
        "r2  gcc-o3     QEMU 7.2.22     12.50 s  1 fail, 1 skip, 1 without result (killed)",
        "r3  gcc-o3     QEMU 7.2.22     12.50 s  1 flaky, 1 without result (interrupted)",
        "r4  gcc-o3     QEMU 7.2.22     12.50 s  1 crash, 1 without result (cut short)",
        "r5  gcc-o3     QEMU 7.2.22              2 without result (in progress)",
    ]


def test_a_line_per_run_of_a_test() -> None:
    assert shown(["ab"]) == [
        "r1  PASS      0.50 s",
        "r2  FAIL      0.50 s  why",
        "r3  FLAKY     1.50 s  why",
        "r4  CRASH     0.50 s  why",
    ]


def test_a_line_per_run_and_test() -> None:
    assert shown(["?", "ab"]) == [
        "r1  ab  PASS      0.50 s",
        "r1  b   PASS      0.50 s",
        "r2  ab  FAIL      0.50 s  why",
        "r2  c   SKIP      0.50 s  why",
        "r3  ab  FLAKY     1.50 s  why",
        "r4  ab  CRASH     0.50 s  why",
    ]


def test_a_line_per_test() -> None:
    assert shown(by_test=True) == [
        "ab  .F~C     0.50 s  failed in 2 of 4",
        "b   .        0.50 s",
        "c    s       0.50 s",
    ]
    assert shown(["b"], by_test=True) == ["b  .        0.50 s"]


@pytest.mark.parametrize("by_test", [True, False])
def test_a_test_that_no_run_has(*, by_test: bool) -> None:
    with pytest.raises(UsageError, match='no run has a result of "x"'):
        shown(["x"], by_test=by_test)
