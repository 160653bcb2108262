# SPDX-License-Identifier: GPL-2.0-or-later
"""Grid: the tests and rows whose outcome in a cell differs from that in the reference cell.

A difference counts if one of the two outcomes is a failure and the cell has not skipped the test.
Others, such as a row that is skipped because the CPU lacks a feature, are minor: they are only
counted.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from kut_runner.errors import UsageError
from kut_runner.text import printable
from kut_runner.verdict import rows as codes
from kut_runner.verdict.status import Status

if TYPE_CHECKING:
    from kut_runner.verdict.result import TestResult
    from kut_runner.verdict.rows import AreaRows

#: Changes when a program that reads the old one would misread the new one.
SCHEMA: Final = 1
#: Statuses that are no failures, not even known ones.
_GOOD: Final = ("pass", "flaky", "skip", "none")
#: Statuses in the order in which they are counted.
_ALL: Final = (*(status.value for status in Status), "none")
#: Statuses without a verdict, which say nothing about the cell.
_NOT_RUN: Final = ("skip", "none")
#: Failures that the errata explain.
_KNOWN: Final = ("xfail", "kfail")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of a test or a row in a cell."""

    status: str
    reason: str = ""

    @property
    def is_good(self) -> bool:
        """Whether it is no failure."""
        return self.status in _GOOD

    def to_json(self) -> dict[str, Any]:
        """Return the outcome for the document of a grid."""
        return {"status": self.status, "reason": self.reason}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the outcome that `to_json` wrote."""
        return cls(printable(data["status"]), printable(data["reason"]))


@dataclass(frozen=True, slots=True)
class Difference:
    """A test or a row with the cells in which it differs from the reference."""

    test: str
    row: str
    """Id of the row; "" for the test itself."""
    reference: Outcome
    cells: Mapping[str, Outcome]
    """Outcomes that are not that of the reference."""

    @property
    def counting(self) -> Mapping[str, Outcome]:
        """Outcomes that count as differences."""
        return {
            cell: outcome
            for cell, outcome in self.cells.items()
            if outcome.status not in _NOT_RUN and not (outcome.is_good and self.reference.is_good)
        }

    @property
    def name(self) -> str:
        """Name of the test, with the id of the row."""
        return f"{self.test} {self.row}".rstrip()


@dataclass(frozen=True, slots=True)
class Column:
    """A cell of the grid."""

    id: str
    problem: str = ""
    """Reason why it did not run, "" if it did."""
    counts: Mapping[str, int] | None = None
    """Number of tests by status, of rows for tests of the conformance suite."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Differences of all cells from the reference cell."""

    reference: str
    columns: Sequence[Column]
    differences: Sequence[Difference]
    minor: int
    """Number of tests and rows with minor differences only."""
    alike: int
    run: str = ""
    """ID of the run."""

    def new_since(self, before: "Grid") -> frozenset[tuple[str, str]]:
        """Return name and cell of each difference that `before` does not have with that status."""
        old = {
            (difference.name, cell): outcome.status
            for difference in before.differences
            for cell, outcome in difference.cells.items()
        }
        return frozenset(
            (difference.name, cell)
            for difference in self.differences
            for cell, outcome in difference.counting.items()
            if old.get((difference.name, cell)) != outcome.status
        )

    @property
    def has_bad_reference(self) -> bool:
        """Whether the reference has no verdict on a test, so that nothing is compared with it."""
        return any(
            "error" in (column.counts or {})
            for column in self.columns
            if column.id == self.reference
        )

    @property
    def failures(self) -> frozenset[tuple[str, str]]:
        """Name and cell of each difference that is a failure and not a known one."""
        return frozenset(
            (difference.name, cell)
            for difference in self.differences
            for cell, outcome in difference.counting.items()
            if not outcome.is_good and outcome.status not in _KNOWN
        )

    def to_json(self, new: frozenset[tuple[str, str]] | None = None) -> dict[str, Any]:
        """Return the grid as docs/commands/grid.md describes it; `new` are new differences."""
        return {
            "schema": SCHEMA,
            "run": self.run,
            "reference": self.reference,
            "cells": [
                {"id": each.id, "problem": each.problem, "counts": each.counts}
                for each in self.columns
            ],
            "minor": self.minor,
            "alike": self.alike,
            "differences": [
                {
                    "test": each.test,
                    "row": each.row,
                    "reference": each.reference.to_json(),
                    "cells": {
                        cell: outcome.to_json()
                        | ({} if new is None else {"new": (each.name, cell) in new})
                        for cell, outcome in each.cells.items()
                    },
                }
                for each in self.differences
            ],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the grid that `to_json` wrote; raises LookupError, TypeError or ValueError."""
        if data["schema"] != SCHEMA:
            raise ValueError(f"schema {data['schema']} is not {SCHEMA}")
        return cls(
            reference=printable(data["reference"]),
            columns=tuple(
                Column(printable(each["id"]), printable(each["problem"]), each["counts"])
                for each in data["cells"]
            ),
            differences=tuple(
                Difference(
                    printable(each["test"]),
                    printable(each["row"]),
                    Outcome.from_json(each["reference"]),
                    {
                        printable(cell): Outcome.from_json(outcome)
                        for cell, outcome in each["cells"].items()
                    },
                )
                for each in data["differences"]
            ),
            minor=int(data["minor"]),
            alike=int(data["alike"]),
            run=printable(data["run"]),
        )


def load(path: Path) -> Grid:
    """Return the grid in a file; raises UsageError for any other file."""
    try:
        return Grid.from_json(json.loads(path.read_bytes()))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"{path} is no grid ({str(error)[:200]})", "name a file of `kut grid --json FILE`"
        ) from None


def grid(
    results: "Sequence[TestResult]",
    problems: Mapping[str, str],
    reference: str,
    run: str = "",
) -> Grid:
    """Return the grid of the results of a run.

    `problems` has all cells in their order, with the reason for each that did not run.
    """
    by_test: dict[str, dict[str, TestResult]] = {}
    for result in results:
        by_test.setdefault(result.test, {})[result.cell] = result
    found: list[Difference] = []
    minor = alike = 0
    for test, by_cell in by_test.items():
        for row, outcomes in _outcomes(by_cell, reference):
            expected = outcomes[reference]
            others = {
                cell: outcome
                for cell, outcome in outcomes.items()
                if outcome.status != expected.status
            }
            difference = Difference(test, row, expected, others)
            if difference.counting:
                found.append(difference)
            else:
                minor, alike = minor + bool(others), alike + (not others)
        alike += _alike_rows(by_cell, reference)
    columns = tuple(
        Column(cell, problem, None if problem else _counts(results, cell))
        for cell, problem in problems.items()
    )
    return Grid(reference, columns, tuple(found), minor, alike, run)


def _outcomes(
    by_cell: "Mapping[str, TestResult]", reference: str
) -> Iterator[tuple[str, Mapping[str, Outcome]]]:
    """Yield the outcomes of a test by cell, and of each row that is not the same in all cells.

    A test whose rows are compared is not compared itself, but in cells where it has no rows. What
    the reference does not have is not compared.
    """
    base = by_cell.get(reference)
    if not base:
        return
    of_rows = {cell: area for cell, result in by_cell.items() if (area := result.output.rows)}
    if base_rows := of_rows.get(reference):
        compared = {cell: area for cell, area in of_rows.items() if area.hash == base_rows.hash}
        yield from _row_outcomes(compared, by_cell)
        others = {cell: result for cell, result in by_cell.items() if cell not in compared}
        if not others:
            return
        by_cell = {reference: base, **others}
    yield "", {cell: _outcome(result) for cell, result in by_cell.items()}


def _outcome(result: "TestResult") -> Outcome:
    return Outcome(result.status.value, result.verdict.reason)


def _row_outcomes(
    areas: "Mapping[str, AreaRows]", by_cell: "Mapping[str, TestResult]"
) -> Iterator[tuple[str, Mapping[str, Outcome]]]:
    """Yield the outcomes of each row that has not the same verdict in all cells."""
    reasons = {cell: _reasons(by_cell[cell]) for cell in areas}
    name = next(iter(areas.values())).name
    for number, found in enumerate(zip(*(area.codes() for area in areas.values()), strict=True)):
        if len({code[0] for code in found}) == 1:
            continue
        row = name(number)
        yield (
            row,
            {
                cell: Outcome(
                    codes.STATUSES[code[0]],
                    str(area.reason_of(code))
                    if code[0] == codes.SKIP
                    else reasons[cell].get(row, ""),
                )
                for (cell, area), code in zip(areas.items(), found, strict=True)
            },
        )


def _alike_rows(by_cell: "Mapping[str, TestResult]", reference: str) -> int:
    """Return the number of rows with the same verdict in all cells that have the rows.

    Rows that ran in none of them were not selected.
    """
    base = by_cell.get(reference)
    if not base or not (rows := base.output.rows):
        return 0
    areas = [
        area
        for result in by_cell.values()
        if (area := result.output.rows) and area.hash == rows.hash
    ]
    pairs = zip(*(area.codes() for area in areas), strict=True)
    return sum(found[0] != codes.NONE and len({code[0] for code in found}) == 1 for found in pairs)


def _reasons(result: "TestResult") -> Mapping[str, str]:
    """Return by row the message of each failed check."""
    failed = (check for check in result.output.checks if check.status.value not in _GOOD)
    return {parts[1]: parts[2] for check in failed if (parts := codes.parts_of(check))}


def _counts(results: "Sequence[TestResult]", cell: str) -> dict[str, int]:
    found = Counter[str]()
    for result in results:
        if result.cell != cell:
            continue
        if area := result.output.rows:
            for code, count in area.counts.items():
                found[codes.STATUSES[code]] += count
        else:
            found[result.status.value] += 1
    return {status: found[status] for status in _ALL if found[status]}
