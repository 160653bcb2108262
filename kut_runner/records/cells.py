# SPDX-License-Identifier: GPL-2.0-or-later
"""Cells: the results of one run's tests on several targets, as a table of tests and targets."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kut_runner.targets.case import cell_of, test_of
from kut_runner.verdict.result import TestResult

#: Changes when a program that reads the old one would misread the new one.
SCHEMA: Final = 1
_NO_RESULT: Final = "-"


@dataclass(frozen=True, slots=True)
class Row:
    """A test with its results by cell: of several in one cell the last failure, or the last."""

    test: str
    results: Mapping[str, TestResult]

    @property
    def differs(self) -> bool:
        """Whether the cells do not all have the same status."""
        return len({result.status for result in self.results.values()}) > 1


@dataclass(frozen=True, slots=True)
class CellTable:
    """The tests of a run against its cells."""

    cells: Sequence[str]
    """In the order in which the document names them."""
    rows: Sequence[Row]
    """In the same order."""

    def lines(self) -> Iterator[str]:
        """Yield a line per test whose cells differ, below a head line, and a summary."""
        different = [row for row in self.rows if self._is_different(row)]
        if different:
            widths = [max(len(cell), 7) for cell in self.cells]
            name = max(len(row.test) for row in different)
            yield f"{'':{name}}  {self._line(self.cells, widths)}".rstrip()
            for row in different:
                statuses = [self._status(row, cell) for cell in self.cells]
                yield f"{row.test:{name}}  {self._line(statuses, widths)}".rstrip()
        alike = len(self.rows) - len(different)
        counts = f"{_tests(len(different))} different, {_tests(alike)} alike"
        yield f"{len(self.cells)} targets: {counts}"

    def as_json(self) -> dict[str, Any]:
        """Return the table for programs, as docs/commands/compare.md describes it."""
        return {
            "schema": SCHEMA,
            "cells": [*self.cells],
            "tests": [
                {
                    "test": row.test,
                    "differs": self._is_different(row),
                    "results": {
                        cell: {
                            "status": result.status.value,
                            "reason": result.verdict.reason,
                            "seconds": round(result.seconds, 6),
                        }
                        for cell, result in row.results.items()
                    },
                }
                for row in self.rows
            ],
        }

    def _is_different(self, row: Row) -> bool:
        return row.differs or len(row.results) < len(self.cells)

    @staticmethod
    def _status(row: Row, cell: str) -> str:
        return row.results[cell].status.value.upper() if cell in row.results else _NO_RESULT

    @staticmethod
    def _line(texts: Sequence[str], widths: Sequence[int]) -> str:
        return "  ".join(f"{text:{width}}" for text, width in zip(texts, widths, strict=True))


def _tests(count: int) -> str:
    return f"{count} test{'' if count == 1 else 's'}"


def cell_table(results: Sequence[TestResult], names: Sequence[str] = ()) -> CellTable | None:
    """Return the table of a run's results; None for a run without cells.

    `names` are the ids of all its cases, in their order; by default of those with a result.
    """
    ids = names or [result.id for result in results]
    cells = dict.fromkeys(filter(None, map(cell_of, ids)))
    if not cells:
        return None
    found: dict[str, dict[str, TestResult]] = {test_of(name): {} for name in ids}
    for result in results:
        row = found.setdefault(result.test, {})
        seen = row.get(result.cell)
        if not seen or result.status.is_failure or not seen.status.is_failure:
            row[result.cell] = result
    return CellTable(tuple(cells), tuple(Row(test, row) for test, row in found.items()))
