# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows of the conformance suite in past runs, as lines of text: per run, or per row."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase, translate
from typing import Final

from kut_runner.errors import UsageError
from kut_runner.records import history
from kut_runner.records.history import Past
from kut_runner.verdict.result import TestResult
from kut_runner.verdict.rows import (
    CRASH,
    FAIL,
    FAILED,
    KNOWN,
    NONE,
    PASS,
    SKIP,
    STATUSES,
    AreaRows,
    parts_of,
)

#: Characters that stand for the codes of rows in a table.
MARKS: Final = {PASS: ".", FAIL: "F", CRASH: "C", KNOWN: "k", SKIP: "s"}
_NO_RESULT: Final = " "


@dataclass(frozen=True, slots=True)
class Seen:
    """Verdict on a row in one run."""

    test: str
    row: str
    code: str
    """First letter of the code of its verdict."""
    reason: str
    """Why it failed or was skipped; empty if it passed."""


def are_rows(runs: Sequence[Past], patterns: Sequence[str]) -> bool:
    """Return whether patterns name rows: with a dot, as all ids of rows have, and of no test.

    Raises UsageError if only some of them do.
    """
    tests = history.select(runs, ())
    rows = [
        pattern
        for pattern in patterns
        if "." in pattern and not any(fnmatchcase(test, pattern) for test in tests)
    ]
    if rows and len(rows) < len(patterns):
        raise UsageError(f'"{rows[0]}" names rows, and others name tests', "name tests, or rows")
    return bool(rows)


def lines(runs: Sequence[Past], patterns: Sequence[str], *, by_row: bool) -> Iterator[str]:
    """Yield a line per row with `by_row`, else one per run of a test with rows.

    `patterns` are ids, or globs over ids. Raises UsageError for one that no row in any run matches.
    """
    match = re.compile("|".join(map(translate, patterns))).match
    found = [[*_verdicts(past, match)] for past in runs]
    rows = {seen.row for each in found for seen in each}
    for pattern in patterns:
        if not any(fnmatchcase(row, pattern) for row in rows):
            raise UsageError(
                f'no run has a result of row "{pattern}"', "`kut conform --list` shows all rows"
            )
    yield from _by_row(found) if by_row else _by_run(runs, found)


def _verdicts(past: Past, match: Callable[[str], object]) -> Iterator[Seen]:
    """Yield the verdicts of a run on rows that match."""
    for result in past.document.results:
        if area := result.output.rows:
            chosen = [
                (row, code)
                for row, code in zip(area.ids, area.codes(), strict=False)
                if code != NONE and match(row)
            ]
            reasons = _reasons(result) if chosen else {}
            for row, code in chosen:
                yield Seen(result.id, row, code[0], _reason(area, code, reasons.get(row, "")))


def _reason(area: AreaRows, code: str, message: str) -> str:
    """Return why a row failed, with the message of its line, or was skipped; "" if it passed."""
    if code[0] == SKIP:
        return f"needs {area.reason_of(code)}"
    return "" if code == PASS else message


def _reasons(result: TestResult) -> dict[str, str]:
    """Return the messages of rows that failed, by id."""
    parts = filter(None, (parts_of(check) for check in result.output.checks))
    return {row: message for _, row, message in parts}


def _by_run(runs: Sequence[Past], found: Sequence[Sequence[Seen]]) -> Iterator[str]:
    width = max(len(seen.test) for each in found for seen in each)
    for past, each in zip(runs, found, strict=True):
        for test in dict.fromkeys(seen.test for seen in each):
            of_test = [seen for seen in each if seen.test == test]
            where = f"{past.run}  {history.program(past):12}  {test:{width}}"
            yield f"{where}  {_outcome(of_test)}".rstrip()


def _outcome(found: Sequence[Seen]) -> str:
    """Return the verdict on one row, or the number of rows by verdict."""
    if len(found) == 1:
        return f"{STATUSES[found[0].code].upper():5}  {found[0].reason}"
    counts = Counter(seen.code for seen in found)
    return ", ".join(f"{counts[code]} {name}" for code, name in STATUSES.items() if counts[code])


def _by_row(found: Sequence[Sequence[Seen]]) -> Iterator[str]:
    marks: dict[tuple[str, str], dict[int, str]] = {}
    for number, each in enumerate(found):
        for seen in each:
            marks.setdefault((seen.test, seen.row), {})[number] = seen.code
    width = max(len(f"{test}: {row}") for test, row in marks)
    for (test, row), codes in marks.items():
        line = "".join(MARKS[codes[at]] if at in codes else _NO_RESULT for at in range(len(found)))
        failed = sum(code in FAILED for code in codes.values())
        failures = f"failed in {failed} of {len(codes)}" if failed else ""
        yield f"{f'{test}: {row}':{width}}  {line}  {failures}".rstrip()
