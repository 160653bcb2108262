# SPDX-License-Identifier: GPL-2.0-or-later
"""Past runs as lines of text: per run, per run of a test, or per test over all runs."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from statistics import median
from typing import Final

from kut_runner.errors import ExitCode, UsageError
from kut_runner.records.document import Document
from kut_runner.records.store import Stored
from kut_runner.targets.selection import label
from kut_runner.verdict.result import TestResult
from kut_runner.verdict.status import Status

#: Characters that stand for the statuses in the table of `table_lines`.
MARKS: Final = {
    Status.PASS: ".",
    Status.FAIL: "F",
    Status.SKIP: "s",
    Status.TIMEOUT: "T",
    Status.CRASH: "C",
    Status.ERROR: "E",
    Status.FLAKY: "~",
}
_NO_RESULT: Final = " "
_OTHER: Final = "?"


@dataclass(frozen=True, slots=True)
class Past:
    """A past run; its results may lack output and diagnosis."""

    run: str
    document: Document
    is_in_progress: bool = False


def past(stored: Stored, *, brief: bool = True) -> Past:
    """Load a run, without output and diagnoses if `brief`.

    Raises UsageError when its files are damaged.
    """
    return Past(stored.run, stored.load(brief=brief), stored.is_in_progress)


def program(past: Past) -> str:
    """Return the program that ran it with its version, as in "QEMU 7.2.22"; "" if not known."""
    metadata = past.document.metadata
    return f"{label(metadata.target)} {metadata.version}" if metadata.version else ""


def lines(runs: Sequence[Past], patterns: Sequence[str], *, by_test: bool) -> Iterator[str]:
    """Yield a line per test with `by_test`, per run of a test with `patterns`, else per run.

    Raises UsageError for a pattern that matches no test.
    """
    if by_test:
        yield from table_lines(runs, patterns)
    elif patterns:
        yield from test_lines(runs, patterns)
    else:
        yield from run_lines(runs)


def run_lines(runs: Sequence[Past]) -> Iterator[str]:
    """Yield a line per run."""
    for past in runs:
        metadata = past.document.metadata
        build = "-".join(filter(None, (metadata.compiler, metadata.variant)))
        seconds = past.document.seconds
        time = f"{seconds:8.2f} s" if seconds is not None else ""
        yield f"{past.run}  {build:10} {program(past):12} {time:>10}  {_outcome(past)}".rstrip()


def test_lines(runs: Sequence[Past], patterns: Sequence[str]) -> Iterator[str]:
    """Yield a line for each result of the tests that `patterns` match.

    Raises UsageError for a pattern that matches no test.
    """
    names = select(runs, patterns)
    width = max(map(len, names), default=0) if len(names) > 1 else 0
    for past in runs:
        for result in past.document.results:
            if result.id in names:
                name = f"{result.id:{width}}  " if width else ""
                yield f"{past.run}  {name}{_result(result)}".rstrip()


def table_lines(runs: Sequence[Past], patterns: Sequence[str]) -> Iterator[str]:
    """Yield a line per test: a mark for each run, the oldest first, and the median time.

    `patterns` are names or globs; without any all tests are listed. Raises UsageError for a pattern
    that matches no test.
    """
    chosen = select(runs, patterns)
    marks: defaultdict[str, dict[int, TestResult]] = defaultdict(dict)
    for number, past in enumerate(runs):
        for result in past.document.results:
            marks[result.id][number] = result
    width = max(map(len, chosen), default=0)
    for name in chosen:
        seen = marks[name]
        row = "".join(_mark(seen.get(number)) for number in range(len(runs)))
        failed = sum(result.status.is_failure for result in seen.values())
        usual = median(result.seconds for result in seen.values())
        failures = f"failed in {failed} of {len(seen)}" if failed else ""
        yield f"{name:{width}}  {row}  {usual:6.2f} s  {failures}".rstrip()


def select(runs: Sequence[Past], patterns: Sequence[str]) -> Collection[str]:
    """Return the names of tests with results that match a pattern, sorted; all without patterns.

    Raises UsageError for a pattern that matches no test.
    """
    names = sorted({result.id for past in runs for result in past.document.results})
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise UsageError(
                f'no run has a result of "{pattern}"', "`kut history --tests` shows the names"
            )
    if not patterns:
        return names
    return [name for name in names if any(fnmatchcase(name, each) for each in patterns)]


def _mark(result: TestResult | None) -> str:
    return MARKS.get(result.status, _OTHER) if result else _NO_RESULT


def _result(result: TestResult) -> str:
    status = result.status.value.upper()
    return f"{status:7} {result.seconds:6.2f} s  {result.verdict.reason}"


def _outcome(past: Past) -> str:
    counts = past.document.counts
    parts = [f"{counts[status]} {status.value}" for status in Status if counts.get(status)]
    if missing := len(past.document.missing):
        why = "in progress" if past.is_in_progress else _end(past.document)
        parts.append(f"{missing} without result ({why})")
    return ", ".join(parts) or "no test"


def _end(document: Document) -> str:
    if document.exit_code is None:
        return "killed"
    return "interrupted" if document.exit_code is ExitCode.INTERRUPTED else "cut short"
